"""Trainings that the benchmark of distillation compares, each seed with a store of its own."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from energy_sweep.compression import Distill, NoCompression
from energy_sweep.device import Device
from energy_sweep.front.prices import Prices, Usage
from energy_sweep.meter import meter_id
from energy_sweep.meter.base import Meter
from energy_sweep.model.small_cnn import SmallCNN
from energy_sweep.optimizer import SGD
from energy_sweep.recipe import Recipe
from energy_sweep.recipe.plan import Plan
from energy_sweep.record import StageUse
from energy_sweep.runtime.folding import DeployableNet
from energy_sweep.runtime.onnxruntime import OnnxRuntime
from energy_sweep.store import StageStore
from energy_sweep.training.loop import restore
from energy_sweep.trial import Teacher
from energy_sweep.trial.context import TrialContext
from energy_sweep.trial.training.fit import dense_state, fit
from energy_sweep.trial.training.teacher import attach_teacher, teacher_logits

LEVEL = 0.75  # half the width


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What one training gave: points of accuracy, joules in all, and those without a teacher's."""

    points: float
    joules: float
    own_joules: float
    epochs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """Data, and how each net learns it; `width` is that of the net whose students have half."""

    dataset: Any
    epochs: int
    batch: int
    width: int = 16
    lr: float = 0.1

    def recipe(self, seed: int, **changes: Any) -> Recipe:
        """A dense net of half the width, but for the changes."""
        settings: dict[str, Any] = {
            "dataset": self.dataset,
            "model": SmallCNN(width=self.width // 2),
            "optimizer": SGD(),
            "compression": NoCompression(),
            "runtime": OnnxRuntime(),
            "device": Device(name="cpu", threads=1),
            "batch": self.batch,
            "lr": self.lr,
            "epochs": self.epochs,
            "seed": seed,
            "plan": Plan(layout="channels_last"),
        }
        return Recipe(**(settings | changes))

    def taught(self, seed: int, technique: Distill, teacher: Teacher) -> Recipe:
        """The same net as a student."""
        return self.recipe(
            seed,
            model=SmallCNN(width=self.width),
            compression=technique,
            level=LEVEL,
            teacher=teacher,
        )


class Bench:
    """Trains the recipes of one seed: what two of them share, such as a teacher, runs once, and is
    charged to both."""

    def __init__(self, meter: Meter) -> None:
        self.meter = meter
        self._folder = tempfile.TemporaryDirectory(prefix="distillation-")
        self._store = StageStore(Path(self._folder.name), meter_id=meter_id(meter.facts()))

    def run(self, recipe: Recipe) -> Run:
        """Train with the program's own stages, and answer the validation images."""
        context = TrialContext(recipe, meter=self.meter, store=self._store)
        attach_teacher(context)
        with recipe.device.running():
            teacher_logits(context)
            fit(context)
            points = _points(context)
        used = context.usage.used
        own = [use for use in used if use.stage != "teacher"]
        return Run(
            points=points,
            joules=self._joules(used),
            own_joules=self._joules(own),
            epochs=recipe.epochs,
        )

    def _joules(self, uses: list[StageUse]) -> float:
        wanted = Usage()
        for use in uses:
            wanted[use.cost_key] = wanted.get(use.cost_key, 0.0) + use.units
        return Prices(self._store.records().values()).joules(wanted)[0]

    def close(self) -> None:
        """Forget all that was trained."""
        self._folder.cleanup()


def _points(context: TrialContext) -> float:
    """Accuracy on the validation images, times 100."""
    module, split = context.trainer.network(), context.data.validation
    restore(module, None, dense_state(context))
    asked = DeployableNet(module.eval(), context.data.mean, context.data.std).eval()
    with torch.no_grad():
        parts = torch.tensor(split.images).split(256)
        answers = torch.cat([asked.answer(part, torch.float32).argmax(dim=1) for part in parts])
    return 100 * float((answers == torch.tensor(split.labels)).float().mean())
