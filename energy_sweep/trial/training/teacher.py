"""A student's teacher: trained here or by another study, and asked once about every image.

Its answers are logits of the images as they are, unmoved: a student whose images are moved at
random learns from the answer to the original.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from energy_sweep.compression.base import NoCompression
from energy_sweep.model.state import save_tensors
from energy_sweep.recipe import Recipe, spec
from energy_sweep.recipe import replace as replace_recipe
from energy_sweep.record import BadInput, JsonDict, StageRecord, StageUse
from energy_sweep.record.bounds import MOST_COUNTED, check_count, check_positive
from energy_sweep.runtime.folding import DeployableNet
from energy_sweep.training.loop import load_whole, restore
from energy_sweep.trial.context import TrialContext
from energy_sweep.trial.training.fit import dense_state, fit
from energy_sweep.trial.training.pretrained import Pretrained

BATCH = 256
MOST_MEMBERS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Teacher:
    """Whom a student learns from: nets that are trained here, or the weights of a `stored` trial.

    A net trained here is `model` (None: the student's own, dense) at `width` times its width, for
    `epochs` (None: the student's) epochs. Of several `members`, whose seeds follow one another from
    the student's on, the logits are averaged.
    """

    model: Any = None
    stored: Pretrained | None = None
    width: float = 1.0
    epochs: int | None = None
    members: int = 1

    def __post_init__(self) -> None:
        check_positive("compression.teacher_width", self.width, example=2)
        check_count("compression.teachers", self.members, example=3, most=MOST_MEMBERS)
        if self.epochs is not None:
            check_count("compression.teacher_epochs", self.epochs, example=20, most=MOST_COUNTED)
        if self.stored is not None and (self.width, self.epochs, self.members) != (1.0, None, 1):
            raise BadInput(
                f"compression.teacher={self.stored.name} is trained already: leave out"
                " compression.teacher_width, compression.teacher_epochs and compression.teachers"
            )

    def recipes(self, recipe: Recipe) -> tuple[Recipe, ...]:
        """The dense training of each member, for the student that `recipe` trains."""
        model = _widened(self.model or recipe.model, self.width)
        dense = replace_recipe(
            recipe,
            model=model,
            epochs=self.epochs or recipe.epochs,
            pretrained=recipe.pretrained if self.model is None and self.width == 1 else None,
            compression=NoCompression(),
            level=0.0,
            teacher=None,
            max_accuracy_loss=None,
        )
        return tuple(
            replace_recipe(dense, seed=recipe.seed + index) for index in range(self.members)
        )

    def spec(self, recipe: Recipe) -> JsonDict:
        """The teacher of the student that `recipe` trains as plain settings, the usual left out."""
        if self.stored is not None:
            return {"name": self.stored.name, "weights": self.stored.weights}
        found: JsonDict = {"model": None if self.model is None else spec(self.model)}
        if self.width != 1:
            found["width"] = float(self.width)
        if self.epochs not in (None, recipe.epochs):
            found["epochs"] = self.epochs
        if self.members != 1:
            found["members"] = self.members
        return found


def _widened(model: Any, factor: float) -> Any:
    if factor == 1:
        return model
    width = getattr(model, "width", None)
    if width is None:
        raise BadInput(
            f"compression.teacher_width={factor:g}: {model.name} has no width: leave it out, or"
            " type compression.teacher=small_cnn|resnet18|mobilenet_v2"
        )
    wider = max(1, round(width * factor)) if isinstance(width, int) else width * factor
    return replace(model, width=wider)


def attach_teacher(context: TrialContext) -> None:
    """Let a student find its teacher's answers, once it needs them."""
    if context.teaching:
        context.answers = functools.cache(lambda: _answers(context))


def teacher_logits(context: TrialContext) -> None:
    """Train the teacher as far as the store lacks it, ask it, and count all that it took."""
    stored = context.recipe.teacher.stored if context.teaching else None
    for recipe, asking in _members(context):
        if stored is None:
            member = _context(context, recipe)
            fit(member, following=asking.key)
            _count(context, member.usage.used)
        else:
            _charge_stored(context, stored, context.teaching[0])
        context.store.once(asking, functools.partial(_ask, context, recipe, asking))
        context.usage.done(asking)


def _members(context: TrialContext) -> Iterable[tuple[Recipe, StageUse]]:
    """Each net that teaches, with the stage that asks it."""
    if not context.teaching:
        return ()
    asking = [use for use in context.teaching if use.cost_key == context.teaching[-1].cost_key]
    return zip(context.recipe.teacher.recipes(context.recipe), asking, strict=True)


def _charge_stored(context: TrialContext, stored: Pretrained, use: StageUse) -> None:
    meter_id = context.store.meter_id
    context.store.once(use, lambda _: stored.record(use, meter_id=meter_id))
    context.usage.done(use)


def _count(context: TrialContext, used: Iterable[StageUse]) -> None:
    """A member's stages as the student's, in the pools that they were really measured in.

    What an earlier member did as well (the warm-up) is one stage.
    """
    known = {use.key for use in context.usage.used}
    wanted = {use.key for use in context.teaching} - known
    context.usage.used.extend(replace(use, stage="teacher") for use in used if use.key in wanted)


def _context(context: TrialContext, recipe: Recipe) -> TrialContext:
    """The context that a member is trained in."""
    return TrialContext(recipe, meter=context.meter, store=context.store, keep=context.keep)


def _answers(context: TrialContext) -> Tensor:
    """Logits [train images, classes] on the device, of several members their mean."""
    found = [_stored_answers(context, *member) for member in _members(context)]
    return torch.stack(found).mean(dim=0) if found[1:] else found[0]


def _stored_answers(context: TrialContext, recipe: Recipe, asking: StageUse) -> Tensor:
    """One member's logits; those that are gone are asked for again."""
    tensors = context.store.made(
        asking,
        lambda: load_whole(context.store.folder(asking.key) / "logits.safetensors"),
        lambda folder: _ask(context, recipe, asking, folder),
    )
    return tensors["logits"].to(context.device)


def _ask(context: TrialContext, recipe: Recipe, asking: StageUse, folder: Path) -> StageRecord:
    module, found = _trained(context, recipe), list[Tensor]()
    images = context.data.train.images
    record = context.usage.metered(
        asking, lambda: found.append(_logits(context, module)), images=len(images)
    )
    outcome = save_tensors(folder / "logits.safetensors", {"logits": found[0]}, {})
    right = int((found[0].argmax(dim=1).numpy() == context.data.train.labels).sum())
    facts: JsonDict = {"teacher_train_accuracy": right / len(images)}
    return replace(record, outcome=outcome, facts=facts)


def _trained(context: TrialContext, recipe: Recipe) -> nn.Module:
    teacher, stored = _context(context, recipe), context.recipe.teacher.stored
    module = teacher.trainer.network()
    if stored is None:
        restore(module, None, dense_state(teacher))
    else:
        stored.put_into(module, least=1.0)
    return module.eval()


def _logits(context: TrialContext, module: nn.Module) -> Tensor:
    dtype = next(module.parameters()).dtype
    asked = DeployableNet(module, context.data.mean, context.data.std).to(context.device).eval()
    split, found = context.data.train.images, list[Tensor]()
    with torch.no_grad():
        for start in range(0, len(split), BATCH):
            images = torch.tensor(split[start : start + BATCH], device=context.device)
            found.append(asked.answer(images, dtype).float().cpu())
    return torch.cat(found)
