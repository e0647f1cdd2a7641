"""What of a recipe cannot run, said in one line."""

from __future__ import annotations

from energy_sweep.recipe.recipe import GPU_PRECISIONS, PRECISIONS, Recipe
from energy_sweep.record import BadInput
from energy_sweep.record.bounds import MOST_COUNTED, check_count, check_positive


def check(recipe: Recipe) -> None:
    """Raise BadInput, in one line that says what to type, for a recipe that cannot run."""
    check_dials(recipe)
    check_parts(recipe)


def check_dials(recipe: Recipe) -> None:
    """The same of its numbers alone, and of its precision."""
    for dial, example in (("batch", 64), ("epochs", 10), ("accumulate", 4)):
        check_count(dial, getattr(recipe, dial), example=example, most=MOST_COUNTED)
    check_count("inference.batch", recipe.inference_batch, example=64, most=MOST_COUNTED)
    check_positive("lr", recipe.lr, example=0.05)
    if not 0 <= recipe.label_smoothing < 1:
        raise BadInput(
            f"label_smoothing={recipe.label_smoothing}: type a share from 0 to below 1, "
            "such as label_smoothing=0.1"
        )
    if recipe.precision not in PRECISIONS:
        raise BadInput(f"precision={recipe.precision}: type precision={'|'.join(PRECISIONS)}")
    if recipe.precision in GPU_PRECISIONS and recipe.device.resolve() != "cuda":
        raise BadInput(
            f"precision={recipe.precision} trains on CUDA only: type precision=bf16 or device=cuda"
        )


def check_parts(recipe: Recipe) -> None:
    """The same of its device, its runtime and its compression: no numbers count but the batch, the
    level and the loss of accuracy that is allowed."""
    recipe.device.check()
    recipe.runtime.check_here()
    _check_compression(recipe)
    processes = recipe.device.processes
    if recipe.batch % processes:
        raise BadInput(
            f"batch={recipe.batch}: device.processes={processes} share each batch in equal parts:"
            f" type batch={-(-recipe.batch // processes) * processes}"
        )


def _check_compression(recipe: Recipe) -> None:
    compression, loss = recipe.compression, recipe.max_accuracy_loss
    compression.check(recipe.level)
    if not recipe.effective_level:
        return
    compression.check_where(recipe.runtime, recipe.device.resolve())
    during = recipe.in_training
    techniques = [*([during[0]] if during else []), *(one.technique for one in recipe.rounds)]
    alone = [one.name for one in techniques if one.one_process]
    if alone and recipe.device.processes > 1:
        raise BadInput(
            f"compression={alone[0]}: its nets are trained by one process only:"
            " type device.processes=1"
        )
    if loss is None:
        return
    if not 0 <= loss < 1:
        raise BadInput(
            f"compression.max_accuracy_loss={loss:g}: type the share of accuracy that may be lost,"
            " such as compression.max_accuracy_loss=0.01 for a point, or null"
        )
    if during is not None and not during[0].wants_teacher:
        raise BadInput(
            f"compression.max_accuracy_loss: {during[0].name} acts during training, so that there"
            " is no dense net to compare with: type compression.max_accuracy_loss=null"
        )
