"""Plans are tried once, never worse than plain, stored before they name anything, and billed."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import median

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as some
from torch import Tensor, nn
from trial.nets import trained_network

from energy_sweep.device import Device
from energy_sweep.front.bill import bill
from energy_sweep.front.prices import Prices, demand
from energy_sweep.meter.base import Meter, Work
from energy_sweep.meter.replay import ReplayMeter
from energy_sweep.recipe import Recipe, replace
from energy_sweep.recipe.plan import DEFAULT_PLAN, PLANS, Plan, candidates
from energy_sweep.recipe.stages import chain
from energy_sweep.record import BadInput, Objective, StageRecord, StudyRecord, TrialRecord, to_json
from energy_sweep.store import StageStore
from energy_sweep.trial import StepsToCome, plan_record, resolve, run_trial
from energy_sweep.trial.autotune.candidates import HOPELESS, HOPELESS_BF16
from energy_sweep.trial.autotune.saving import FIRST_LOOK, MOST_ROUNDS, choose, saving
from energy_sweep.trial.context import TrialContext

MakeRecipe = Callable[..., Recipe]
MACHINE = {"device_class": "one", "torch": "2", "isa": "x"}
FAST = Plan(layout="channels_last")
COMPILED = Plan(layout="channels_last", compile=True)
# On a CPU: plain, channels_last, and that again under bf16.
RIVALS = 3
AUTO = Device(name="cpu")
# So many that trying plans pays by any meter of these tests.
MANY = StepsToCome(steps=1e6)


@pytest.fixture
def meter() -> Meter:
    """By which a step is long enough to be a round of its own."""
    return ReplayMeter(joules_per_image=0.01)


def scripted(joules: tuple[float, ...], *, second: tuple[float, ...] = (2.0,) * RIVALS) -> Meter:
    """A meter by which each rival costs so much per step in every round; rounds have one step."""

    def readings() -> Iterator[float]:
        for one in second:
            yield from (1.0, one)
        most = [math.inf, HOPELESS * second[0], HOPELESS_BF16 * second[0]]
        running = [at for at in range(RIVALS) if second[at] <= most[at]]
        for turn in range(MOST_ROUNDS):
            order = running if turn else list(range(RIVALS))
            yield from (joules[at] for at in (order if turn % 2 == 0 else reversed(order)))
        yield from itertools.repeat(0.0)

    script = readings()
    return ReplayMeter(formula=lambda work: next(script))


def tuned(recipe: Recipe, *, meter: Meter, store: StageStore) -> Recipe:
    """The recipe with the plan that is found where trying pays."""
    return resolve(recipe, meter=meter, store=store, to_come=MANY)


def unused(work: Work) -> float:
    raise AssertionError(f"{work.stage} is measured again")


def tried(recipe: Recipe, store: StageStore) -> StageRecord:
    record = plan_record(recipe, store)
    assert record is not None
    return record


def test_the_cheapest_is_taken_and_what_it_saves_is_recorded(
    recipe: MakeRecipe, store: StageStore
) -> None:
    made = recipe(device=AUTO)
    planned = tuned(made, meter=scripted((10.0, 7.0, 3.5)), store=store)
    facts = tried(made, store).facts
    assert planned.plan == FAST
    assert facts["saving"] == pytest.approx({"share": 0.3, "uncertainty": 0.0})
    assert facts["bf16"]["plan"] == "channels_last"
    assert facts["bf16"]["share"] == pytest.approx(0.5)
    # A difference that is plain at the first look takes no more rounds.
    assert facts["joules_per_step"]["bf16 channels_last"] == [3.5] * FIRST_LOOK


def test_equal_joules_leave_plain(recipe: MakeRecipe, meter: Meter, store: StageStore) -> None:
    made = recipe(device=AUTO)
    assert tuned(made, meter=meter, store=store).plan == DEFAULT_PLAN
    assert tried(made, store).facts["saving"] == {"share": 0.0, "uncertainty": 0.0}


def test_what_is_known_is_measured_by_nobody_again(
    recipe: MakeRecipe, store: StageStore, other_store: StageStore
) -> None:
    tuned(recipe(device=AUTO), meter=scripted((10.0, 7.0, 3.5)), store=store)
    later = StageStore(store.root, meter_id=store.meter_id)
    dials = {"lr": 0.2, "epochs": 50, "seed": 3, "level": 0.5, "inference_batch": 8}
    again = recipe(device=AUTO, **dials)
    assert resolve(again, meter=ReplayMeter(formula=unused), store=later).plan == FAST
    with pytest.raises(AssertionError, match="trunk is measured again"):
        resolve(recipe(device=AUTO, batch=64), meter=ReplayMeter(formula=unused), store=later)
    with pytest.raises(AssertionError, match="trunk is measured again"):
        resolve(again, meter=ReplayMeter(formula=unused), store=other_store)


@pytest.mark.no_cover
def test_a_kill_between_the_trial_of_plans_and_training_keeps_the_plan(
    recipe: MakeRecipe, meter: Meter, store: StageStore
) -> None:
    made = recipe(device=AUTO, epochs=1)
    tuned(made, meter=scripted((10.0, 7.0, 3.5)), store=store)
    resumed = StageStore(store.root, meter_id=store.meter_id)
    result = run_trial(made, meter=meter, store=resumed)  # by this meter all plans are equal
    assert result.facts["plan"] == to_json(FAST)
    typed = run_trial(
        recipe(device=Device(name="cpu", plan="channels_last"), epochs=1), meter=meter, store=store
    )
    assert typed.stages == result.stages
    assert typed.config != result.config


def test_what_an_end_halfway_costs_is_on_the_bill(
    recipe: MakeRecipe, meter: Meter, store: StageStore
) -> None:
    def ending(work: Work) -> float:
        if next(readings) == 6:
            raise KeyboardInterrupt  # as Ctrl-C would, at any moment
        return 2.0

    made, readings = recipe(device=AUTO, epochs=1), itertools.count()
    with pytest.raises(KeyboardInterrupt):
        tuned(made, meter=ReplayMeter(formula=ending), store=store)
    [log] = store.root.glob("*/*/epochs.jsonl")
    again = StageStore(store.root, meter_id=store.meter_id)
    tuned(made, meter=meter, store=again)
    [record] = again.records().values()
    assert [mark.reading.joules for mark in record.lost] == [2.0] * 6
    assert record.spent_joules > 12.0 and not log.exists()


def test_it_is_on_the_bill_and_in_no_objective(
    recipe: MakeRecipe, meter: Meter, store: StageStore
) -> None:
    made = recipe(device=AUTO, epochs=1)
    result = run_trial(made, meter=meter, store=store)
    record, records = tried(made, store), store.records()
    trial = TrialRecord(number=0, state="measured", params={}, result=result)
    study = StudyRecord(name="s", trials=(trial,), stages=records, meter=meter.facts())
    prices = Prices(records.values())
    without = {key: other for key, other in records.items() if other != record}
    spent = [
        bill(dataclasses.replace(study, stages=stages), prices)["calibrate"].spent_joules
        for stages in (records, without)
    ]
    assert spent[0] - spent[1] == pytest.approx(record.spent_joules) != 0
    assert record.cost_key not in demand(result, Objective())


@pytest.mark.no_cover
def test_other_plans_have_other_keys_and_nearly_the_same_weights(
    recipe: MakeRecipe, meter: Meter, store: StageStore
) -> None:
    states, keys, correct = [], [], []
    for plan in ("contiguous", "channels_last"):
        made = recipe(device=Device(name="cpu", plan=plan), epochs=2)
        result = run_trial(made, meter=meter, store=store)
        states.append(trained_network(made, meter=meter, store=store).state_dict())
        keys.append({key for use in result.stages[:3] for key in (use.key, use.cost_key)})
        correct.append(result.correct)
    assert keys[0].isdisjoint(keys[1])
    for name, weight in states[0].items():
        torch.testing.assert_close(states[1][name], weight, rtol=1e-3, atol=1e-4)
    assert abs(correct[0] - correct[1]) <= 2


def test_compiling_is_another_plan_and_leaves_the_names_of_weights(
    recipe: MakeRecipe, meter: Meter, store: StageStore
) -> None:
    plain, compiled = (
        TrialContext(recipe(plan=plan), meter=meter, store=store) for plan in (FAST, COMPILED)
    )
    assert plain.stages["trunk"].key != compiled.stages["trunk"].key
    module = compiled.trainer.dense_trainee().module
    assert module._compiled_call_impl is not None
    assert list(module.state_dict()) == list(plain.trainer.network().state_dict())
    assert compiled.trainer.network()._compiled_call_impl is None
    assert [plan.compile for plan in candidates("cuda")] == [False, False, True, True]
    assert candidates("cpu") == (DEFAULT_PLAN, FAST)


def test_what_is_hopeless_gets_one_round(recipe: MakeRecipe, store: StageStore) -> None:
    made = recipe(device=AUTO)
    meter = scripted((10.0, 7.0, 70.0), second=(1.0, 1.0, 9.0))
    assert tuned(made, meter=meter, store=store).plan == FAST
    facts = tried(made, store).facts
    assert facts["bf16"] == {
        "plan": "channels_last",
        "share": pytest.approx(-9.0),
        "uncertainty": None,
    }
    assert len(facts["joules_per_step"]["bf16 channels_last"]) == 1


def test_trying_plans_leaves_the_global_generator_alone(
    recipe: MakeRecipe, meter: Meter, store: StageStore
) -> None:
    before = torch.get_rng_state()
    tuned(recipe(device=AUTO), meter=meter, store=store)
    assert torch.equal(torch.get_rng_state(), before)


def test_a_precision_that_is_no_fp32_is_not_compared_with_bf16(
    recipe: MakeRecipe, meter: Meter, store: StageStore
) -> None:
    made = recipe(device=AUTO, precision="bf16")
    tuned(made, meter=meter, store=store)
    facts = tried(made, store).facts
    assert facts["bf16"] is None
    assert list(facts["joules_per_step"]) == ["bf16 contiguous", "bf16 channels_last"]


def test_too_large_a_batch_is_refused_before_anything_runs(
    recipe: MakeRecipe, store: StageStore
) -> None:
    with pytest.raises(BadInput, match=r"batch=5000: there are \d+ images"):
        resolve(recipe(device=AUTO, batch=5000), meter=ReplayMeter(formula=unused), store=store)


class Greedy(nn.Module):
    """Wants more memory than there is, in its second step."""

    def __init__(self, features: int, classes: int) -> None:
        super().__init__()
        self.linear, self.step = nn.Linear(features, classes), 0

    def forward(self, images: Tensor) -> Tensor:
        self.step += 1
        if self.step == 2:
            torch.empty(2**46)
        return self.linear(images.flatten(1))


@dataclass(frozen=True, kw_only=True)
class GreedyNet:
    name: str = "greedy"

    def build(self, shape: tuple[int, int, int], classes: int) -> nn.Module:
        return Greedy(math.prod(shape), classes)


def test_where_plain_does_not_fit_it_is_taken_and_the_trial_says_why(
    recipe: MakeRecipe, meter: Meter, store: StageStore
) -> None:
    made = recipe(device=AUTO, model=GreedyNet())
    result = run_trial(made, meter=meter, store=store)
    record = tried(made, store)
    assert result.facts["plan"] == to_json(DEFAULT_PLAN)
    assert "ran out of memory" in str(result.infeasible)
    assert "ran out of memory" in record.facts["infeasible"]
    assert (len(record.marks), len(record.lost)) == (1, 1)


def test_no_stage_is_named_before_the_plan_is_known(recipe: MakeRecipe) -> None:
    with pytest.raises(ValueError, match="plan is resolved"):
        chain(recipe(), machine=MACHINE, fingerprint="any")
    named = [
        chain(replace(recipe(), plan=plan), machine=MACHINE, fingerprint="any")
        for plan in PLANS.values()
    ]
    for one, other in itertools.combinations(named, 2):
        alike = {a.stage for a, b in zip(one, other, strict=True) if a.key == b.key}
        assert alike == {"export"}  # an architecture is exported once, however it was trained
        assert all(
            a.cost_key != b.cost_key for a, b in zip(one, other, strict=True) if a.stage != "export"
        )


JOULES = some.lists(
    some.floats(min_value=1e-9, max_value=1e6), min_size=FIRST_LOOK, max_size=MOST_ROUNDS
)


@given(rounds=some.fixed_dictionaries({plan: JOULES for plan in PLANS.values()}))
def test_nothing_dearer_than_plain_is_ever_chosen(rounds: dict[Plan, list[float]]) -> None:
    cold = dict.fromkeys(rounds, 1.0)
    rounds[DEFAULT_PLAN] = (rounds[DEFAULT_PLAN] * MOST_ROUNDS)[:MOST_ROUNDS]
    chosen = choose(rounds, cold, steps=100)
    beside = rounds[DEFAULT_PLAN][: len(rounds[chosen])]
    assert median(rounds[chosen]) <= median(beside)
    if chosen != DEFAULT_PLAN:
        assert saving(rounds[chosen], rounds[DEFAULT_PLAN]).is_sure


def test_a_difference_within_the_spread_of_the_rounds_is_none() -> None:
    cold = {DEFAULT_PLAN: 1.0, FAST: 1.0}
    noisy = {DEFAULT_PLAN: [10.0] * MOST_ROUNDS, FAST: [9.0, 9.5, 12.0, 8.0, 9.0]}
    assert choose(noisy, cold, steps=100) == DEFAULT_PLAN
    assert choose({**noisy, FAST: [9.0, 9.1, 9.2, 9.0, 9.1]}, cold, steps=100) == FAST


def test_compiling_has_to_pay_within_one_trial() -> None:
    rounds = {
        DEFAULT_PLAN: [10.0] * MOST_ROUNDS,
        FAST: [9.0] * MOST_ROUNDS,
        COMPILED: [8.0] * MOST_ROUNDS,
    }
    cold = {DEFAULT_PLAN: 10.0, FAST: 5000.0, COMPILED: 1010.0}
    assert choose(rounds, cold, steps=501) == COMPILED
    assert choose(rounds, cold, steps=500) == FAST


def test_gathered_batches_share_the_plan_of_one(
    recipe: MakeRecipe, meter: Meter, store: StageStore
) -> None:
    # Plans are tried on a few batches: fewer than an update of this recipe takes.
    many = recipe(device=AUTO, batch=32, accumulate=12)
    assert resolve(many, meter=meter, store=store).plan is not None
    assert tried(many, store) == tried(recipe(device=AUTO, batch=32), store)
    with pytest.raises(BadInput, match="type accumulate=28 or less"):
        resolve(recipe(device=AUTO, batch=32, accumulate=99), meter=meter, store=store)
