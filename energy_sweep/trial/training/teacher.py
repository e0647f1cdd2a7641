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
from energy_sweep.record import JsonDict, StageRecord, StageUse
from energy_sweep.runtime.folding import DeployableNet
from energy_sweep.training.loop import DamagedFile, load, restore
from energy_sweep.trial.context import TrialContext
from energy_sweep.trial.training.fit import dense_state, fit
from energy_sweep.trial.training.pretrained import Pretrained

BATCH = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Teacher:
    """Whom a student learns from: `model` trained as the student is (None: the student's own net,
    dense), or the weights of a `stored` trial, whose net is `model`."""

    model: Any = None
    stored: Pretrained | None = None

    def spec(self) -> JsonDict:
        """The teacher as plain settings."""
        if self.stored is not None:
            return {"name": self.stored.name, "weights": self.stored.weights}
        return {"model": None if self.model is None else spec(self.model)}


def attach_teacher(context: TrialContext) -> None:
    """Let a student find its teacher's answers, once it needs them."""
    if context.teaching:
        context.answers = functools.cache(lambda: _answers(context))


def teacher_logits(context: TrialContext) -> None:
    """Train the teacher as far as the store lacks it, ask it, and count all that it took."""
    if not context.teaching:
        return
    *training, asking = context.teaching
    teacher = _context(context)
    stored = context.recipe.teacher.stored
    if stored is None:
        fit(teacher, following=asking.key)
        _count(context, training, teacher.usage.used)
    else:
        meter_id = context.store.meter_id
        context.store.once(training[0], lambda _: stored.record(training[0], meter_id=meter_id))
        context.usage.done(training[0])
    context.store.once(asking, lambda folder: _ask(context, asking, folder))
    context.usage.done(asking)


def _count(context: TrialContext, training: Iterable[StageUse], used: Iterable[StageUse]) -> None:
    """The teacher's stages as the student's, in the pools that they were really measured in."""
    units = {use.key: use for use in used}
    for use in training:
        if use.key in units:
            context.usage.used.append(replace(units[use.key], stage="teacher"))


def _context(context: TrialContext) -> TrialContext:
    """The context that the teacher is trained in: the student's own, without compression."""
    recipe: Recipe = context.recipe
    teacher = recipe.teacher
    dense = replace(
        recipe,
        model=teacher.model or recipe.model,
        pretrained=recipe.pretrained if teacher.model is None else None,
        compression=NoCompression(),
        level=0.0,
        teacher=None,
        max_accuracy_loss=None,
    )
    return TrialContext(dense, meter=context.meter, store=context.store, keep=context.keep)


def _answers(context: TrialContext) -> Tensor:
    """Logits [train images, classes] on the device; those that are gone are asked for again."""
    asking = context.teaching[-1]
    folder = context.store.folder(asking.key)
    try:
        tensors, _ = load(folder / "logits.safetensors")
    except (FileNotFoundError, DamagedFile):
        context.store.put_again(_ask(context, asking, folder))
        tensors, _ = load(folder / "logits.safetensors")
    return tensors["logits"].to(context.device)


def _ask(context: TrialContext, asking: StageUse, folder: Path) -> StageRecord:
    module, found = _trained(context), list[Tensor]()
    images = context.data.train.images
    record = context.usage.metered(
        asking, lambda: found.append(_logits(context, module)), images=len(images)
    )
    outcome = save_tensors(folder / "logits.safetensors", {"logits": found[0]}, {})
    right = int((found[0].argmax(dim=1).numpy() == context.data.train.labels).sum())
    facts: JsonDict = {"teacher_train_accuracy": right / len(images)}
    return replace(record, outcome=outcome, facts=facts)


def _trained(context: TrialContext) -> nn.Module:
    teacher = _context(context)
    module, stored = teacher.trainer.network(), context.recipe.teacher.stored
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
