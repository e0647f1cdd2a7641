"""Every word of every experiment composes to a recipe today, each swept value in its turn."""

from __future__ import annotations

import copy
import functools
import itertools
import re
from collections.abc import Iterator

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import ConfigAttributeError

from energy_sweep.app.config import schema
from energy_sweep.app.config.build import build
from energy_sweep.app.config.conf_folder import conf_folder
from energy_sweep.app.experiment.preset import known_presets, load_preset

PRESETS = (
    *("architectures", "energy_aware_grid", "equal_accuracy", "power_of_training", "techniques"),
    "zeus_trace",
)
ELSEWHERE = ("pretrained=", "gpu_memory_gib=", "power_limit_watts=")
CONTROLS = {"aa", "double-work", "float64", "zeros-on-dense-kernels"}


GROUPS = {path.name for path in conf_folder().iterdir() if path.is_dir()}


@pytest.fixture(scope="module", autouse=True)
def hydra_here() -> Iterator[None]:
    schema.register()
    with initialize_config_dir(str(conf_folder()), version_base="1.3"):
        yield


@functools.cache
def chosen(words: tuple[str, ...]) -> DictConfig:
    return compose("config", overrides=list(words))


def composed(words: tuple[str, ...]) -> DictConfig:
    """As Hydra composes them: choices of groups together, which take it a tenth of a second, and
    on a copy of that the settings, whose names have to be there."""
    groups = tuple(word for word in words if re.split("[=/@]", word)[0].lstrip("+") in GROUPS)
    found = copy.deepcopy(chosen(groups))
    for word in words:
        if word not in groups:
            one = OverridesParser.create().parse_override(word)
            key, added = one.key_or_group, one.is_add() or one.is_force_add()
            OmegaConf.update(found, key, one.value(), merge=True, force_add=added)
    return found


def test_settings_on_a_copy_are_those_that_hydra_composes() -> None:
    words = ("dataset=digits", "compression=prune", "compression.level=0.5", "batch=32", "lr=0.1")
    assert composed(words) == compose("config", overrides=list(words))
    with pytest.raises(ConfigAttributeError, match="rate"):
        composed(("dataset=digits", "rate=0.1"))


def points(words: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """The first value of each word, the second of each, and so on: a sweep crosses them all."""
    axes = {word.partition("=")[0]: word.partition("=")[2].split(",") for word in words}
    axes = {name: ["0"] if name == "seed" else values for name, values in axes.items()}
    for place in range(max(map(len, axes.values()), default=0)):
        yield tuple(f"{name}={values[place % len(values)]}" for name, values in axes.items())


def test_all_that_come_along_are_known() -> None:
    assert tuple(sorted(known_presets())) == PRESETS


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.no_cover
def test_each_word_composes(name: str) -> None:
    sizes = load_preset(name).sizes.values()
    found = [points(plan.words) for size in sizes for plan in size.sweeps]
    # The sizes have many in common.
    for words in dict.fromkeys(itertools.chain(*found)):
        here = composed(words)
        # What needs a stored study, or a GPU, is refused where there is none.
        if not any(name in word for word in words for name in ELSEWHERE):
            build(here)


@pytest.mark.parametrize("name", PRESETS)
def test_it_says_what_it_takes_and_holds_its_controls(name: str) -> None:
    preset = load_preset(name)
    assert preset.source
    assert preset.question.endswith("?")
    assert preset.sizes["smoke"].minutes is not None
    assert preset.sizes["smoke"].minutes <= 3
    assert preset.sizes["full"].needs or name == "zeus_trace"
    controls = {claim.key for claim in preset.claims if claim.control}
    assert controls == (set() if name == "zeus_trace" else CONTROLS)
