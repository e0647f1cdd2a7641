"""The bench a trial works on: its recipe, data and nets, and how their epochs are trained."""

from __future__ import annotations

import functools
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from energy_sweep.compression.hooks import TrainingHook
from energy_sweep.meter.base import Meter, Work
from energy_sweep.model.count import Count, count_dense
from energy_sweep.recipe import Recipe, indexed_seed
from energy_sweep.recipe.plan import DEFAULT_PLAN
from energy_sweep.recipe.stages import chain, weights_of
from energy_sweep.record import TRAINING_STAGES, JsonDict, to_json
from energy_sweep.store import StageStore
from energy_sweep.training.distributed import DistributedTrainer
from energy_sweep.training.loop import (
    LAYOUTS,
    OnDeviceDataset,
    Trainee,
    compile_in_place,
    network,
    train_epoch,
    updates,
)
from energy_sweep.trial.data import load_data, resident_images
from energy_sweep.trial.rounds import COMPRESSING, rounds_of
from energy_sweep.trial.usage import MeteredRun


class TrialContext(MeteredRun):
    """One trial's recipe with everything its stages need; `used` grows as they are done.

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
        MeteredRun.__init__(self, recipe, meter=meter, store=store)
        self.keep = keep
        self.data = load_data(recipe.dataset)
        self.device: str = recipe.device.resolve()
        self.machine: JsonDict = recipe.device.machine()
        self.plan = recipe.plan or DEFAULT_PLAN
        self.model = recipe.net
        stages = chain(recipe, machine=self.machine, fingerprint=self.data.fingerprint)
        self.stages = {use.stage: use for use in stages if use.stage not in COMPRESSING}
        self.teaching = tuple(use for use in stages if use.stage == "teacher")
        self.weights = weights_of([use for use in stages if use.stage in TRAINING_STAGES][-1])
        self.rounds = rounds_of(recipe, stages)
        self.answers: Callable[[], Tensor] | None = None  # of the teacher, where there is one
        self.gang: DistributedTrainer | None = None
        if recipe.device.processes > 1:
            self.gang = DistributedTrainer(
                recipe, plan=self.plan, fingerprint=self.data.fingerprint
            )
        if {"memory_gib", "gpu_memory_gib"} & recipe.device.levers.keys():
            # What other trials left here would count against this one's cap.
            resident_images.cache_clear()

    @property
    def resident(self) -> OnDeviceDataset:
        return resident_images(self.recipe.dataset, self.device, self.plan.layout)

    @property
    def dense(self) -> Count:
        """The size of the dense net, and its arithmetic for one image."""
        return self.size_of(self.model)

    def size_of(self, model: Any) -> Count:
        """The size of the net of a model part, for these images and classes."""
        return count_dense(model, self.data.shape, len(self.data.classes))

    @property
    def following(self) -> str:
        """The key of the stage that takes the trained net over."""
        return (self.rounds[0].compress if self.rounds else self.stages["evaluate"]).key

    @property
    def steps(self) -> int:
        """Updates of the weights in one epoch."""
        return updates(self.resident, self.recipe.batch, self.recipe.accumulate)

    def facts(self) -> JsonDict:
        """The numbers that the joules of an epoch are divided by, for whoever prices the trial."""
        images = len(self.data.train.labels)  # not `resident`: a finished trial need not load it
        updates = images // self.recipe.batch // self.recipe.accumulate
        return {
            "train_images": images,
            "steps_per_epoch": updates * self.recipe.accumulate,
            "updates_per_epoch": updates,
            "trained_parameters": self.dense.parameters,
        }

    def network(self) -> nn.Module:
        """The dense net, freshly initialised from the seed."""
        return network(
            self.model,
            self.data,
            seed=self.recipe.seed,
            device=self.device,
            precision=self.recipe.precision,
            memory_format=LAYOUTS[self.plan.layout],
        )

    def origin(self) -> nn.Module:
        """The dense net that training starts from."""
        module, source = self.network(), self.recipe.pretrained
        if source is not None:
            source.put_into(module)
        if (during := self.recipe.in_training) is not None:
            technique, level = during
            technique.start(module, level, self.generator("start"))
        return module

    def dense_trainee(self) -> Trainee:
        """The dense net with a fresh optimizer, compiled where the plan says so.

        In place, so that its weights keep their names; other nets are too short-lived to pay.
        """
        module = self.origin()
        if self.plan.compile:
            compile_in_place(module)
        return self.trainee(module)

    def trainee(self, module: nn.Module) -> Trainee:
        """A net with a fresh optimizer, and the processes that train it running."""
        if self.gang is not None:
            self.gang.start()
        return Trainee(module, self.recipe.optimizer.build(module, self.recipe.lr))

    @contextmanager
    def training(self) -> Generator[None]:
        """Processes that are started within end with it, so that no later reading holds them."""
        try:
            yield
        finally:
            if self.gang is not None:
                self.gang.close()

    def generator(self, *parts: object) -> torch.Generator:
        """Randomness looked up by the trial's seed and `parts`."""
        return torch.Generator().manual_seed(indexed_seed(self.recipe.seed, *parts))

    def epochs(
        self,
        label: str,
        lr: Callable[[int, int], float],
        *,
        acting: Callable[[int], TrainingHook | None],
        first: int = 0,
    ) -> Callable[[Trainee, int], float]:
        """Trains one epoch of a segment by its index; `lr` maps (epoch, step) to a rate, `acting`
        an epoch to what acts in it."""

        def train_one(trainee: Trainee, epoch: int) -> float:
            with self.recipe.device.infeasible_out_of_memory():
                return self._train_epoch(
                    trainee,
                    self.resident,
                    batch=self.recipe.batch,
                    lr_at=functools.partial(lr, epoch),
                    generator=self.generator(label, first + epoch),
                    acting=acting(epoch),
                    **self._manner(),
                )

        return train_one

    def _manner(self) -> JsonDict:
        """How every epoch of this recipe is trained, whatever its rate and its net."""
        recipe = self.recipe
        return {
            "precision": recipe.precision,
            "accumulate": recipe.accumulate,
            "label_smoothing": recipe.label_smoothing,
        }

    @property
    def _train_epoch(self) -> Callable[..., float]:
        return train_epoch if self.gang is None else self.gang.train_epoch

    def warm_up(self, trainee: Trainee, cost_key: str, acting: TrainingHook | None = None) -> None:
        """Run two steps on a net that is thrown away, once per process and kind of net."""
        warm = self.store.warm if self.gang is None else self.gang.warm
        if cost_key not in warm:
            self.steps_at_rest(trainee, self.resident, 2, acting)
            warm.add(cost_key)

    def steps_at_rest(
        self,
        trainee: Trainee,
        resident: OnDeviceDataset,
        steps: int,
        acting: TrainingHook | None = None,
    ) -> None:
        """So many steps of training at the rate 0, or one epoch where that is less."""
        self._train_epoch(
            trainee,
            resident,
            batch=self.recipe.batch,
            lr_at=lambda _: 0.0,
            generator=self.generator("warm-up"),
            acting=acting,
            limit=steps,
            **self._manner(),
        )

    def epoch_work(self, stage: str) -> Work:
        return self.work(stage, images=self.steps * self.recipe.batch * self.recipe.accumulate)

    def size_facts(self) -> JsonDict:
        """What the net is before compression, and the most device memory that its first steps held.

        Those are the steps of `prepare`, whose net and batch are those of all epochs.
        """
        record = self.store.get(self.stages["prepare"].key)
        peak = None if record is None else record.facts.get("peak_device_memory_bytes")
        dense = self.size_of(self.recipe.model)
        return {"dense": to_json(dense), "peak_device_memory_bytes": peak}
