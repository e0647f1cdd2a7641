"""Records as plain JSON values, both ways, and the digest that names such values."""

from __future__ import annotations

import dataclasses
import enum
import functools
import hashlib
import json
import re
import sys
import types
import typing
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar, cast

T = TypeVar("T")
JsonDict = dict[str, Any]
PROGRAM = __name__.partition(".")[0]
LARGEST = 1e30  # no sum or product of a few such numbers overflows


def digest(value: object) -> str:
    """Hex SHA-256 (64 characters) of a JSON value in canonical form."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def is_digest(text: object) -> bool:
    """Whether a value could be a digest, and so names a place in a store and nothing outside."""
    return isinstance(text, str) and re.fullmatch("[0-9a-f]{64}", text) is not None


@functools.cache
def code_outside(kind: type[object]) -> JsonDict:
    """A class from outside this program by name, with the SHA-256 of its file; {} for our own."""
    file = getattr(sys.modules.get(kind.__module__), "__file__", None)
    if file is None or kind.__module__.partition(".")[0] == PROGRAM:
        return {}
    source = hashlib.sha256(Path(file).read_bytes()).hexdigest()
    return {"class": f"{kind.__module__}.{kind.__qualname__}", "source": source}


def to_json(value: Any) -> Any:
    """A record, or anything holding records, as plain JSON values."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: to_json(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        mapping = cast("Mapping[Any, Any]", value)
        return {str(key): to_json(item) for key, item in mapping.items()}
    if isinstance(value, list | tuple):
        return [to_json(item) for item in cast("Sequence[Any]", value)]
    if isinstance(value, enum.Enum):
        return value.value
    return value


def from_json(kind: type[T], plain: Mapping[str, Any]) -> T:
    """The record of class `kind` that `to_json` wrote; unknown keys are dropped."""
    hints = _field_types(kind)
    known = hints.keys() & plain.keys()
    return kind(**{name: _restore(hints[name], plain[name]) for name in known})


@functools.cache
def _field_types(kind: type) -> JsonDict:
    """Types of the fields of a record class: looked up once, since studies hold many records."""
    found = typing.get_type_hints(kind)
    return {part.name: found[part.name] for part in dataclasses.fields(kind)}


def _restore(hint: Any, value: Any) -> Any:
    """A value of the type that a field has; TypeError or ValueError for any other."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        if value is None and type(None) in arguments:
            return None
        return _restore(next(a for a in arguments if a is not type(None)), value)
    if origin is tuple:
        return tuple(_restore(arguments[0], item) for item in _check_type((list, tuple), value))
    if origin in (dict, Mapping):
        return {
            key: _restore(arguments[1], item)
            for key, item in _check_type((Mapping,), value).items()
        }
    if dataclasses.is_dataclass(hint):
        return from_json(cast("type[Any]", hint), _check_type((Mapping,), value))
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return hint(value)
    if hint in (float, int):
        return _check_number(hint, value)
    return _check_type((hint,), value) if hint in (str, bool) else value


def _check_type(kinds: tuple[type, ...], value: Any) -> Any:
    if not isinstance(value, kinds):
        raise TypeError(f"{str(value)[:40]!r} is no {kinds[0].__name__}")
    return value


def _check_number(kind: type[Any], value: object) -> Any:
    """A finite number that a machine word holds, as all that are measured or counted are."""
    if isinstance(value, bool) or not isinstance(value, int if kind is int else (int, float)):
        raise TypeError(f"{str(value)[:40]!r} is no {kind.__name__}")
    if not abs(value) < LARGEST or (isinstance(value, int) and abs(value) >= 2**63):
        raise ValueError(f"{str(value)[:40]} is no number that is measured")
    return kind(value)
