"""What a trial works in: its recipe, data and stages, with who trains its nets and who counts."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from torch import Tensor

from energy_sweep.meter.base import Meter, Work
from energy_sweep.model.count import Count, count_dense
from energy_sweep.recipe import Recipe
from energy_sweep.recipe.plan import DEFAULT_PLAN
from energy_sweep.recipe.stages import chain, weights_of
from energy_sweep.record import TRAINING_STAGES, JsonDict, to_json
from energy_sweep.store import StageStore
from energy_sweep.trial.data import load_data, resident_images, sizes_of
from energy_sweep.trial.rounds import COMPRESSING, rounds_of
from energy_sweep.trial.trainer import EpochTrainer
from energy_sweep.trial.usage import TrialUsage
from energy_sweep.trial.wait import patient


class TrialContext:
    """One trial's recipe with everything its stages need; `usage` grows as they are done.

    The recipe's plan is resolved; `keep` are the trunk epochs whose states other trials will want.
    """

    def __init__(
        self,
        recipe: Recipe,
        *,
        meter: Meter,
        store: StageStore,
        keep: frozenset[int] = frozenset(),
    ):
        self.recipe, self.store, self.keep = recipe, store, keep
        self.meter = patient(meter, store, below=recipe.device.wait_below)
        self.data = load_data(recipe.dataset)
        self.device: str = recipe.device.resolve()
        self.machine: JsonDict = recipe.device.machine()
        self.plan = recipe.plan or DEFAULT_PLAN
        self.model = recipe.net
        stages = chain(
            recipe,
            machine=self.machine,
            fingerprint=self.data.fingerprint,
            sizes=sizes_of(self.data),
        )
        self.stages = {use.stage: use for use in stages if use.stage not in COMPRESSING}
        self.teaching = tuple(use for use in stages if use.stage == "teacher")
        self.weights = weights_of([use for use in stages if use.stage in TRAINING_STAGES][-1])
        self.rounds = rounds_of(recipe, stages)
        self.answers: Callable[[], Tensor] | None = None  # of the teacher, where there is one
        self.trainer = EpochTrainer(
            recipe, plan=self.plan, data=self.data, device=self.device, warm=store.warm
        )
        size = functools.partial(count_dense, self.model, self.data.shape, self.data.outputs)
        self.usage = TrialUsage(recipe.device, meter=self.meter, store=store, size=size)
        if {"memory_gib", "gpu_memory_gib"} & recipe.device.levers.keys():
            # What other trials left here would count against this one's cap.
            resident_images.cache_clear()

    @property
    def dense(self) -> Count:
        """The size of the dense net, and its arithmetic for one image."""
        return self.size_of(self.model)

    def size_of(self, model: Any) -> Count:
        """The size of the net of a model part, for these images and classes."""
        return count_dense(model, self.data.shape, self.data.outputs)

    @property
    def following(self) -> str:
        """The key of the stage that takes the trained net over."""
        return (self.rounds[0].compress if self.rounds else self.stages["evaluate"]).key

    def facts(self) -> JsonDict:
        """The numbers that the joules of an epoch are divided by, for whoever prices the trial."""
        images = len(self.data.train.labels)  # none resident: a finished trial need not load them
        updates = images // self.recipe.batch // self.recipe.accumulate
        return {
            "train_images": images,
            "steps_per_epoch": updates * self.recipe.accumulate,
            "updates_per_epoch": updates,
            "trained_parameters": self.dense.parameters,
        }

    def epoch_work(self, stage: str) -> Work:
        """What one epoch of training is to a meter."""
        images = self.trainer.steps * self.recipe.batch * self.recipe.accumulate
        return self.usage.work(stage, images=images)

    def size_facts(self) -> JsonDict:
        """What the net is before compression, and the most device memory that its first steps held.

        Those are the steps of `prepare`, whose net and batch are those of all epochs.
        """
        record = self.store.get(self.stages["prepare"].key)
        peak = None if record is None else record.facts.get("peak_device_memory_bytes")
        dense = self.size_of(self.recipe.model)
        return {"dense": to_json(dense), "peak_device_memory_bytes": peak}
