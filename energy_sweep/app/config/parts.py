"""The parts that a configuration names: known to be ours or trusted before anything is called.

A `_target_` is one of those that the files of our own conf folder name for its group, or a frozen
dataclass of a package that the user allowed. Nothing else is imported, and nothing else is called.
"""

from __future__ import annotations

import dataclasses
import functools
import importlib
import re
import types
import typing
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from energy_sweep.app.config.conf_folder import conf_folder
from energy_sweep.app.config.protocols import check_protocol, is_protocol
from energy_sweep.record import BadInput, EnergySweepError, JsonDict

OURS = "energy_sweep"
TARGET = "_target_"
NAME = re.compile(r"\w[\w.+-]{0,99}")
# Modules that stored configurations know by an older name.
MOVED = {"energy_sweep.schedule": "energy_sweep.optimizer.schedule"}
WORDS = {int: "a whole number", float: "a number", bool: "true or false", str: "a word"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """The packages, besides ours, that the user trusts, and what to type to trust one more."""

    packages: tuple[str, ...] = ()
    cure: str = "'allow=[{package}]'"

    def check(self, setting: str, name: str) -> None:
        """BadInput for the name of something to import that is not trusted."""
        package = name.split(".")[0]
        if package == OURS:
            raise BadInput(f"{setting}={name} is none of our parts: see --help for those")
        if package not in self.packages:
            cure = self.cure.format(package=package)
            raise BadInput(f"{setting}={name} is outside energy_sweep: type {cure} if you trust it")


def make_part(group: str, settings: JsonDict, trust: Trust) -> Any:
    """The part that settings describe; BadInput, with nothing called, where one may not be."""
    settings = _with_current_paths(settings)
    for place, node in _nodes(group, settings):
        kind = find_class(place, node[TARGET], trust)
        check_protocol(place, node[TARGET], kind)
        _check_settings(place, node, kind)
        _check_name(place, node)
    try:
        part = _instantiate(group, settings, trust)
    except SystemExit as ended:
        raise BadInput(f"{group}: {settings[TARGET]} ends the program: mend it") from ended
    except EnergySweepError:
        raise
    except Exception as error:
        raise BadInput(f"{group}: {error}") from error
    if not hasattr(part, "name"):
        raise BadInput(f"{group}: {settings[TARGET]} must be a frozen dataclass with a name")
    for setting, module in getattr(part, "imports", {}).items():
        trust.check(f"{group}.{setting}", module)
    return part


def _with_current_paths(node: Any) -> Any:
    """Settings with classes named where they are now: stored ones may name where they were."""
    if isinstance(node, list | tuple):
        return [_with_current_paths(child) for child in node]
    if not isinstance(node, Mapping):
        return node
    found = {key: _with_current_paths(child) for key, child in node.items()}
    if TARGET in found:
        module, _, kind = str(found[TARGET]).rpartition(".")
        if module in MOVED:
            found[TARGET] = f"{MOVED[module]}.{kind}"
    return found


def _instantiate(place: str, node: Any, trust: Trust) -> Any:
    """Settings with every part in them made of its own; Hydra's `instantiate` would call more."""
    if isinstance(node, list | tuple):
        return tuple(
            _instantiate(f"{place}.{index}", child, trust) for index, child in enumerate(node)
        )
    if not isinstance(node, Mapping):
        return node
    made = {key: _instantiate(f"{place}.{key}", child, trust) for key, child in node.items()}
    target = made.pop(TARGET, None)
    return made if target is None else find_class(place, target, trust)(**made)


def find_class(place: str, target: object, trust: Trust) -> type:
    """The frozen dataclass that a `_target_` names; BadInput where it is no part or not trusted."""
    setting, name = f"{place}.{TARGET}", str(target)
    if name not in registry().get(place.replace(".", "/"), ()):
        trust.check(setting, name)
    module, _, kind = name.rpartition(".")
    try:
        found = getattr(importlib.import_module(module), kind)
    except (Exception, SystemExit) as error:  # a module of the user's may do anything
        said = " ".join(f"{error}".split()) or type(error).__name__
        raise BadInput(f"{setting}={name} cannot be found: {said}") from error
    if not _is_frozen_dataclass(found):
        raise BadInput(f"{setting}={name} must be a frozen dataclass with a name")
    return found


def registry() -> Mapping[str, frozenset[str]]:
    """The classes that the files of our own conf folder name, by group, as `optimizer/schedule`."""
    return {group: frozenset(names.values()) for group, names in _targets_by_name().items()}


@functools.cache
def _targets_by_name() -> Mapping[str, Mapping[str, str]]:
    """By group, the class of each name that the files of our own conf folder give."""
    found: defaultdict[str, dict[str, str]] = defaultdict(dict)
    root = conf_folder()
    for path in sorted(root.rglob("*.yaml")):
        file = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        if str(file.get(TARGET, "")).startswith(f"{OURS}."):
            found[path.parent.relative_to(root).as_posix()][file["name"]] = file[TARGET]
    return found


def _nodes(place: str, node: Any) -> Iterator[tuple[str, JsonDict]]:
    """Every part within settings, outer ones first."""
    if isinstance(node, Mapping):
        if TARGET in node:
            yield place, dict(node)
        for key, child in node.items():
            yield from _nodes(f"{place}.{key}", child)
    elif isinstance(node, list | tuple):
        for index, child in enumerate(node):
            yield from _nodes(f"{place}.{index}", child)


def _check_name(place: str, node: JsonDict) -> None:
    """BadInput for the name of another part of ours, or for one that no file could have."""
    name = node.get("name")
    if name is None:
        return
    owner = _targets_by_name().get(place.replace(".", "/"), {}).get(str(name), node[TARGET])
    if owner != node[TARGET]:
        raise BadInput(f"{place}.name={name} is the name of another part: leave it out")
    if not NAME.fullmatch(str(name)):
        raise BadInput(f"{place}.name={name!r}: type a word of letters, digits, . _ and -")


def _check_settings(place: str, node: JsonDict, kind: type) -> None:
    """BadInput for a setting that a part does not have, or one of the wrong kind."""
    hints, known = typing.get_type_hints(kind), _fields(kind)
    for key, value in node.items():
        if key == TARGET:
            continue
        if key not in known:
            raise BadInput(f"{place}.{key} does not exist: type one of {', '.join(known)}")
        if not isinstance(value, Mapping) and not _fits(value, hints[key]):
            wanted = " or ".join(_words(hints[key]))
            raise BadInput(f"{place}.{key}={_as_typed(value)}: type {wanted}")


def _is_frozen_dataclass(kind: object) -> bool:
    if not isinstance(kind, type) or not dataclasses.is_dataclass(kind):
        return False
    return getattr(kind, "__dataclass_params__").frozen  # noqa: B009


def _fields(kind: type) -> list[str]:
    return [part.name for part in dataclasses.fields(kind) if part.init]


def _fits(value: Any, hint: Any) -> bool:
    kinds = _kinds(hint)
    if any(map(is_protocol, kinds)):
        return value is None and type(None) in kinds  # only settings make a part
    if not all(kind in WORDS or kind is type(None) for kind in kinds):
        return True  # not a plain value: its own class has to check it
    return type(value) in kinds or (type(value) is int and float in kinds)


def _kinds(hint: Any) -> tuple[Any, ...]:
    union = typing.get_origin(hint) in (typing.Union, types.UnionType)
    return typing.get_args(hint) if union else (hint,)


def _words(hint: Any) -> list[str]:
    words = {**WORDS, type(None): "null"}
    part = "a part by its name, as optimizer/schedule=NAME"
    return [part if is_protocol(kind) else words.get(kind, str(kind)) for kind in _kinds(hint)]


def _as_typed(value: Any) -> str:
    return "null" if value is None else str(value)
