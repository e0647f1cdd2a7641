"""Resolved values of a configuration, in which single values are set without composing anew."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from omegaconf import DictConfig, OmegaConf

from energy_sweep.app.config.build import resolved
from energy_sweep.record import BadInput, JsonDict

NAME = re.compile(r"[A-Za-z_][\w.]*|\.[\w.]*")
Leaf = tuple[str, str]  # the name of a value and how it is written


@dataclass(frozen=True, slots=True)
class PlainValues:
    """The values of a configuration (`plain`), and the `names` in its interpolations.

    A value that nothing refers to is set beside them; `scratch` checks and converts it as the
    configuration would. `plain` is None where the configuration is not whole yet.
    """

    plain: JsonDict | None
    names: frozenset[str]
    scratch: DictConfig
    _taken: dict[str, bool] = field(default_factory=dict[str, bool])
    _made: dict[Any, Any] = field(default_factory=dict[Any, Any])

    @classmethod
    def of(cls, cfg: DictConfig, scratch: DictConfig | None = None) -> PlainValues:
        """The values of a configuration, which is left as it is.

        Another one of the same types may be the `scratch`.
        """
        try:
            plain = resolved(cfg)
        except BadInput:  # a value is still missing, and an axis will give it
            plain = None
        names = frozenset(_names(OmegaConf.to_container(cfg, resolve=False)))
        return cls(plain, names, copy.deepcopy(cfg) if scratch is None else scratch)

    def takes(self, key: str, value: object) -> bool:
        """Whether a value is a plain one in place of another, and nothing else hangs on it."""
        if self.plain is None or not (value is None or isinstance(value, str | int | float)):
            return False
        if key not in self._taken:
            self._taken[key] = self._is_leaf(key) and not self._is_named(key)
        return self._taken[key] and "${" not in str(value)

    def with_values(self, settings: Iterable[tuple[str, Any]]) -> JsonDict:
        """The values with others that it takes, by their names.

        What two results have in common is the same object in both, which must not be changed.
        """
        assert self.plain is not None
        values, inner = dict(self.plain), dict[str, list[Leaf]]()
        for key, value in settings:
            # 1, 1.0 and true are equal, and no configuration says the same of them.
            leaf, (group, _, rest) = (key, repr(value)), key.partition(".")
            if leaf not in self._made:
                self._made[leaf] = self._converted(key, value)
            if rest:
                inner.setdefault(group, []).append(leaf)
            else:
                values[key] = self._made[leaf]
        for group, leaves in inner.items():
            values[group] = self._group(group, tuple(leaves))
        return values

    def _group(self, group: str, leaves: tuple[Leaf, ...]) -> JsonDict:
        """The values of a group with some set, made once."""
        if leaves not in self._made:
            assert self.plain is not None
            whole: JsonDict = copy.deepcopy(self.plain[group])
            for leaf in leaves:
                *path, last = leaf[0].split(".")[1:]
                place: Any = whole
                for step in path:
                    place = place[step]
                place[last] = self._made[leaf]
            self._made[leaves] = whole
        return self._made[leaves]

    def _converted(self, key: str, value: Any) -> Any:
        OmegaConf.update(self.scratch, key, value, merge=True)
        return OmegaConf.select(self.scratch, key)

    def _is_named(self, key: str) -> bool:
        """Whether an interpolation means a value, or what it lies in, or what lies in it."""
        last = key.rpartition(".")[2]
        return any(
            name.endswith(last) if name.startswith(".") else _meet(key, name) for name in self.names
        )

    def _is_leaf(self, key: str) -> bool:
        place: Any = self.scratch
        for step in key.split("."):
            if not isinstance(place, DictConfig) or step not in place:
                return False
            place = place._get_node(step)  # pyright: ignore[reportPrivateUsage]
        return not OmegaConf.is_config(place)


def _names(plain: Any) -> Iterator[str]:
    """All names within the interpolations of a configuration."""
    if isinstance(plain, Mapping):
        for part in cast("Mapping[str, Any]", plain).values():
            yield from _names(part)
    elif isinstance(plain, list):
        for part in cast("list[Any]", plain):
            yield from _names(part)
    elif isinstance(plain, str) and "${" in plain:
        yield from NAME.findall(plain)


def _meet(key: str, name: str) -> bool:
    """Whether one of two dotted names lies within the other."""
    return key == name or key.startswith(f"{name}.") or name.startswith(f"{key}.")
