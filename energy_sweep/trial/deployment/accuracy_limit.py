"""How much accuracy a compression cost, where a recipe says how much it may."""

from __future__ import annotations

from energy_sweep.compression.base import NoCompression
from energy_sweep.recipe import replace
from energy_sweep.record import Infeasible, Plain
from energy_sweep.trial.context import Bench
from energy_sweep.trial.deployment.deployed import Deployed
from energy_sweep.trial.training.fit import fit


def compare(bench: Bench, correct: int) -> Plain:
    """The dense net's accuracy, where a tolerated loss asks for it; Infeasible below that.

    The dense net is the one that was compressed, or the student's teacher of the same kind: what
    is missing of it is measured now, and shared with whoever else asks.
    """
    recipe, loss = bench.recipe, bench.recipe.max_accuracy_loss
    if loss is None or not recipe.snapped_level:
        return {}
    teacher = recipe.teacher if recipe.during is not None else None
    model = recipe.model if teacher is None else teacher.model or recipe.model
    dense = replace(recipe, model=model, compression=NoCompression(), level=0.0, teacher=None)
    other = Bench(dense, meter=bench.meter, store=bench.store, keep=bench.keep)
    with other.training():
        fit(other)
    with Deployed(other) as deployed:
        before = deployed.evaluate()["correct"]
    n = len(bench.data.validation.labels)
    if correct < before - loss * n:
        raise Infeasible(
            f"accuracy {correct / n:.4f} is more than compression.max_accuracy_loss={loss:g} below"
            f" the dense net's {before / n:.4f}"
        )
    return {"dense_accuracy": before / n}
