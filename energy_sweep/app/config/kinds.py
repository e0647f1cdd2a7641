"""Values of the kinds that the schema names, whatever an interpolation resolved to."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping
from typing import Any

from omegaconf import OmegaConf

from energy_sweep.app.config.schema import KEYS, Schema
from energy_sweep.record import BadInput, JsonDict


def of_their_kinds(plain: JsonDict) -> JsonDict:
    """Values as the schema has them, which an interpolation may have resolved to another kind.

    Raises BadInput or OmegaConfBaseException for what cannot be converted.
    """
    _check_sections(Schema, plain)
    known = {key: value for key, value in plain.items() if key in KEYS}
    if _is_a(Schema, known):
        return plain
    merged = OmegaConf.to_container(OmegaConf.merge(OmegaConf.structured(Schema), known))
    return {key: typing.cast(JsonDict, merged).get(key, value) for key, value in plain.items()}


def _is_a(hint: Any, value: object) -> bool:
    """Whether a value is of a kind that the schema names; a whole number is a number."""
    if dataclasses.is_dataclass(hint):
        hints = typing.get_type_hints(hint)
        parts = typing.cast(JsonDict, value) if isinstance(value, dict) else None
        return parts is not None and all(_is_a(hints.get(k, Any), v) for k, v in parts.items())
    if hint is Any or hint is type(None):
        return hint is Any or value is None
    if isinstance(hint, types.UnionType):
        return any(_is_a(one, value) for one in typing.get_args(hint))
    if isinstance(value, bool) or hint is bool:
        return isinstance(value, bool) and hint is bool
    kind = typing.get_origin(hint) or hint
    return isinstance(value, (int, float) if kind is float else kind)


def _check_sections(section: type[object], plain: Mapping[str, Any], place: str = "") -> None:
    """Raise BadInput for a word that stands where names of parts should be."""
    for name, hint in typing.get_type_hints(section).items():
        own = [one for one in (hint, *typing.get_args(hint)) if dataclasses.is_dataclass(one)]
        value = plain.get(name)
        if not own or value is None:
            continue
        kind = typing.cast(type[object], own[0])
        if not isinstance(value, Mapping):
            part = next(iter(typing.get_type_hints(kind)))
            raise BadInput(
                f"{place}{name}={value}: type its parts by name, as {place}{name}.{part}"
            )
        _check_sections(kind, typing.cast(Mapping[str, Any], value), f"{place}{name}.")
