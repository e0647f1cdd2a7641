"""Learning rates: the trunk does not know the horizon."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from energy_sweep.record import BadInput
from energy_sweep.schedule import Schedule


@given(epochs=st.integers(1, 500))
def test_trunk_and_cooldown_make_the_run(epochs):
    schedule = Schedule()
    assert schedule.trunk_epochs(epochs) + schedule.cooldown_epochs(epochs) == epochs
    assert schedule.cooldown_epochs(epochs) == max(1, round(0.2 * epochs))


def test_the_default_horizons():
    assert [Schedule().trunk_epochs(epochs) for epochs in (1, 2, 10, 20, 30)] == [0, 1, 8, 16, 24]
    assert [Schedule().cooldown_epochs(epochs) for epochs in (1, 2, 10)] == [1, 1, 2]


def test_the_warm_up_is_a_number_of_steps():
    schedule = Schedule(warmup_steps=4)
    assert [schedule.trunk_lr(0.4, step) for step in range(6)] == pytest.approx(
        [0.1, 0.2, 0.3, 0.4, 0.4, 0.4]
    )
    assert Schedule(warmup_steps=0).trunk_lr(0.4, 0) == 0.4


@given(
    start=st.integers(0, 40),
    total=st.integers(1, 100),
    warmup=st.integers(0, 30),
    lr=st.floats(1e-4, 10),
)
def test_a_cooldown_goes_on_from_the_trunk_and_ends_near_zero(start, total, warmup, lr):
    schedule = Schedule(warmup_steps=warmup)
    rates = [schedule.cooldown_lr(lr, step, start=start, total=total) for step in range(total)]
    assert rates[0] == schedule.trunk_lr(lr, start)
    assert all(0 < rate <= schedule.trunk_lr(lr, start + s) for s, rate in enumerate(rates))
    assert rates[-1] <= lr / total * (1 + 1e-9)


def test_recovery_falls_from_half_the_rate():
    rates = [Schedule().recover_lr(0.2, step, 4) for step in range(4)]
    assert rates == pytest.approx([0.1, 0.075, 0.05, 0.025])


@pytest.mark.parametrize("settings", [{"warmup_steps": -1}, {"cooldown": 0.0}, {"cooldown": 1.1}])
def test_nonsense_is_refused(settings):
    with pytest.raises(BadInput, match=r"type .*optimizer\.schedule"):
        Schedule(**settings)
