"""Makes the nets of a recipe and trains them, epoch by epoch, in one process or in several."""

from __future__ import annotations

import functools
from collections.abc import Callable, Generator
from contextlib import contextmanager

import torch
from torch import nn

from energy_sweep.compression.hooks import TrainingHook
from energy_sweep.dataset.base import Data
from energy_sweep.recipe import Recipe, indexed_seed
from energy_sweep.recipe.plan import Plan
from energy_sweep.record import JsonDict
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
from energy_sweep.trial.data import resident_images


class EpochTrainer:
    """Trains the nets of a recipe under a plan; `warm` names the costs whose code has run once."""

    def __init__(
        self, recipe: Recipe, *, plan: Plan, data: Data, device: str, warm: set[str]
    ) -> None:
        self.recipe, self.plan, self.data, self.device = recipe, plan, data, device
        self.gang: DistributedTrainer | None = None
        if recipe.device.processes > 1:
            self.gang = DistributedTrainer(recipe, plan=plan, fingerprint=data.fingerprint)
        self._warm = warm if self.gang is None else self.gang.warm

    @property
    def resident(self) -> OnDeviceDataset:
        return resident_images(self.recipe.dataset, self.device, self.plan.layout)

    @property
    def steps(self) -> int:
        """Updates of the weights in one epoch."""
        return updates(self.resident, self.recipe.batch, self.recipe.accumulate)

    def network(self) -> nn.Module:
        """The dense net, freshly initialised from the seed."""
        return network(
            self.recipe.net,
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

    def wake(self) -> None:
        """Import what training imports on first use, which belongs to no configuration."""
        self.trainee(self.network()).optimizer.step()

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

    def is_warm(self, cost_key: str) -> bool:
        """Whether this process has run steps of such a net."""
        return cost_key in self._warm

    def warm_up(self, trainee: Trainee, cost_key: str, acting: TrainingHook | None = None) -> None:
        """Run two steps on a net that is thrown away, once per process and kind of net."""
        if cost_key not in self._warm:
            self.steps_at_rest(trainee, self.resident, 2, acting)
            self._warm.add(cost_key)

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
