"""Prices without the drift of a machine, in a world whose drift and prices are known."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import numpy as np
import pytest

from energy_sweep.front.prices import Prices, Usage
from energy_sweep.front.ratio_noise import difference_joules
from energy_sweep.front.ratios import Ratios
from energy_sweep.record import DomainEnergy, EnergyReading, Mark, Quality, StageRecord

TRUE = {"fast": 1.0, "slow": 2.0, "rare": 3.0}


def window(
    cost_key: str, number: int, started: float, joules: float, marks: int = 1
) -> StageRecord:
    def reading(place: int) -> EnergyReading:
        part = DomainEnergy(
            domain="cpu",
            joules=joules,
            uncertainty_joules=0.2 * joules,
            source="estimate",
            quality=Quality.ESTIMATED,
        )
        return EnergyReading(domains=(part,), seconds=0.5, started=started + 0.5 * place)

    made = tuple(Mark(units=1.0, reading=reading(place)) for place in range(marks))
    return StageRecord(stage="trunk", key=f"{cost_key}{number}", cost_key=cost_key, marks=made)


def study(
    drift: Callable[[float], float], *, noise: float, seed: int, in_turn: bool = True
) -> list[StageRecord]:
    """90 windows of three pools, in turn or one pool after the other."""
    rng = np.random.default_rng(seed)
    keys = list(itertools.islice(itertools.cycle(TRUE), 90))
    if not in_turn:
        keys.sort()
    return [
        window(key, n, 1.7e9 + n, TRUE[key] * math.exp(drift(n) + noise * rng.standard_normal()))
        for n, key in enumerate(keys)
    ]


def ratio(records: list[StageRecord], *, detrended: bool = True) -> tuple[float, float]:
    prices = Prices(records, detrended=detrended)
    found = Ratios([{"slow": 1.0}, {"fast": 1.0}], prices).log_ratios([0], [1])
    return float(found.value[0, 0]), float(found.uncertainty[0, 0])


def test_drift_is_taken_out_where_costs_ran_in_turn_at_other_moments() -> None:
    """The machine costs a fifth more for a third of the time, in which no fast window was."""

    def burst(time: float) -> float:
        return 0.2 if time < 30 else 0.0

    records = [
        record
        for record in study(burst, noise=0.01, seed=0)
        if not (record.cost_key == "fast" and record.marks[0].reading.started < 1.7e9 + 25)
    ]
    plain, _ = ratio(records, detrended=False)
    level, uncertainty = ratio(records)
    assert plain - math.log(2) > 0.04
    assert level == pytest.approx(math.log(2), abs=0.015)
    assert abs(level - math.log(2)) < uncertainty < 0.05


def test_without_noise_a_mean_is_left_as_it_is() -> None:
    records = study(lambda _: 0.0, noise=0.0, seed=0)
    for key, joules in TRUE.items():
        pool = Prices(records, detrended=True).pool(key)
        assert pool is not None
        assert pool.joules_per_unit == pytest.approx(joules, rel=1e-12)
    assert ratio(records)[1] < 1e-6


def test_one_window_far_off_moves_a_price_little() -> None:
    records = study(lambda _: 0.0, noise=0.02, seed=3)
    spoiled = [*records, window("fast", 999, 1.7e9 + 45.5, 30.0)]
    before, after = ratio(records)[0], ratio(spoiled)[0]
    assert ratio(spoiled, detrended=False)[0] < before - 0.5
    assert after == pytest.approx(before, abs=0.02)


def test_few_windows_are_as_unsure_as_the_meter_says_of_its_readings() -> None:
    records = [window("fast", 0, 1.7e9, 1.0), window("slow", 0, 1.7e9 + 1, 2.0)]
    assert ratio(records)[1] > 0.2


@pytest.mark.parametrize("drift", ["none", "slow", "jumps"])
def test_a_ratio_lies_within_what_is_stated_of_it(drift: str) -> None:
    """What belongs to a run is drawn too: half of the noise, which no window shows."""
    shapes: dict[str, Callable[[float], float]] = {
        "none": lambda _: 0.0,
        "slow": lambda t: 0.15 * math.sin(t / 40),
        "jumps": lambda t: 0.1 * (int(t / 7) % 2),
    }
    rng, inside, noise = np.random.default_rng(0), 0, 0.05
    for seed in range(120):
        own = dict(zip(TRUE, 0.5 * noise * rng.standard_normal(3), strict=True))
        records = [
            window(
                record.cost_key,
                n,
                record.marks[0].reading.started or 0.0,
                record.marks[0].reading.joules * math.exp(own[record.cost_key]),
            )
            for n, record in enumerate(study(shapes[drift], noise=noise, seed=seed))
        ]
        value, uncertainty = ratio(records)
        inside += abs(value - math.log(2)) <= uncertainty
    assert 0.88 <= inside / 120 <= 0.995


def test_what_one_saves_over_another_is_as_sure_as_their_ratio() -> None:
    """Of so many readings, each known to 20 %, noise shows them to be good to 2 %."""
    saved: Usage = {"slow": 1.0, "fast": -1.0}
    off: list[float] = []
    for seed in range(40):
        records = study(lambda _: 0.0, noise=0.02, seed=seed)
        prices = Prices(records, detrended=True, repeatability=lambda _: 0.28)
        joules, uncertainty = difference_joules(saved, prices)
        assert joules == pytest.approx(1.0, abs=0.1)
        plain = Prices(records, repeatability=lambda _: 0.28)
        assert difference_joules(saved, plain) == plain.joules(saved)
        # The limit of all joules, 28 %, counts in proportion to what is saved.
        assert 0.28 * joules < uncertainty < plain.joules(saved)[1]
        alone = Prices(records, detrended=True)
        off.append(abs(joules - 1.0) / difference_joules(saved, alone)[1])
    assert max(off) < 1


def test_what_costs_the_same_saves_nothing_surely() -> None:
    prices = Prices(study(lambda _: 0.0, noise=0.02, seed=0), detrended=True)
    assert difference_joules({"slow": 0.0}, prices) == (0.0, 0.0)
