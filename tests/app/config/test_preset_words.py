"""Every word of every experiment composes to a recipe today, each swept value in its turn."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hydra import compose, initialize_config_dir

from energy_sweep.app.config import schema
from energy_sweep.app.config.build import build
from energy_sweep.app.config.conf_folder import conf_folder
from energy_sweep.app.experiment.preset import known_presets, load_preset

PRESETS = ("architectures", "energy_aware_grid", "power_of_training", "techniques", "zeus_trace")
ELSEWHERE = ("pretrained=", "gpu_memory_gib=", "power_limit_watts=")
CONTROLS = {"aa", "double-work", "float64", "zeros-on-dense-kernels"}


@pytest.fixture(autouse=True)
def hydra_here() -> Iterator[None]:
    schema.register()
    with initialize_config_dir(str(conf_folder()), version_base="1.3"):
        yield


def points(words: tuple[str, ...]) -> Iterator[list[str]]:
    """The first value of each word, then each other value with those."""
    axes = {word.partition("=")[0]: word.partition("=")[2].split(",") for word in words}
    axes = {name: ["0"] if "range" in values[0] else values for name, values in axes.items()}
    first = {name: values[0] for name, values in axes.items()}
    yield [f"{name}={value}" for name, value in first.items()]
    for name, values in axes.items():
        for value in values[1:] if name != "seed" else ():
            yield [f"{other}={one}" for other, one in {**first, name: value}.items()]


def test_all_that_come_along_are_known() -> None:
    assert tuple(sorted(known_presets())) == PRESETS


@pytest.mark.parametrize("name", PRESETS)
def test_each_word_composes(name: str) -> None:
    for size in load_preset(name).sizes.values():
        for plan in size.sweeps:
            for words in points(plan.words):
                here = compose("config", overrides=words) if plan.words else None
                # What needs a stored study, or a GPU, is refused where there is none.
                if here and not any(name in word for word in words for name in ELSEWHERE):
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
