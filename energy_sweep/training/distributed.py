"""Processes that train one net together, each on its part of every batch.

This process keeps the meter, the store and all stages. It sends the others one epoch at a time
and puts the state that comes back into its own net, so that saving, resuming and branching
work as if it had trained itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from energy_sweep.model.state import tensors_of
from energy_sweep.recipe import Recipe
from energy_sweep.recipe.plan import Plan
from energy_sweep.record import BadInput, EnergySweepError, JsonDict, to_json
from energy_sweep.training.connection import Message
from energy_sweep.training.loop import OnDeviceDataset, Trainee, TrainingHook, restore, updates
from energy_sweep.training.parts import describe
from energy_sweep.training.worker_pool import WorkerPool

GENERATOR = "generator"


class DistributedTrainer:
    """The processes of one trial, started when they are first needed, ended by `close`.

    `warm` names the costs whose code they have run; `pids` and `cpu_seconds` are by rank.
    """

    def __init__(self, recipe: Recipe, *, plan: Plan, fingerprint: str) -> None:
        self.recipe, self.plan, self.fingerprint = recipe, plan, fingerprint
        self.warm: set[str] = set()
        self.cpu_seconds: dict[int, float] = {}
        self._pool: WorkerPool | None = None
        self._sent: tuple[Trainee, list[int]] | None = None

    @property
    def pids(self) -> dict[int, int]:
        return {} if self._pool is None else self._pool.pids

    def start(self) -> None:
        """Start the processes and let them read the data, where they do not run yet."""
        if self._pool is not None:
            return
        recipe = self.recipe
        setup: JsonDict = {
            part: describe(getattr(recipe, part))
            for part in ("dataset", "model", "optimizer", "device")
        }
        setup |= {"lr": recipe.lr, "precision": recipe.precision, "plan": to_json(self.plan)}
        self._pool = WorkerPool(recipe.device.processes, threads=recipe.device.threads)
        for answer in self._ask(Message(setup)):
            if answer.plain["fingerprint"] != self.fingerprint:
                self.close()
                raise EnergySweepError(
                    f"dataset={recipe.dataset.name}: its files changed while it was in use:"
                    " type the same command again"
                )

    def close(self) -> None:
        """End the processes; the next epoch starts them anew."""
        pool, self._pool, self._sent = self._pool, None, None
        self.warm.clear()
        if pool is not None:
            pool.close()

    def train_epoch(
        self,
        trainee: Trainee,
        resident: OnDeviceDataset,
        *,
        batch: int,
        lr_at: Callable[[int], float],
        generator: torch.Generator,
        acting: TrainingHook | None = None,
        limit: int | None = None,
        **dials: Any,
    ) -> float:
        """What `loop.train_epoch` does, by all processes; `dials` are plain, and handed on."""
        if acting is not None:
            raise BadInput(
                "device.processes: this compression acts during training, which it can do in one"
                " process only: type device.processes=1"
            )
        self.start()
        whole = updates(resident, batch, dials.get("accumulate", 1))
        steps = whole if limit is None else min(limit, whole)
        job: JsonDict = {
            "batch": batch,
            "lr": [lr_at(step) for step in range(steps)],
            "limit": limit,
            "dials": dials,
        }
        tensors = {GENERATOR: generator.get_state()}
        if not self._has_copy(trainee):
            tensors |= tensors_of(trainee)
        answers = self._ask(Message(job, tensors))
        for rank, answer in enumerate(answers):
            self.cpu_seconds[rank] = answer.plain["cpu_seconds"]
        restore(trainee.module, trainee.optimizer, answers[0].tensors)
        self._sent = trainee, _versions(trainee)
        return float(answers[0].plain["loss"])

    def _has_copy(self, trainee: Trainee) -> bool:
        """Whether the processes hold this net, and it was not changed here since."""
        if self._sent is None or self._sent[0] is not trainee:
            return False
        return self._sent[1] == _versions(trainee)

    def _ask(self, message: Message) -> list[Message]:
        assert self._pool is not None
        try:
            return self._pool.ask(message)
        except BaseException:
            # Some may have done the work and others not, so their nets may differ now.
            self.close()
            raise


def _versions(trainee: Trainee) -> list[int]:
    """Counts of what was ever written into weights and norms."""
    return [value._version for value in trainee.module.state_dict().values()]
