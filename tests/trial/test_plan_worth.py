"""Plans are tried only where the steps to come pay for it, and what was decided once stays."""

from __future__ import annotations

import dataclasses
import itertools
import math
import random
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from energy_sweep.device import Device
from energy_sweep.front.bill import bill
from energy_sweep.front.prices import Prices
from energy_sweep.meter.base import Meter, Work
from energy_sweep.meter.replay import ReplayMeter
from energy_sweep.recipe import Recipe
from energy_sweep.recipe.plan import DEFAULT_PLAN, PLANS
from energy_sweep.record import MeterFacts, StageRecord, StudyRecord, TrialRecord
from energy_sweep.store import StageStore
from energy_sweep.trial import StepsToCome, plan_record, resolve, run_trial
from energy_sweep.trial.autotune.saving import (
    CONFIDENCE,
    FIRST_LOOK,
    LOOKS,
    MOST_ROUNDS,
    ROUNDS,
    saving,
)
from energy_sweep.trial.autotune.worth import LIKELY_SAVING, Look

MakeRecipe = Callable[..., Recipe]
AUTO = Device(name="cpu")
FAST = PLANS["channels_last"]
STEPS = 7  # in an epoch of the recipe's


def by_turns(joules: float = 1.0) -> Meter:
    """Equal joules for every mark, so that nothing is cheaper than plain."""
    return ReplayMeter(formula=lambda _: joules)


def record_of(recipe: Recipe, store: StageStore) -> StageRecord:
    found = plan_record(recipe, store)
    assert found is not None
    return found


def decided(
    recipe: Recipe, store: StageStore, steps: float, meter: Meter | None = None, **limits: float
) -> StageRecord:
    resolve(
        recipe,
        meter=meter or by_turns(),
        store=store,
        to_come=StepsToCome(steps=steps, **limits),
    )
    return record_of(recipe, store)


def test_plans_are_tried_from_the_steps_on_that_pay(
    recipe: MakeRecipe, store: StageStore, other_store: StageStore
) -> None:
    made = recipe(device=AUTO)
    few = decided(made, store, 1)
    worth = few.facts["worth"]
    assert few.facts["tried"] is False and few.facts["plan"]["layout"] == "contiguous"
    # The look at plain is all that it cost: its first step, and two more.
    assert [mark.units for mark in few.marks] == [1, 2] and few.facts["looked"] == 2
    assert worth["joules_per_step"] == 0.5
    pays_from = worth["price_joules"] / (LIKELY_SAVING * 0.5)
    assert not decided(made, other_store, pays_from * 0.999).facts["tried"]
    assert decided(made, other_store, pays_from * 1.001).facts["tried"]


def test_a_budget_of_joules_or_seconds_bounds_what_is_to_come(
    recipe: MakeRecipe, store: StageStore
) -> None:
    for batch, limit in ((64, {"most_joules": 2.0}), (32, {"most_seconds": 2.0})):
        found = decided(recipe(device=AUTO, batch=batch), store, 1e9, **limit).facts
        # Which are its seconds too, by this meter.
        steps = pytest.approx(2.0 / found["worth"]["joules_per_step"])
        assert not found["tried"] and found["worth"]["steps"] == steps


def test_a_trial_alone_goes_by_its_own_steps(
    recipe: MakeRecipe, store: StageStore, other_store: StageStore
) -> None:
    short, long = (recipe(device=AUTO, epochs=epochs, level=0.5) for epochs in (2, 500))
    resolve(short, meter=by_turns(), store=store)
    assert record_of(short, store).facts["worth"]["steps"] == 3 * STEPS  # an epoch recovers
    resolve(long, meter=by_turns(), store=other_store)
    assert record_of(long, other_store).facts["tried"]


def test_what_is_decided_stays_for_as_many_steps_and_for_lone_trials(
    recipe: MakeRecipe, store: StageStore
) -> None:
    def unused(work: Work) -> float:
        raise AssertionError(f"{work.stage} is measured again")

    made = recipe(device=AUTO)
    before = decided(made, store, 70)
    assert not before.facts["tried"]
    silent = ReplayMeter(formula=unused)
    for wanted in (StepsToCome(steps=70), StepsToCome(steps=30, done=7), None):
        resolve(made, meter=silent, store=store, to_come=wanted)
    resolve(recipe(device=AUTO, epochs=10**6), meter=silent, store=store)
    assert record_of(made, store) == before


def test_many_more_steps_are_worth_another_decision_unless_too_many_are_done(
    recipe: MakeRecipe, store: StageStore
) -> None:
    made = recipe(device=AUTO)
    first = decided(made, store, 70)
    assert decided(made, store, 7000, done=2000) == first
    later = decided(made, store, 7000, done=700)
    assert later.facts["tried"] and later.lost == first.marks
    assert later.spent_joules > first.spent_joules
    # And that stays, whatever comes.
    assert decided(made, store, 1e9) == later


def test_a_difference_within_noise_takes_all_rounds_only_where_it_could_pay(
    recipe: MakeRecipe, store: StageStore
) -> None:
    noise = random.Random(1)
    noisy = ReplayMeter(formula=lambda _: noise.uniform(0.7, 1.3))
    much = decided(recipe(device=AUTO), store, 1e9, noisy).facts["joules_per_step"]
    assert len(much["fp32 contiguous"]) == MOST_ROUNDS
    assert len(much["bf16 channels_last"]) <= ROUNDS
    little = decided(recipe(device=AUTO, batch=64), store, 180, by_turns()).facts
    assert little["tried"] and len(little["joules_per_step"]["fp32 contiguous"]) == FIRST_LOOK


def test_one_disturbed_round_does_not_hide_a_plain_difference() -> None:
    plain = [1.0, 1.02, 0.98, 1.0, 1.01, 0.99, 1.0, 1.0]
    ours = [0.7 * joules for joules in plain]
    assert saving([*ours[:3], 1.0, *ours[4:]], plain).is_sure
    assert not saving([*ours[:3], 20.0, *ours[4:]], plain).is_sure


@settings(deadline=None)
@given(
    seed=some.integers(min_value=0, max_value=10**6),
    spread=some.floats(min_value=0.001, max_value=0.2),
)
def test_looking_early_tells_what_is_cheaper_as_surely(seed: int, spread: float) -> None:
    """Of 40 equal plans, looked at seven times each, few are wrongly held for cheaper."""
    chance = random.Random(seed)
    wrong = 0
    for _ in range(40):
        ratios = [math.exp(chance.gauss(0.0, spread)) for _ in range(MOST_ROUNDS)]
        looks = (saving(ratios[:n], [1.0] * n) for n in LOOKS)
        wrong += any(look.is_sure for look in looks)
    # One side of 95 %: 2.5 % of 40 is 1; more than 6 have a chance below 1 in 10,000.
    assert wrong <= 7
    assert pytest.approx(1 - 0.05 / 7) == CONFIDENCE


def test_compiling_is_tried_where_it_pays_and_left_out_where_only_the_rest_does() -> None:
    look = Look(joules=1.0, seconds=0.1, entering=4.0, steps=2)
    eager, every = [FAST], [FAST, PLANS["contiguous+compile"]]
    assert look.price(eager) == ROUNDS * 2 + (4 + ROUNDS * 2)
    assert look.price(every) > look.price(eager) + 30 * 10
    for steps, pays in ((10, (False, False)), (200, (True, False)), (2000, (True, True))):
        found = tuple(
            look.worth(StepsToCome(steps=steps), share=LIKELY_SAVING, rivals=plans).pays
            for plans in (eager, every)
        )
        assert found == pays
    nothing = dataclasses.replace(look, joules=0.0, seconds=0.0, entering=0.0)
    free = nothing.worth(StepsToCome(steps=math.inf), share=0.2, rivals=eager)
    assert not free.pays


class Ticking(ReplayMeter):
    """A counter that moves every .1 s: what takes less has waited for it."""

    def __init__(self) -> None:
        super().__init__(formula=lambda work: max(0.1, 0.003 * work.images / 128))

    def facts(self) -> MeterFacts:
        return dataclasses.replace(super().facts(), tick_seconds=0.1)


def test_a_counter_of_long_ticks_is_looked_at_for_longer(
    recipe: MakeRecipe, store: StageStore
) -> None:
    found = decided(recipe(device=AUTO), store, 7, Ticking())
    # Two steps and ten have waited for a tick; 32 are all that a look may take.
    assert [mark.units for mark in found.marks] == [1, 2, 10, 32] and found.facts["looked"] == 4
    worth = found.facts["worth"]
    assert worth["joules_per_step"] == pytest.approx(0.1 / 32)
    rounds = 160  # of .5 s, so that a tick is small beside it
    each = ROUNDS * rounds * worth["joules_per_step"]
    assert worth["price_joules"] == pytest.approx(each + 2 * (0.2 + each))


def test_one_by_one_each_trial_pays_only_for_what_it_would_try(
    recipe: MakeRecipe, meter: Meter, store: StageStore
) -> None:
    """A sweep tries plans that none of its trials would have tried alone."""
    made = recipe(device=AUTO, epochs=1)
    heavy = itertools.count(1)
    resolve(
        made,
        meter=ReplayMeter(formula=lambda _: float(next(heavy))),
        store=store,
        to_come=StepsToCome(steps=1e6),
    )
    record = record_of(made, store)
    assert record.facts["tried"]
    result = run_trial(made, meter=meter, store=store)
    trial = TrialRecord(number=0, state="measured", params={}, result=result)
    study = StudyRecord(name="s", trials=(trial,), stages=store.records(), meter=meter.facts())
    line = bill(study, Prices(store.records().values()))["calibrate"]
    others = sum(
        one.spent_joules
        for one in store.records().values()
        if one.stage == "calibrate" and one != record
    )
    assert line.attributed_joules == pytest.approx(1 + 2 + others)
    assert line.spent_joules == pytest.approx(record.spent_joules + others)
    assert resolve(made, meter=meter, store=store).plan in (DEFAULT_PLAN, FAST)
