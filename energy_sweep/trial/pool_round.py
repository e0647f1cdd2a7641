"""One more reading of work that a trial did: an epoch of its net, a window of its graph.

The code is that of the trial, on a scratch net at the rate 0 or on the file of the graph: nobody's
weights change, and the marks join the pool of the work by its cost key.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import replace

from energy_sweep.compression.hooks import TrainingHook
from energy_sweep.meter.base import Meter
from energy_sweep.meter.turn import device_turn
from energy_sweep.recipe import Recipe
from energy_sweep.record import EnergySweepError, JsonDict, Mark, StageRecord
from energy_sweep.record.own_files import is_sound
from energy_sweep.store import StageStore
from energy_sweep.training.loop import Trainee
from energy_sweep.trial.compression.compress import acting_in, compressed_file, compressed_network
from energy_sweep.trial.context import TrialContext
from energy_sweep.trial.deployment.deployed import ExportedModel
from energy_sweep.trial.deployment.evaluation import inference_benchmark
from energy_sweep.trial.training.fit import acting_in_training

STAGE = "calibrate"
DENSE_STAGES = ("trunk", "cooldown")

Reading = Callable[[], tuple[Mark, ...]]


class NoRound(EnergySweepError):
    """The work of a pool cannot be done again by itself: what it takes is not in the store."""


class PoolRounds:
    """Measures rounds of pools; scratch nets are kept from one to the next."""

    def __init__(self) -> None:
        self._readings: dict[str, Reading] = {}

    def measure(
        self,
        recipe: Recipe,
        cost_key: str,
        *,
        key: str,
        facts: JsonDict,
        meter: Meter,
        store: StageStore,
    ) -> StageRecord:
        """A round of the pool `cost_key`, which a trial of the recipe uses, as the record `key`.

        NoRound where it cannot be done. The recipe's plan is resolved. One that another process
        has measured meanwhile is that.
        """
        with (
            device_turn(meter),
            store.alone(key, STAGE) as known,
            recipe.device.running(),
            recipe.device.infeasible_out_of_memory(),
        ):
            if known is not None:
                return known
            if cost_key not in self._readings:
                context = TrialContext(recipe, meter=meter, store=store)
                self._readings[cost_key] = self._reading(context, cost_key)
            marks = self._readings[cost_key]()
            record = StageRecord(stage=STAGE, key=key, cost_key=cost_key, marks=marks, facts=facts)
            return store.put(record)

    @staticmethod
    def _reading(context: TrialContext, cost_key: str) -> Reading:
        known = context.store.get(cost_key)
        if known is not None and known.stage == "infer":
            return _of_graph(context, cost_key)
        if any(context.stages[s].cost_key == cost_key for s in DENSE_STAGES if s in context.stages):
            return _of_dense_net(context)
        for index, one in enumerate(context.rounds):
            if one.recover is not None and one.recover.cost_key == cost_key:
                return _of_compressed_net(context, index)
        raise NoRound(f"nothing that a round could be of costs {cost_key[:12]}")


def _of_dense_net(context: TrialContext) -> Reading:
    _check_alone(context)
    trainee = context.trainer.dense_trainee()
    return _of_epochs(context, trainee, acting_in_training(context, 0.5), "trunk")


def _of_compressed_net(context: TrialContext, index: int) -> Reading:
    _check_alone(context)
    if not compressed_file(context, index).is_file():
        raise NoRound("the compressed net is not in the store any more")
    trainee = context.trainer.trainee(compressed_network(context, index))
    return _of_epochs(context, trainee, acting_in(context, index, 0.5), "recover")


def _check_alone(context: TrialContext) -> None:
    if context.teaching or context.recipe.device.processes > 1:
        raise NoRound("an epoch of this net takes a teacher's answers, or other processes")


def _of_epochs(
    context: TrialContext, trainee: Trainee, acting: TrainingHook | None, stage: str
) -> Reading:
    """Whole epochs of a scratch net; its first steps are those of a process, and not metered."""
    trainer, work = context.trainer, context.epoch_work(stage)
    epoch = functools.partial(trainer.steps_at_rest, trainee, trainer.resident)
    epoch(2, acting)

    def read() -> tuple[Mark, ...]:
        with context.meter.window(work) as window:
            epoch(trainer.steps, acting)
            window.mark(units=1, images=work.images)
        return window.marks

    return read


def _of_graph(context: TrialContext, cost_key: str) -> Reading:
    stand = inference_benchmark(ExportedModel(context), cost_key)
    if not is_sound(stand.first):
        raise NoRound("the file of this graph is not in the store any more")
    # A stand of its own for each round, since it is patient with other programs only so long.
    return lambda: replace(stand, contended=[]).window(stand.first)
