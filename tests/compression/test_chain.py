"""Chains: what is left is the product of what the steps leave, in an order that can be done."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from energy_sweep.compression import (
    Chain,
    Distill,
    LowRank,
    Magnitude,
    NoCompression,
    Prune,
    Qat,
    Quantize,
    Sparse,
    Step,
    Technique,
)
from energy_sweep.record import BadInput


def chain(*techniques: Technique, **levels: float) -> Chain:
    steps = (Step(technique=one, level=levels.get(one.name, 0.0)) for one in techniques)
    return Chain(steps=tuple(steps))


@given(level=st.floats(0.01, 0.99))
def test_steps_share_the_level_and_snapping_again_changes_nothing(level: float) -> None:
    made = chain(Prune(), Magnitude())
    left = math.prod(1 - one for one in made.levels(level))
    assert left == pytest.approx(1 - level) and len(set(made.levels(level))) == 1
    assert made.effective_level(level) == pytest.approx(level, abs=1e-8)
    assert made.effective_level(made.effective_level(level)) == pytest.approx(
        made.effective_level(level), abs=1e-8
    )
    assert made.levels(0.0) == (0.0, 0.0) and made.rounds(0.0) == ()


def test_int8_takes_its_part_first_and_the_others_what_remains() -> None:
    made = chain(Prune(), Quantize())
    assert made.levels(0.9) == pytest.approx((0.6, 0.75))
    assert made.effective_level(0.3) == 0.75  # int8 alone removes more than was asked
    assert [one.technique.name for one in made.rounds(0.9)] == ["prune", "quantize"]
    assert [one.technique.name for one in made.rounds(0.3)] == ["quantize"]


def test_equal_nets_are_one_configuration() -> None:
    made = chain(Prune(), Quantize())
    assert made.canonical(0.3) == made.canonical(0.75) == Quantize()
    both = made.canonical(0.9)
    assert both == made.canonical(made.effective_level(0.9)) and both.title == "[prune,quantize]"
    fixed = chain(Prune(), Quantize(), prune=0.6)  # what is typed of one step, or of both together
    assert both == fixed.canonical(0.9) and fixed.effective_level(0.9) == made.effective_level(0.9)
    assert chain(Prune(), Magnitude()).canonical(0.5).title == "[prune,magnitude]"


def test_a_step_may_have_a_level_of_its_own() -> None:
    made = chain(Prune(), Magnitude(), prune=0.5)
    assert made.levels(0.75) == pytest.approx((0.5, 0.5))
    assert made.levels(0.0) == pytest.approx((0.5, 0.0))  # it is done whatever the chain is asked


def test_what_acts_in_training_comes_first() -> None:
    made = chain(Distill(), Prune(), Qat())
    during = made.in_training(0.95)
    assert during is not None and during[0].name == "distill" and made.wants_teacher
    names = [one.technique.name for one in made.rounds(0.95)]
    assert names == ["prune", "rounding", "quantize"]


@pytest.mark.parametrize(
    ("techniques", "line"),
    [
        ((Quantize(), Prune()), r"type 'compression=\[prune,quantize\]'"),
        ((Prune(), Distill()), r"type 'compression=\[distill,prune\]'"),
        ((Quantize(), Qat()), r"both act on the exported file"),
        ((Distill(), Sparse()), r"both act on training"),
        ((Prune(), NoCompression()), r"none is no step"),
        ((Prune(), Prune()), r"prune comes twice"),
        ((LowRank(),), r"two steps or more"),
    ],
)
def test_what_cannot_be_done_is_refused_in_one_line(
    techniques: tuple[Technique, ...], line: str
) -> None:
    with pytest.raises(BadInput, match=line) as refused:
        chain(*techniques)
    assert "\n" not in str(refused.value)
