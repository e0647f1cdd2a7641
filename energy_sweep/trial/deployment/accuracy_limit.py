"""How much accuracy a compression cost, where a recipe says how much it may."""

from __future__ import annotations

from energy_sweep.compression.base import NoCompression
from energy_sweep.recipe import replace
from energy_sweep.record import Infeasible, JsonDict
from energy_sweep.trial.context import TrialContext
from energy_sweep.trial.deployment.deployed import ExportedModel
from energy_sweep.trial.deployment.evaluation import evaluate
from energy_sweep.trial.training.fit import fit


def compare(context: TrialContext, correct: int) -> JsonDict:
    """The dense net's accuracy, where a tolerated loss asks for it; Infeasible below that.

    The dense net is the one that was compressed, or the student's teacher of the same kind, the
    first of several: what is missing of it is measured now, and shared with whoever else asks.
    """
    recipe, loss = context.recipe, context.recipe.max_accuracy_loss
    if loss is None or not recipe.effective_level:
        return {}
    teacher = recipe.teacher if recipe.in_training is not None else None
    dense = replace(recipe, compression=NoCompression(), level=0.0, teacher=None)
    if teacher is not None:
        dense = teacher.recipes(recipe)[0]
    other = TrialContext(dense, meter=context.meter, store=context.store, keep=context.keep)
    with other.trainer.training():
        fit(other)
    with ExportedModel(other) as deployed:
        before = evaluate(deployed).correct
    n = len(context.data.validation.labels)
    if correct < before - loss * n:
        raise Infeasible(
            f"accuracy {correct / n:.4f} is more than compression.max_accuracy_loss={loss:g} below"
            f" the dense net's {before / n:.4f}"
        )
    return {"dense_accuracy": before / n}
