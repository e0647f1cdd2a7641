"""Learning rates: the trunk does not know the horizon."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from energy_sweep.optimizer.schedule import Constant, Cosine, OneCycle, Trunk, recover_lr
from energy_sweep.record import BadInput


@given(epochs=st.integers(1, 500))
def test_how_much_of_a_run_depends_on_its_length(epochs):
    assert Trunk().cooldown_epochs(epochs) == max(1, math.floor(0.2 * epochs + 0.5))
    assert Constant().cooldown_epochs(epochs) == 0
    assert Cosine().cooldown_epochs(epochs) == OneCycle().cooldown_epochs(epochs) == epochs


def test_the_default_horizons():
    assert [Trunk().cooldown_epochs(epochs) for epochs in (1, 2, 10, 20, 30)] == [1, 1, 2, 4, 6]


def test_the_warm_up_is_a_number_of_steps():
    schedule = Trunk(warmup_steps=4)
    assert [schedule.trunk_lr(0.4, step) for step in range(6)] == pytest.approx(
        [0.1, 0.2, 0.3, 0.4, 0.4, 0.4]
    )
    assert Trunk(warmup_steps=0).trunk_lr(0.4, 0) == 0.4


@given(
    start=st.integers(0, 40),
    total=st.integers(1, 100),
    warmup=st.integers(0, 30),
    lr=st.floats(1e-4, 10),
)
def test_a_cooldown_goes_on_from_the_trunk_and_ends_near_zero(start, total, warmup, lr):
    schedule = Trunk(warmup_steps=warmup)
    rates = [schedule.cooldown_lr(lr, step, start=start, total=total) for step in range(total)]
    assert rates[0] == schedule.trunk_lr(lr, start)
    assert all(0 < rate <= schedule.trunk_lr(lr, start + s) for s, rate in enumerate(rates))
    assert rates[-1] <= lr / total * (1 + 1e-9)


@given(total=st.integers(1, 200), lr=st.floats(1e-4, 10))
def test_cosine_falls_from_the_rate_to_zero(total, lr):
    schedule = Cosine(warmup_steps=0)
    rates = [schedule.cooldown_lr(lr, step, start=0, total=total) for step in range(total + 1)]
    assert rates[0] == lr and rates[-1] == pytest.approx(0, abs=1e-12 * lr)
    assert all(after < before for before, after in itertools.pairwise(rates))
    if total % 2 == 0:
        assert rates[total // 2] == pytest.approx(lr / 2)


@given(total=st.integers(1, 200), rise=st.floats(0.05, 1), lr=st.floats(1e-4, 10))
def test_onecycle_goes_up_once_then_down(total, rise, lr):
    schedule = OneCycle(rise=rise)
    rates = [schedule.cooldown_lr(lr, step, start=0, total=total) for step in range(total)]
    top = max(range(total), key=rates.__getitem__)
    assert all(0 < rate <= lr * (1 + 1e-9) for rate in rates)
    assert abs(top - rise * total) <= 1
    assert rates[: top + 1] == sorted(rates[: top + 1])
    assert rates[top:] == sorted(rates[top:], reverse=True)


def test_a_constant_rate_never_falls():
    schedule = Constant(warmup_steps=2)
    assert [schedule.trunk_lr(0.4, step) for step in (0, 1, 2, 900)] == [0.2, 0.4, 0.4, 0.4]


def test_recovery_falls_from_half_the_rate():
    assert [recover_lr(0.2, step, 4) for step in range(4)] == pytest.approx(
        [0.1, 0.075, 0.05, 0.025]
    )


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        *((kind, {"warmup_steps": -1}) for kind in (Trunk, Constant, Cosine)),
        (Trunk, {"cooldown": 0.0}),
        (Trunk, {"cooldown": 1.1}),
        (OneCycle, {"rise": 0.0}),
    ],
)
def test_nonsense_is_refused(kind, settings):
    with pytest.raises(BadInput, match=r"type .*optimizer\.schedule"):
        kind(**settings)
