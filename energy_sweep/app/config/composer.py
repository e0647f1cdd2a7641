"""Composes the points of a space as Hydra would, fast enough to price a grid and to run it.

Hydra composes once per choice of groups; what else differs is set on a copy of that. Values that
another word sets too count as groups here, so that Hydra decides which of them wins.
"""

from __future__ import annotations

import copy
import functools
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from hydra.core.config_loader import ConfigLoader
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from omegaconf import DictConfig, OmegaConf, flag_override, open_dict

from energy_sweep.app.config.axes import Axes
from energy_sweep.app.config.build import resolved
from energy_sweep.app.config.compression_lists import expand, is_step
from energy_sweep.app.config.fixed_dials import may_vary
from energy_sweep.app.config.plain_values import PlainValues
from energy_sweep.app.config.varying_dials import varying
from energy_sweep.recipe.dials import list_text
from energy_sweep.record import JsonDict
from energy_sweep.study.space import is_number

Words = tuple[str, ...]
_HYDRA = threading.RLock()  # there is one HydraConfig in a process


@dataclass(frozen=True, eq=False)
class Base:
    """What points that share words have in common: the whole configuration, and ours alone."""

    whole: DictConfig
    own: DictConfig
    hydra: Any
    own_values: PlainValues
    with_words: dict[Words, PlainValues] = field(default_factory=dict[Words, PlainValues])

    @functools.cached_property
    def chosen(self) -> JsonDict:
        """The options of the groups that may vary, by their names."""
        choices = self.hydra.hydra.runtime.choices.items()
        chosen = {str(group): choice for group, choice in choices if "@" not in str(group)}
        return {name: choice for name, choice in chosen.items() if may_vary(name)}


@dataclass(slots=True)
class Composer:
    """Composes what is fixed, and the points of the axes."""

    loader: ConfigLoader
    master: DictConfig
    axes: Axes
    _bases: dict[Words, Base] = field(default_factory=dict[Words, Base])
    _wholes: dict[Words, DictConfig] = field(default_factory=dict[Words, DictConfig])
    _parsed: dict[str, Override] = field(default_factory=dict[str, Override])
    _composed: dict[str, bool] = field(default_factory=dict[str, bool])

    def whole(self) -> DictConfig:
        """Hydra's own composition of what is fixed, swept groups at their defaults."""
        return self._by_hydra(self._words(self.axes.fixed))

    def values(self, params: Mapping[str, Any]) -> JsonDict:
        """The resolved configuration of a point of the space.

        What two points have in common is the same object in both, which must not be changed.
        """
        overrides = self.axes.overrides(params)
        base = self.base(overrides)
        settings = {text: self._setting(text, params) for text in self._loose(overrides)}
        known, hanging = base.own_values, Words()
        while True:
            more = tuple(
                text
                for text, one in settings.items()
                if text in hanging or one is None or not known.takes(*one)
            )
            if more == hanging:
                break
            hanging = more
            known = self._with_words(base, hanging)
        if known.plain is None:
            return self._resolved(base, overrides)
        return known.with_values(
            one for text, one in settings.items() if one and text not in hanging
        )

    def _loose(self, overrides: Iterable[str]) -> list[str]:
        """The overrides that are set on what Hydra composed."""
        return [text for text in overrides if not self.is_composed(text)]

    def _with_words(self, base: Base, words: Words) -> PlainValues:
        """The values of a base with words on which others hang: resolved once for all points that
        have the same ones."""
        if words not in base.with_words:
            cfg = copy.deepcopy(base.own)
            self.update(cfg, words)
            with _hydra_config(base.hydra):
                base.with_words[words] = PlainValues.of(cfg, base.own_values.scratch)
        return base.with_words[words]

    def _resolved(self, base: Base, overrides: Sequence[str]) -> JsonDict:
        cfg = copy.deepcopy(base.own)
        self.update(cfg, overrides)
        with _hydra_config(base.hydra):
            return resolved(cfg)

    def dials(self, params: Mapping[str, Any], values: JsonDict) -> JsonDict:
        """All that may vary at a point, by the names typed; `values` are its resolved ones."""
        chosen = self.base(self.axes.overrides(params)).chosen
        found = JsonDict()
        for key, value in values.items():
            found.update(varying(key, value))
        steps = values["compression"].get("steps")
        return {**found, **chosen, **({"compression": list_text(steps)} if steps else {})}

    def base(self, overrides: Sequence[str]) -> Base:
        """What Hydra composes of all that is fixed, chooses a group or meets another word."""
        words = self._words(overrides)
        if words not in self._bases:
            whole = self._by_hydra(words)
            own = copy.deepcopy(whole)
            with open_dict(own):
                del own["hydra"]
            with _hydra_config(None):
                HydraConfig.instance().set_config(copy.deepcopy(whole))
                hydra = HydraConfig.instance().cfg
            with _hydra_config(hydra):
                values = PlainValues.of(own)
            self._bases[words] = Base(whole, own, hydra, values)
        return self._bases[words]

    def _words(self, overrides: Iterable[str]) -> Words:
        """Those of the overrides that Hydra composes."""
        return tuple(text for text in overrides if self.is_composed(text))

    def _by_hydra(self, words: Words) -> DictConfig:
        """What Hydra composes of some words: once, and not to be changed."""
        if words not in self._wholes:
            # How to search changes no trial, but the configuration of a trial says it too.
            searched = [text for text in self.axes.fixed if text not in self.axes.lasting]
            self._wholes[words] = self.loader.load_sweep_config(self.master, [*searched, *words])
        return self._wholes[words]

    def is_composed(self, text: str) -> bool:
        """Whether Hydra composes an override, which else is set on a copy."""
        if text not in self._composed:
            key, axes = text.partition("=")[0], self.axes
            by_hydra = key.lstrip("+") in axes.groups | axes.entangled or is_step(key)
            self._composed[text] = by_hydra or text in axes.lasting
        return self._composed[text]

    def update(self, cfg: DictConfig, overrides: Sequence[str]) -> None:
        """Set the values among `overrides` that Hydra did not compose, as it does."""
        for text in overrides:
            if not self.is_composed(text):
                parsed = self.parse(text)
                added = parsed.is_add() or parsed.is_force_add()
                key, value = parsed.key_or_group, parsed.value()
                OmegaConf.update(cfg, key, value, merge=True, force_add=added)

    def _setting(self, text: str, params: Mapping[str, Any]) -> tuple[str, Any] | None:
        """The name and the value that an override sets; None where it does more than that."""
        key, _, typed = text.partition("=")
        if is_number(value := params.get(key)) and typed == str(value):
            return key, value  # Hydra's grammar reads them so, and takes long for it
        parsed = self.parse(text)
        if parsed.is_add() or parsed.is_force_add() or parsed.is_delete():
            return None
        return parsed.key_or_group, parsed.value()

    def parse(self, text: str) -> Override:
        """An override, read once."""
        if text not in self._parsed:
            self._parsed[text] = OverridesParser.create().parse_override(text)
        return self._parsed[text]


class PointLoader:
    """Stands in for Hydra's loader in the launcher of a sweep: the same jobs, composed faster.

    Each job also has the overrides `pins`, which are ours and name no folder.
    """

    def __init__(self, composer: Composer, pins: Sequence[str] = ()) -> None:
        self._composer = composer
        self._pins = frozenset(pins)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._composer.loader, name)

    def load_sweep_config(
        self, master_config: DictConfig, sweep_overrides: Sequence[str]
    ) -> DictConfig:
        """A job's configuration, as Hydra's loader gives it."""
        composer, overrides = self._composer, expand(sweep_overrides)
        cfg = copy.deepcopy(composer.base(overrides).whole)
        composer.update(cfg, overrides)
        with flag_override(cfg.hydra, ["readonly", "struct"], [False, False]):
            self._describe(cfg, sweep_overrides)
        OmegaConf.copy_cache(from_config=master_config, to_config=cfg)
        return cfg

    def folder(self, overrides: Sequence[str], number: int) -> Path:
        """Where the job of this number will write."""
        cfg = self.load_sweep_config(self._composer.master, overrides)
        with open_dict(cfg):
            cfg.hydra.job.id = cfg.hydra.job.num = number
        with _hydra_config(None):
            HydraConfig.instance().set_config(cfg)
            return Path(cfg.hydra.sweep.dir, str(cfg.hydra.sweep.subdir))

    def _describe(self, cfg: DictConfig, overrides: Sequence[str]) -> None:
        """What Hydra's own node says of the overrides."""
        parsed = [self._composer.parse(text) for text in overrides]
        task = [one for one in parsed if not one.is_hydra_override()]
        # As text, since it may hold interpolations of what only a job has, such as its number.
        hydra = OmegaConf.to_container(self._composer.master.hydra.overrides.hydra)
        cfg.hydra.overrides.task = [one.input_line for one in task]
        own = [one.input_line for one in parsed if one.is_hydra_override()]
        cfg.hydra.overrides.hydra = [*cast("list[Any]", hydra), *own]
        style = cfg.hydra.job.config.override_dirname
        named = [one for one in task if one.key_or_group not in style.exclude_keys]
        lines = sorted({str(one.input_line) for one in named} - self._pins)
        cfg.hydra.job.override_dirname = style.item_sep.join(lines).replace("=", style.kv_sep)


@contextmanager
def _hydra_config(cfg: Any) -> Iterator[None]:
    """Let `${hydra:...}` read from `cfg` meanwhile, in one thread at a time."""
    with _HYDRA:
        previous = HydraConfig.instance().cfg
        HydraConfig.instance().cfg = cfg
        try:
            yield
        finally:
            HydraConfig.instance().cfg = previous
