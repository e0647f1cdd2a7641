"""Parts of a recipe as plain JSON values, so that another process can make them again."""

from __future__ import annotations

import dataclasses
import functools
import importlib
from collections.abc import Mapping
from typing import Any

from energy_sweep.record import BadInput


def describe(value: Any) -> Any:
    """A part with the place of its class; BadInput for what another process could not make."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list | tuple):
        return {type(value).__name__: [describe(item) for item in value]}
    if isinstance(value, Mapping):
        return {"dict": {str(key): describe(item) for key, item in value.items()}}
    kind = type(value)
    if not dataclasses.is_dataclass(kind) or kind.__module__ == "__main__":
        raise BadInput(
            f"device.processes: other processes cannot make a {kind.__qualname__} of"
            f" {kind.__module__}: make it a frozen dataclass in a module of its own,"
            " or type device.processes=1"
        )
    fields = [field.name for field in dataclasses.fields(value) if field.init]
    return {
        "class": f"{kind.__module__}:{kind.__qualname__}",
        "fields": {name: describe(getattr(value, name)) for name in fields},
    }


def make(plain: Any) -> Any:
    """What `describe` described; only dataclasses are made, by their own checks."""
    if not isinstance(plain, dict):
        return plain
    if "list" in plain:
        return [make(item) for item in plain["list"]]
    if "tuple" in plain:
        return tuple(make(item) for item in plain["tuple"])
    if "dict" in plain:
        return {key: make(item) for key, item in plain["dict"].items()}
    module, _, name = plain["class"].partition(":")
    kind = functools.reduce(getattr, name.split("."), importlib.import_module(module))
    if not (isinstance(kind, type) and dataclasses.is_dataclass(kind)):
        raise TypeError(f"{plain['class']} is not a dataclass")
    return kind(**{key: make(item) for key, item in plain["fields"].items()})
