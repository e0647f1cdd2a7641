"""Values set on resolved ones, against a configuration that is resolved with them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from omegaconf import OmegaConf

from energy_sweep.app.config.build import resolved
from energy_sweep.app.config.plain_values import PlainValues

CONFIG = {
    "rate": "${optimizer.lr}",
    "images": 64,
    "optimizer": {"lr": 0.1, "name": "sgd", "nested": {"decay": 0.0}, "near": "${.name}"},
    "title": "${dataset.name}-x",
    "dataset": {"name": "digits", "sizes": [1, 2]},
    "note": None,
}
NUMBERS = st.one_of(st.integers(-9, 9), st.floats(-9, 9), st.none(), st.text("ab$ {}", max_size=5))


@dataclass
class Typed:
    rate: float = 0.5
    count: int = 2


def by_omegaconf(settings: list[tuple[str, Any]]) -> dict[str, Any]:
    cfg = OmegaConf.create(CONFIG)
    for key, value in settings:
        OmegaConf.update(cfg, key, value, merge=True)
    return resolved(cfg)


@given(
    st.dictionaries(st.sampled_from(("rate", "images", "optimizer.nested.decay", "note")), NUMBERS)
)
def test_what_it_takes_is_resolved_as_omegaconf_does(found: dict[str, Any]) -> None:
    values, settings = PlainValues.of(OmegaConf.create(CONFIG)), list(found.items())
    kept = [one for one in settings if values.takes(*one)]
    assert values.with_values(kept) == by_omegaconf(kept)
    # What was set before leaves no trace.
    assert values.with_values([]) == by_omegaconf([])


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("optimizer.lr", 0.2),  # rate refers to it
        ("dataset.name", "mnist"),
        ("optimizer.name", "adam"),  # named by a relative interpolation
        ("optimizer", 3),  # more than a leaf
        ("dataset.sizes", 3),
        ("missing", 3),
        ("images", "${optimizer.lr}"),
        ("images", [1]),
    ],
)
def test_what_more_hangs_on_is_not_taken(key: str, value: object) -> None:
    assert not PlainValues.of(OmegaConf.create(CONFIG)).takes(key, value)


def test_types_are_those_of_the_configuration() -> None:
    values = PlainValues.of(OmegaConf.structured(Typed))
    assert values.with_values([("rate", 1)]) == {"rate": 1.0, "count": 2}
    with pytest.raises(Exception, match="could not be converted"):
        values.with_values([("count", "many")])


def test_a_configuration_with_a_value_missing_takes_nothing() -> None:
    values = PlainValues.of(OmegaConf.create({"a": "???", "b": 1}))
    assert not values.takes("b", 2)
