"""Teachers that are wider, trained for longer, or several: what they answer, and who hears it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
import torch
from torch.nn import functional

from energy_sweep.compression import Distill, NoCompression
from energy_sweep.meter.base import Meter
from energy_sweep.model.small_cnn import SmallCNN
from energy_sweep.recipe import Recipe
from energy_sweep.recipe.plan import DEFAULT_PLAN
from energy_sweep.record import BadInput
from energy_sweep.runtime.folding import DeployableNet
from energy_sweep.store import StageStore
from energy_sweep.training.loop import restore
from energy_sweep.trial import Teacher
from energy_sweep.trial.context import TrialContext
from energy_sweep.trial.training.fit import acting_in_training, dense_state, fit
from energy_sweep.trial.training.teacher import attach_teacher, teacher_logits

MakeRecipe = Callable[..., Recipe]


@dataclass(frozen=True)
class NoWidth:
    """A net that cannot be had wider."""

    name: str = "no_width"


def test_the_mean_answer_of_all_members_is_what_a_student_is_trained_on(
    recipe: MakeRecipe, meter: Meter, store: StageStore
) -> None:
    technique = Distill(temperature=2.0, alpha=0.7)
    teacher = Teacher(width=1.5, epochs=2, members=2)
    student = recipe(
        compression=technique, level=0.75, epochs=1, teacher=teacher, plan=DEFAULT_PLAN
    )
    context = TrialContext(student, meter=meter, store=store)
    attach_teacher(context)
    teacher_logits(context)
    wider = {"model": SmallCNN(width=6, depth=2), "epochs": 2, "compression": NoCompression()}
    expected = torch.stack(
        [
            _logits(
                TrialContext(
                    recipe(**wider, seed=seed, plan=DEFAULT_PLAN), meter=meter, store=store
                )
            )
            for seed in (0, 1)
        ]
    ).mean(dim=0)
    keys = [use.key for use in context.usage.used]
    assert keys == [use.key for use in context.teaching] and len(set(keys)) == len(keys)
    index = torch.tensor([3, 700, 41])
    outputs, targets = torch.randn(3, 10), torch.tensor([1, 0, 9])
    hook = acting_in_training(context, 0.0)
    assert hook is not None
    loss = hook.loss(outputs, targets, index)
    soft, own = (part.div(2.0).softmax(dim=1) for part in (expected[index], outputs))
    divergence = (soft * (soft / own).log()).sum(dim=1).mean()
    hard = functional.cross_entropy(outputs, targets)
    assert loss is not None
    assert float(loss) == pytest.approx(float(0.7 * 4.0 * divergence + 0.3 * hard), rel=1e-4)
    fit(context)
    assert student.config()["teacher"] == {"model": None, "width": 1.5, "epochs": 2, "members": 2}


def _logits(context: TrialContext) -> torch.Tensor:
    """What a dense net answers to the training images; it was trained as a teacher already."""
    before = len(context.store.records())
    module = context.trainer.network()
    restore(module, None, dense_state(context))
    assert len(context.store.records()) == before
    asked = DeployableNet(module.eval(), context.data.mean, context.data.std)
    with torch.no_grad():
        return asked.answer(torch.tensor(context.data.train.images), torch.float32)


def test_what_says_nothing_new_of_a_teacher_makes_no_other_configuration(
    recipe: MakeRecipe,
) -> None:
    usual = recipe(compression=Distill(), level=0.75, epochs=5, teacher=Teacher())
    same = recipe(compression=Distill(), level=0.75, epochs=5, teacher=Teacher(epochs=5))
    assert usual.config() == same.config()


def test_a_net_without_a_width_is_not_made_wider(recipe: MakeRecipe) -> None:
    with pytest.raises(BadInput, match="no_width has no width"):
        Teacher(model=NoWidth(), width=2).recipes(recipe())
