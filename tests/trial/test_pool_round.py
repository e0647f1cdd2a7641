"""A round of a pool costs what the trial's own work did, joins its pool, and changes no weights."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import pytest

from energy_sweep.compression import Distill, LowRank, Magnitude, Prune, Qat, Quantize
from energy_sweep.front.prices import Prices
from energy_sweep.meter.base import Meter
from energy_sweep.model.small_cnn import SmallCNN
from energy_sweep.recipe import Recipe
from energy_sweep.recipe.plan import DEFAULT_PLAN
from energy_sweep.store import StageStore
from energy_sweep.trial import Teacher, run_trial
from energy_sweep.trial.pool_round import NoRound, PoolRounds

MakeRecipe = Callable[..., Recipe]

CASES: dict[str, dict[str, Any]] = {
    "dense": {"level": 0.0},
    "prune": {"compression": Prune(recover_epochs=1)},
    "masked": {"compression": Magnitude(iterations=2, recover_epochs=2)},
    "masked in training": {"compression": Magnitude(act="during")},
    "lowrank": {"compression": LowRank(recover_epochs=1), "model": SmallCNN(width=16, depth=2)},
    "qat": {"compression": Qat(recover_epochs=1, calibration="minmax", images=64)},
    "int8": {"compression": Quantize(calibration="minmax", images=64)},
}
EPOCHS = ("trunk", "cooldown", "recover")


def small(recipe: MakeRecipe, **changes: Any) -> Recipe:
    return recipe(**{"level": 0.5, "epochs": 2, "plan": DEFAULT_PLAN, **changes})


def files(store: StageStore) -> dict[str, str]:
    """Everything in the store but the records, by its content."""
    found = (path for path in store.root.rglob("*") if path.is_file())
    kept = [path for path in found if path.suffix not in (".json", ".lock") and path.name[0] != "."]
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in kept}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_a_round_of_every_epoch_and_graph_of_a_trial(
    recipe: MakeRecipe, meter: Meter, store: StageStore, case: dict[str, Any]
) -> None:
    chosen = small(recipe, **case)
    result = run_trial(chosen, meter=meter, store=store)
    before, weights, rounds = Prices(store.records().values()), files(store), PoolRounds()
    pools = dict.fromkeys(use.cost_key for use in result.stages if use.stage in (*EPOCHS, "infer"))
    for turn in range(2):
        for index, pool in enumerate(pools):
            key = f"{turn}{index}".ljust(64, "0")
            record = rounds.measure(
                chosen, pool, key=key, facts={"bought": "confirm"}, meter=meter, store=store
            )
            assert (record.stage, record.cost_key, record.key) == ("calibrate", pool, key)
            known = before.pool(pool)
            assert known is not None
            assert record.spent_joules / record.units == pytest.approx(known.joules_per_unit)
            assert store.get(key) == record
    assert files(store) == weights
    again = run_trial(chosen, meter=meter, store=store)
    assert again == result


def test_what_takes_a_teacher_or_a_file_that_is_gone_has_no_round(
    recipe: MakeRecipe, meter: Meter, store: StageStore
) -> None:
    student = small(recipe, compression=Distill(), teacher=Teacher())
    result = run_trial(student, meter=meter, store=store)
    trunk = next(use for use in result.stages if use.stage == "trunk")
    infer = next(use for use in result.stages if use.stage == "infer")

    def measure(pool: str, key: str = "a") -> None:
        PoolRounds().measure(student, pool, key=64 * key, facts={}, meter=meter, store=store)

    with pytest.raises(NoRound, match="teacher"):
        measure(trunk.cost_key)
    measure(infer.cost_key)
    for file in store.folder(infer.cost_key).glob("model.*"):
        file.unlink()
    with pytest.raises(NoRound, match="graph"):
        measure(infer.cost_key, "b")
    with pytest.raises(NoRound, match="nothing"):
        measure("b" * 64, "c")
