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
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar, cast

T = TypeVar("T")
JsonDict = dict[str, Any]
Reader = Callable[[Any], Any]
PROGRAM = __name__.partition(".")[0]
LARGEST = 1e30  # no sum or product of a few such numbers overflows


class Canonical(str):
    """The text of a JSON value in canonical form."""

    __slots__ = ()


_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False).encode
_encode_name = functools.lru_cache(maxsize=4096)(_encode)


def canonical(value: object) -> Canonical:
    """A JSON value in canonical form; one that is in it already is left as it is."""
    return value if type(value) is Canonical else Canonical(_encode(value))


def canonical_list(parts: Iterable[Canonical]) -> Canonical:
    """A list of values that are in canonical form."""
    return Canonical(f"[{','.join(parts)}]")


def canonical_object(parts: Mapping[str, object]) -> Canonical:
    """An object, some of whose values are in canonical form already."""
    written = [
        f"{_encode_name(name)}:{part if type(part) in (Canonical, int) else _encode(part)}"
        for name, part in sorted(parts.items())
    ]
    return Canonical(f"{{{','.join(written)}}}")


def digest(value: object) -> str:
    """Hex SHA-256 (64 characters) of a JSON value in canonical form."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()


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
    return _reader_of(kind)(plain)


@functools.cache
def _reader_of(kind: type[Any]) -> Reader:
    """Reads a record class: made once, since studies hold many thousands of records."""
    found = typing.get_type_hints(kind)
    readers = [(part.name, *_exact(found[part.name])) for part in dataclasses.fields(kind)]

    def read(plain: Any) -> Any:
        made: JsonDict = {}
        for name, exact, read in readers:
            if name in plain:
                value = plain[name]
                made[name] = value if type(value) is exact else read(value)
        return kind(**made)

    return read


def _exact(hint: Any) -> tuple[type | None, Reader]:
    """How a field is read, and the type of values that are right as they are, if there is one."""
    one = [part for part in typing.get_args(hint) or (hint,) if part is not type(None)]
    is_word = len(one) == 1 and one[0] in (str, bool)
    return (one[0] if is_word else None), _reader(hint)


def _reader(hint: Any) -> Reader:
    """Makes a value of a type; what it makes raises TypeError or ValueError for any other."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        one = _reader(next(a for a in arguments if a is not type(None)))
        if type(None) not in arguments:
            return one
        return lambda value: None if value is None else one(value)
    if origin is tuple:
        item = _reader(arguments[0])
        return lambda value: tuple([item(each) for each in _check_type((list, tuple), value)])
    if origin in (dict, Mapping):
        item = _reader(arguments[1])
        if item is _as_it_is:
            return lambda value: dict(_mapping(value))
        return lambda value: {key: item(each) for key, each in _mapping(value).items()}
    if dataclasses.is_dataclass(hint):
        whole = _reader_of(cast("type[Any]", hint))
        return lambda value: whole(value if type(value) is dict else _mapping(value))
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        members = {one.value: one for one in hint}
        return lambda value: members[value] if value in members else hint(value)
    if hint in (float, int):
        return functools.partial(_check_number, hint)
    return functools.partial(_check_type, (hint,)) if hint in (str, bool) else _as_it_is


def _as_it_is(value: Any) -> Any:
    return value


def _mapping(value: Any) -> Mapping[str, Any]:
    return cast(JsonDict, value) if type(value) is dict else _check_type((Mapping,), value)


def _check_type(kinds: tuple[type, ...], value: Any) -> Any:
    if not isinstance(value, kinds):
        raise TypeError(f"{str(value)[:40]!r} is no {kinds[0].__name__}")
    return value


def _check_number(kind: type[Any], value: object) -> Any:
    """A finite number that a machine word holds, as all that are measured or counted are."""
    if kind is float and type(value) is float and -LARGEST < value < LARGEST:
        return value
    if isinstance(value, bool) or not isinstance(value, int if kind is int else (int, float)):
        raise TypeError(f"{str(value)[:40]!r} is no {kind.__name__}")
    if not abs(value) < LARGEST or (isinstance(value, int) and abs(value) >= 2**63):
        raise ValueError(f"{str(value)[:40]} is no number that is measured")
    return kind(value)
