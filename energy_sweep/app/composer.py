"""Composes the points of a space as Hydra would, fast enough to price a grid and to run it.

Hydra composes once per choice of groups; what else differs is set on a copy of that.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from hydra.core.config_loader import ConfigLoader
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from omegaconf import DictConfig, OmegaConf, flag_override, open_dict

from energy_sweep.app.axes import Axes
from energy_sweep.app.build import plain
from energy_sweep.app.chains import is_step
from energy_sweep.record import Plain

Groups = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Base:
    """What points with the same groups have in common: the whole configuration, and ours alone."""

    whole: DictConfig
    own: DictConfig
    hydra: Any


@dataclass(slots=True)
class Composer:
    """Composes what is fixed, and the points of the axes."""

    loader: ConfigLoader
    master: DictConfig
    axes: Axes
    _bases: dict[Groups, Base] = field(default_factory=dict[Groups, Base])
    _parsed: dict[str, Override] = field(default_factory=dict[str, Override])

    def whole(self) -> DictConfig:
        """Hydra's own composition of what is fixed, swept groups at their defaults."""
        return self.loader.load_sweep_config(self.master, list(self.axes.fixed))

    def values(self, params: Mapping[str, Any]) -> Plain:
        """The resolved configuration of a point of the space."""
        overrides = self.axes.overrides(params)
        base = self.base(overrides)
        cfg = copy.deepcopy(base.own)
        self.update(cfg, overrides)
        with _hydra_config(base.hydra):
            return plain(cfg)

    def base(self, overrides: Sequence[str]) -> Base:
        """What points with these choices of groups have in common."""
        groups = tuple(text for text in overrides if self.is_group(text))
        if groups not in self._bases:
            overrides = [*self.axes.lasting, *groups]
            whole = self.loader.load_sweep_config(self.master, overrides)
            own = copy.deepcopy(whole)
            with open_dict(own):
                del own["hydra"]
            with _hydra_config(None):
                HydraConfig.instance().set_config(copy.deepcopy(whole))
                hydra = HydraConfig.instance().cfg
            self._bases[groups] = Base(whole, own, hydra)
        return self._bases[groups]

    def is_group(self, text: str) -> bool:
        """Whether an override chooses a config group."""
        key = text.partition("=")[0]
        return key.lstrip("+") in self.axes.groups or is_step(key)

    def update(self, cfg: DictConfig, overrides: Sequence[str]) -> None:
        """Set the values among `overrides`, as Hydra does."""
        for text in overrides:
            if not self.is_group(text):
                parsed = self.parse(text)
                added = parsed.is_add() or parsed.is_force_add()
                key, value = parsed.key_or_group, parsed.value()
                OmegaConf.update(cfg, key, value, merge=True, force_add=added)

    def parse(self, text: str) -> Override:
        """An override, read once."""
        if text not in self._parsed:
            self._parsed[text] = OverridesParser.create().parse_override(text)
        return self._parsed[text]


class PointLoader:
    """Stands in for Hydra's loader in the launcher of a sweep: the same jobs, composed faster."""

    def __init__(self, composer: Composer) -> None:
        self._composer = composer

    def __getattr__(self, name: str) -> Any:
        return getattr(self._composer.loader, name)

    def load_sweep_config(
        self, master_config: DictConfig, sweep_overrides: Sequence[str]
    ) -> DictConfig:
        """A job's configuration, as Hydra's loader gives it."""
        composer = self._composer
        cfg = copy.deepcopy(composer.base(sweep_overrides).whole)
        fixed = set(composer.axes.lasting)
        composer.update(cfg, [text for text in sweep_overrides if text not in fixed])
        with flag_override(cfg.hydra, ["readonly", "struct"], [False, False]):
            self._describe(cfg, sweep_overrides)
        OmegaConf.copy_cache(from_config=master_config, to_config=cfg)
        return cfg

    def _describe(self, cfg: DictConfig, overrides: Sequence[str]) -> None:
        """What Hydra's own node says of the overrides."""
        parsed = [self._composer.parse(text) for text in overrides]
        task = [one for one in parsed if not one.is_hydra_override()]
        hydra = self._composer.master.hydra.overrides.hydra
        cfg.hydra.overrides.task = [one.input_line for one in task]
        own = [one.input_line for one in parsed if one.is_hydra_override()]
        cfg.hydra.overrides.hydra = [*hydra, *own]
        style = cfg.hydra.job.config.override_dirname
        named = [one for one in task if one.key_or_group not in style.exclude_keys]
        lines = sorted(str(one.input_line) for one in named)
        cfg.hydra.job.override_dirname = style.item_sep.join(lines).replace("=", style.kv_sep)


@contextmanager
def _hydra_config(cfg: Any) -> Iterator[None]:
    """Let `${hydra:...}` read from `cfg` meanwhile."""
    previous = HydraConfig.instance().cfg
    HydraConfig.instance().cfg = cfg
    try:
        yield
    finally:
        HydraConfig.instance().cfg = previous
