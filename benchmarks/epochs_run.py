"""A training from scratch that the benchmark of epochs advances an epoch at a time."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

from energy_sweep.compression.prune import Prune
from energy_sweep.dataset.digits import Digits
from energy_sweep.device import Device
from energy_sweep.front.breakdown import energy_detail
from energy_sweep.meter import meter_id
from energy_sweep.meter.base import Meter
from energy_sweep.model.small_cnn import SmallCNN
from energy_sweep.optimizer import SGD
from energy_sweep.optimizer.schedule import Constant
from energy_sweep.recipe import Recipe
from energy_sweep.recipe.plan import Plan
from energy_sweep.record import TrialResult
from energy_sweep.runtime.onnxruntime import OnnxRuntime
from energy_sweep.store import StageStore
from energy_sweep.trial.context import TrialContext
from energy_sweep.trial.training.fit import fit


class Run:
    """One training from scratch in a store of its own, an epoch at a time.

    The rate is constant, so that each call goes on from the last epoch.
    """

    def __init__(self, meter: Meter, epochs: int, precision: str = "fp32", seed: int = 0) -> None:
        self.meter, self.epochs, self.precision, self.seed = meter, epochs, precision, seed
        self.done = 0
        self._folder = tempfile.TemporaryDirectory()
        self._store = StageStore(Path(self._folder.name), meter_id=meter_id(meter.facts()))

    def advance(self, epochs: int = 1) -> None:
        """Train on, with the program's own stages."""
        self.done += epochs
        recipe = Recipe(
            dataset=Digits(),
            model=SmallCNN(),
            optimizer=SGD(schedule=Constant()),
            compression=Prune(),
            runtime=OnnxRuntime(),
            device=Device(name="cpu"),
            batch=64,
            lr=0.05,
            epochs=self.done,
            precision=self.precision,
            plan=Plan(layout="channels_last"),
            seed=self.seed,
        )
        self._context = TrialContext(recipe, meter=self.meter, store=self._store)
        with recipe.device.running():
            fit(self._context)

    def finish(self) -> dict[str, Any]:
        """What it took, as `result.json` would tell it."""
        trained = TrialResult(
            config=self._context.recipe.config(),
            seed=self.seed,
            stages=tuple(self._context.usage.used),
            n_validation=len(self._context.data.validation.labels),
            facts=self._context.facts(),
        )
        records, facts = self._store.records(), self.meter.facts()
        energy = energy_detail(trained, records=records, meter=facts)
        self._folder.cleanup()
        clean = sum(not epoch["contended"] for epoch in energy["epochs"])
        joules = energy["training"]["joules"]
        print(
            f"{self.epochs:2} epochs, {self.precision}: {joules:.3g} J, {clean} clean windows",
            file=sys.stderr,
        )
        return {
            "epochs": self.epochs,
            "joules": joules,
            "uncertainty_joules": energy["training"]["uncertainty_joules"],
            "joules_per_epoch": energy["per_epoch"]["joules"],
            "clean_windows": clean,
        }
