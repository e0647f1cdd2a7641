"""Compressions as trials: what they share, what they are charged, and that a kill changes none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from dataclasses import replace as changed
from typing import Any

import pytest

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
    WeightOnly,
)
from energy_sweep.front.achieved import achieved
from energy_sweep.front.prices import Prices, demand
from energy_sweep.meter import meter_id
from energy_sweep.meter.base import Meter
from energy_sweep.model.small_cnn import SmallCNN
from energy_sweep.recipe import Recipe, check
from energy_sweep.recipe.plan import DEFAULT_PLAN
from energy_sweep.recipe.stages import chain
from energy_sweep.record import BadInput, Objective, StageUse, TrialResult
from energy_sweep.store import StageStore
from energy_sweep.trial import Teacher, deployed_trial, load_data, run_trial
from energy_sweep.trial.training import progress

MakeRecipe = Callable[..., Recipe]
LEVEL = 0.75


def chained(*techniques: Any) -> Chain:
    return Chain(steps=tuple(Step(technique=one) for one in techniques))


CASES: dict[str, dict[str, Any]] = {
    "iterative": {"compression": Prune(iterations=2, recover_epochs=2)},
    "magnitude": {"compression": Magnitude(iterations=2, recover_epochs=2)},
    "during": {"compression": Magnitude(act="during")},
    "sparse": {"compression": Sparse()},
    "distill": {"compression": Distill(), "teacher": Teacher()},
    "lowrank": {"compression": LowRank(recover_epochs=1), "model": SmallCNN(width=16, depth=2)},
    "qat": {"compression": Qat(recover_epochs=2, calibration="minmax", images=64)},
    "quantize": {"compression": Quantize(calibration="minmax", images=64)},
    "weight_only": {"compression": WeightOnly()},
    "chain": {
        "compression": chained(
            Magnitude(recover_epochs=1),
            Prune(recover_epochs=1),
            Quantize(calibration="minmax", images=64, tolerance=1.0),
        ),
        "level": 0.9,
        "model": SmallCNN(width=16, depth=2),
    },
}

UNTRAINED = ("quantize", "weight_only")  # change the file alone: there is no epoch to be killed in


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """A trial that ran undisturbed, and where its stages lie."""

    recipe: Recipe
    result: TrialResult
    store: StageStore


@pytest.fixture(scope="module")
def case(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def whole(
    case: str, recipe: MakeRecipe, meter: Meter, tmp_path_factory: pytest.TempPathFactory
) -> Whole:
    made = recipe(**({"level": LEVEL, "epochs": 3} | CASES[case]))
    store = StageStore(tmp_path_factory.mktemp(case), meter_id=meter_id(meter.facts()))
    return Whole(recipe=made, result=run_trial(made, meter=meter, store=store), store=store)


def stages_of(recipe: Recipe) -> tuple[StageUse, ...]:
    planned = changed(recipe, plan=DEFAULT_PLAN)
    machine, data = recipe.device.machine(), load_data(recipe.dataset)
    return chain(planned, machine=machine, fingerprint=data.fingerprint)


def keys(result: TrialResult) -> list[tuple[str, str, float]]:
    return [(use.stage, use.key, use.units) for use in result.stages if use.stage != "infer"]


@pytest.mark.parametrize("case", [one for one in CASES if one not in UNTRAINED], indirect=True)
@pytest.mark.slow
@pytest.mark.no_cover
def test_a_trial_that_is_killed_again_and_again_ends_as_one_that_was_not(
    whole: Whole, meter: Meter, other_store: StageStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, first = whole.recipe, whole.result
    calls = {"epochs": 0}
    save = progress.save

    def save_and_die(*arguments: Any) -> str:
        done = save(*arguments)
        calls["epochs"] += 1
        if calls["epochs"] % 2:
            raise KeyboardInterrupt
        return done

    monkeypatch.setattr(progress, "save", save_and_die)
    for _ in range(30):
        try:
            again = run_trial(made, meter=meter, store=other_store)
            break
        except KeyboardInterrupt:
            continue
    else:
        pytest.fail("the trial never ended")
    assert calls["epochs"] > 2
    assert (again.correct, keys(again)) == (first.correct, keys(first))
    kept = "removed_weight_bits"
    assert again.facts.get(kept) == first.facts.get(kept)


@pytest.mark.parametrize("case", CASES, indirect=True)
def test_asking_again_trains_nothing_and_gives_the_same(
    case: str, whole: Whole, meter: Meter
) -> None:
    made, first, store = whole.recipe, whole.result, whole.store
    before = {key: record.units for key, record in store.records().items()}
    second = run_trial(made, meter=meter, store=store)
    after = {key: record.units for key, record in store.records().items()}
    assert (first.correct, first.stages) == (second.correct, second.stages)
    assert before == after
    with deployed_trial(made, meter=meter, store=store) as deployed:
        images = load_data(made.dataset).validation.images
        found = made.runtime.open(deployed.path, 1).predict(images, 64).argmax(axis=1)
    right = int((found == load_data(made.dataset).validation.labels).sum())
    assert right == first.correct
    reached = achieved(first.config, first.facts)
    assert reached.level == made.effective_level
    if first.facts.get("float_layers"):  # int8 that was undone is not said to be done
        assert reached.removed is not None and 0 <= reached.removed < reached.level - 0.05
    else:
        assert reached.removed == pytest.approx(reached.level, abs=0.15)
    masks = any(name in case for name in ("magnitude", "during", "sparse", "chain"))
    assert ("zeros" in reached.text) == masks
    assert reached.text or not reached.removed  # where int8 was undone in every layer


def test_the_first_rounds_of_more_iterations_are_shared(recipe: MakeRecipe) -> None:
    two = Prune(iterations=2, recover_epochs=2)
    shared = [
        {use.key for use in stages_of(recipe(compression=one, level=level, epochs=3))}
        for one, level in ((two, 0.75), (chained(two, Quantize()), 0.9375))
    ]
    trained = [use for use in stages_of(recipe(compression=two, level=0.75, epochs=3))]
    wanted = {use.key for use in trained if use.stage in ("trunk", "cooldown")}
    assert wanted <= shared[0] & shared[1]
    assert sum(use.stage == "compress" for use in trained) == 2


def test_int8_of_any_level_is_one_configuration(recipe: MakeRecipe) -> None:
    made = [recipe(compression=Quantize(), level=level) for level in (0.25, 0.5, 0.75)]
    assert len({str(one.config()) for one in made}) == 1
    assert len({tuple(use.key for use in stages_of(one)) for one in made}) == 1


def test_a_teacher_is_charged_in_full_and_trained_once(
    recipe: MakeRecipe, meter: Meter, store: StageStore
) -> None:
    dense = recipe(compression=NoCompression(), epochs=3)
    student = recipe(compression=Distill(), level=LEVEL, epochs=3, teacher=Teacher())
    alone = run_trial(dense, meter=meter, store=store)
    taught = run_trial(student, meter=meter, store=store)
    trained = {use.key for use in alone.stages if use.stage in ("prepare", "trunk", "cooldown")}
    teacher = [use for use in taught.stages if use.stage == "teacher"]
    assert trained < {use.key for use in teacher}  # and what asking it took
    prices = Prices(store.records().values())
    objective = Objective(name="training")
    whole, _ = prices.joules(demand(taught, objective))
    own, _ = prices.joules(demand(alone, objective))
    assert whole > own
    # All of the teacher's epochs ran in the dense trial: the student added its answers only.
    asked = [record for record in store.records().values() if record.stage == "teacher"]
    assert len(asked) == 1 and asked[0].facts["teacher_train_accuracy"] > 0.1


def test_another_model_can_teach(recipe: MakeRecipe, meter: Meter, store: StageStore) -> None:
    wide = Teacher(model=SmallCNN(width=12, depth=2))
    result = run_trial(
        recipe(compression=Distill(), level=0.5, epochs=2, teacher=wide), meter=meter, store=store
    )
    assert result.correct is not None
    assert result.config["teacher"]["model"]["width"] == 12


def test_a_net_that_lost_too_much_is_infeasible_and_recorded(
    recipe: MakeRecipe, meter: Meter, store: StageStore
) -> None:
    strict = recipe(compression=Prune(recover_epochs=0), level=0.9, epochs=4, max_accuracy_loss=0.0)
    result = run_trial(strict, meter=meter, store=store)
    assert result.correct is None and "max_accuracy_loss=0" in (result.infeasible or "")
    assert any(use.stage == "compress" for use in result.stages)  # its joules stay
    lax = run_trial(changed(strict, max_accuracy_loss=0.99), meter=meter, store=store)
    assert lax.correct is not None
    assert lax.facts["dense_accuracy"] > lax.correct / lax.n_validation


def test_what_has_no_dense_net_to_compare_with_is_refused(recipe: MakeRecipe) -> None:
    with pytest.raises(BadInput, match="no dense net to compare with"):
        check(recipe(compression=Sparse(), level=0.5, max_accuracy_loss=0.01))


def test_every_net_is_measured_alone_and_in_full_batches(
    recipe: MakeRecipe, meter: Meter, store: StageStore
) -> None:
    result = run_trial(recipe(level=0.5, inference_batch=16, epochs=2), meter=meter, store=store)
    pools = result.facts["inference"]
    assert set(pools) == {"1", "16", "64"}
    own = next(use for use in result.stages if use.stage == "infer")
    assert own.cost_key == pools["16"]
    prices = Prices(store.records().values())
    assert all(prices.joules({key: 1.0})[0] > 0 for key in pools.values())
