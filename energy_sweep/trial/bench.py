"""The bench a trial works on: its recipe, data, meter and store, and the stages used so far."""

from __future__ import annotations

import functools
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import torch
from torch import nn

from energy_sweep.chain import chain
from energy_sweep.device import OutOfMemory
from energy_sweep.execution import PLAIN
from energy_sweep.meter.base import Meter, Work
from energy_sweep.model.count import Count, count_dense
from energy_sweep.parallel import Gang
from energy_sweep.recipe import Recipe, indexed_seed
from energy_sweep.record import Mark, Plain, StageRecord, StageUse, digest, to_plain
from energy_sweep.stage import StageStore
from energy_sweep.train import (
    LAYOUTS,
    Resident,
    Trainee,
    compile_in_place,
    network,
    train_epoch,
    updates,
)
from energy_sweep.trial.loaded import load_data, resident_images
from energy_sweep.trial.wait import patient


class Bench:
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
        self.recipe, self.store, self.keep = recipe, store, keep
        self.meter = patient(meter, store, below=recipe.device.wait_below)
        self.data = load_data(recipe.dataset)
        self.device: str = recipe.device.resolve()
        self.machine: Plain = recipe.device.machine()
        self.plan = recipe.plan or PLAIN
        stages = chain(recipe, machine=self.machine, fingerprint=self.data.fingerprint)
        self.stages = {use.stage: use for use in stages}
        self.used: list[StageUse] = []
        self.gang: Gang | None = None
        if recipe.device.processes > 1:
            self.gang = Gang(recipe, plan=self.plan, fingerprint=self.data.fingerprint)
        if {"memory_gib", "gpu_memory_gib"} & recipe.device.levers.keys():
            # What other trials left here would count against this one's cap.
            resident_images.cache_clear()

    @property
    def resident(self) -> Resident:
        return resident_images(self.recipe.dataset, self.device, self.plan.layout)

    @property
    def dense(self) -> Count:
        """The size of the dense net, and its arithmetic for one image."""
        return count_dense(self.recipe.model, self.data.shape, len(self.data.classes))

    @property
    def steps(self) -> int:
        """Updates of the weights in one epoch."""
        return updates(self.resident, self.recipe.batch, self.recipe.accumulate)

    def facts(self) -> Plain:
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
            self.recipe.model,
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
        self, label: str, lr: Callable[[int, int], float], *, first: int = 0
    ) -> Callable[[Trainee, int], float]:
        """Trains one epoch of a segment by its index; `lr` maps (epoch, step) to a rate."""

        def train_one(trainee: Trainee, epoch: int) -> float:
            with self.recipe.device.infeasible_out_of_memory():
                return self._train_epoch(
                    trainee,
                    self.resident,
                    batch=self.recipe.batch,
                    lr_at=functools.partial(lr, epoch),
                    generator=self.generator(label, first + epoch),
                    **self._manner(),
                )

        return train_one

    def _manner(self) -> Plain:
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

    def warm_up(self, trainee: Trainee, cost_key: str) -> None:
        """Run two steps on a net that is thrown away, once per process and kind of net."""
        warm = self.store.warm if self.gang is None else self.gang.warm
        if cost_key in warm:
            return
        warm = self.store.warm if self.gang is None else self.gang.warm
        if cost_key in warm:
            return
        self.steps_at_rest(trainee, self.resident, 2)
        warm.add(cost_key)

    def steps_at_rest(self, trainee: Trainee, resident: Resident, steps: int) -> None:
        """So many steps of training at the rate 0, or one epoch where that is less."""
        self._train_epoch(
            trainee,
            resident,
            batch=self.recipe.batch,
            lr_at=lambda _: 0.0,
            generator=self.generator("warm-up"),
            limit=steps,
            **self._manner(),
        )

    def work(self, stage: str, *, images: int) -> Work:
        """What a window is about to do, for meters that compute joules from it."""
        return Work(stage=stage, images=images, parameters=self.dense.parameters, label=stage)

    def epoch_work(self, stage: str) -> Work:
        return self.work(stage, images=self.steps * self.recipe.batch * self.recipe.accumulate)

    def metered(self, use: StageUse, task: Callable[[], Any], *, images: int) -> StageRecord:
        """Do single-shot work inside a window of its own; OutOfMemory keeps what it cost."""
        peak = self.recipe.device.watch_memory()
        with self.meter.window(self.work(use.stage, images=images)) as window:
            try:
                with self.recipe.device.infeasible_out_of_memory():
                    task()
            except OutOfMemory as reason:
                self._keep_tried(use, window.mark(units=1, images=images), str(reason))
                raise
            mark: Mark = window.mark(units=1, images=images)
        facts: Plain = {"peak_device_memory_bytes": peak()}
        return StageRecord(
            stage=use.stage, key=use.key, cost_key=use.cost_key, marks=(mark,), facts=facts
        )

    def _keep_tried(self, use: StageUse, mark: Mark, reason: str) -> None:
        """Charge this trial with work that memory ran out in, in a pool that no other shares."""
        key = digest([use.key, "out of memory"])
        known = self.store.get(key)
        tried = StageRecord(
            stage=use.stage,
            key=key,
            cost_key=key,
            marks=(*(known.marks if known else ()), mark),
            facts={"infeasible": reason},
        )
        self.store.put(tried)
        self.used.append(replace(use, key=key, cost_key=key))

    def done(self, stage: str, *, units: float | None = None) -> None:
        """Count a stage as used by this trial, in full or only `units` of it."""
        use = self.stages[stage]
        record = self.store.get(use.key)
        # What is stored may have been pooled under a former version's name.
        pool = use.cost_key if record is None else record.cost_key
        self.used.append(replace(use, cost_key=pool, units=use.units if units is None else units))

    def size_facts(self) -> Plain:
        """What the dense net is, and the most device memory that its first steps held.

        Those are the steps of `prepare`, whose net and batch are those of all epochs.
        """
        record = self.store.get(self.stages["prepare"].key)
        peak = None if record is None else record.facts.get("peak_device_memory_bytes")
        return {"dense": to_plain(self.dense), "peak_device_memory_bytes": peak}

    def peak_memory_bytes(self) -> int | None:
        """The largest resident size at the edges of this trial's windows, where it was seen."""
        records = [self.store.get(use.key) for use in self.used]
        marks = [mark for record in records if record is not None for mark in record.marks]
        peaks = [mark.reading.peak_memory_bytes for mark in marks]
        return max((peak for peak in peaks if peak is not None), default=None)
