"""Resolved values of a configuration, in which single values are set without composing anew."""

from __future__ import annotations

import copy
import pickle
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from omegaconf import DictConfig, OmegaConf

from energy_sweep.app.config.build import resolved
from energy_sweep.record import BadInput, JsonDict

NAME = re.compile(r"[A-Za-z_][\w.]*|\.[\w.]*")


@dataclass(frozen=True, slots=True)
class PlainValues:
    """The values of a configuration (`frozen`, as bytes), and the `names` in interpolations.

    A value that nothing refers to is set on a copy of them; `scratch` checks and converts it as the
    configuration would. `frozen` is None where the configuration is not whole yet.
    """

    frozen: bytes | None
    names: frozenset[str]
    scratch: DictConfig

    @classmethod
    def of(cls, cfg: DictConfig) -> PlainValues:
        """The values of a configuration, which is left as it is."""
        try:
            frozen = pickle.dumps(resolved(cfg))
        except BadInput:  # a value is still missing, and an axis will give it
            frozen = None
        names = frozenset(_names(OmegaConf.to_container(cfg, resolve=False)))
        return cls(frozen, names, copy.deepcopy(cfg))

    @property
    def is_whole(self) -> bool:
        """Whether the configuration has all its values, and these can be read."""
        return self.frozen is not None

    def takes(self, key: str, value: object) -> bool:
        """Whether a value is a plain one in place of another, and nothing else hangs on it."""
        if self.frozen is None or not (value is None or isinstance(value, str | int | float)):
            return False
        last = key.rpartition(".")[2]
        meet = (
            name.endswith(last) if name.startswith(".") else _meet(key, name) for name in self.names
        )
        return "${" not in str(value) and self._is_leaf(key) and not any(meet)

    def with_values(self, settings: Iterable[tuple[str, Any]]) -> JsonDict:
        """The values with others that it takes, by their names."""
        assert self.frozen is not None
        values: JsonDict = pickle.loads(self.frozen)  # noqa: S301 (made above, of this process)
        for key, value in settings:
            *path, last = key.split(".")
            place: Any = values
            for step in path:
                place = place[step]
            OmegaConf.update(self.scratch, key, value, merge=True)
            place[last] = OmegaConf.select(self.scratch, key)
        return values

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
