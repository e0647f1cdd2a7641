"""Rival plans at work: each runs a scratch net for a few steps, in turn, in one window."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch

from energy_sweep.dataset.base import Data, Split
from energy_sweep.device import OutOfMemory
from energy_sweep.meter.base import Meter, Window
from energy_sweep.recipe import Recipe, replace
from energy_sweep.recipe.plan import DEFAULT_PLAN, LAYOUTS, Plan, candidates
from energy_sweep.record import EnergyReading, Mark
from energy_sweep.store import StageStore
from energy_sweep.training.loop import LAYOUTS as FORMATS
from energy_sweep.training.loop import OnDeviceDataset
from energy_sweep.trial.context import TrialContext

Keep = Callable[[Mark], None]

# Every round runs every candidate once; the spread of the rounds is the uncertainty.
ROUNDS = 5
MARK_SECONDS = 0.05
MARK_TICKS = 5  # of the meter's counter, so that edges are small beside what they enclose
MOST_STEPS = 32
BATCHES = 8  # of real images, so that no layout holds a whole data set in memory
# What takes so many times as long as plain gets one round only.
HOPELESS = 3.0


def head(data: Data, batch: int) -> Split:
    """The first few batches of the training images; BadInput where there is not even one."""
    count = BATCHES * batch
    split = Split(data.train.images[:count], data.train.labels[:count])
    if len(split) < batch:
        OnDeviceDataset(split, data).steps(batch)
    return split


class Candidate:
    """A plan at a precision, with its scratch net.

    `cold` and `second` read its first two steps, `rounds` are joules per step after them.
    """

    def __init__(self, context: TrialContext, window: Window, keep: Keep) -> None:
        self.plan: Plan = context.plan
        self.precision: str = context.recipe.precision
        self.rounds: list[float] = []
        images = head(context.data, context.recipe.batch)
        self._context, self._window, self._keep = context, window, keep
        self._resident = OnDeviceDataset(
            images, context.data, context.device, FORMATS[self.plan.layout]
        )
        self._trainee = context.trainer.dense_trainee()
        self.cold, self.second = self._run(1), self._run(1)

    @property
    def name(self) -> str:
        return f"{self.precision} {self.plan.name}"

    def turn(self, steps: int) -> None:
        """One round."""
        self.rounds.append(self._run(steps).joules / steps)

    def _run(self, steps: int) -> EnergyReading:
        left, batch = steps, self._context.recipe.batch
        while left > 0:
            self._context.trainer.steps_at_rest(self._trainee, self._resident, left)
            left -= self._resident.steps(batch)
        mark = self._window.mark(units=steps, images=steps * batch)
        self._keep(mark)
        return mark.reading


class Autotuner:
    """All plans that a recipe can run under and, beside fp32, all layouts under bf16.

    `failed` says why a plan could not be run; `marks` and `lost` are what trying has cost, even
    where it was broken off. Each mark is handed to `keep` as soon as it is made.
    """

    def __init__(self, recipe: Recipe, *, meter: Meter, store: StageStore, keep: Keep) -> None:
        self.recipe, self._keep = recipe, keep
        self.candidates: list[Candidate] = []
        self.failed: dict[str, str] = {}
        self._meter, self._store = meter, store
        self._window: Window | None = None

    @property
    def marks(self) -> tuple[Mark, ...]:
        return () if self._window is None else self._window.marks

    @property
    def lost(self) -> tuple[Mark, ...]:
        """What was spent on a step that could not be finished."""
        rest = None if self._window is None else self._window.rest
        return () if rest is None else (Mark(units=1.0, reading=rest),)

    def run(self) -> None:
        """Run every candidate; raises Infeasible where plain cannot be run."""
        context = self._context(DEFAULT_PLAN, self.recipe.precision)
        with context.meter.window(context.usage.work("trunk", images=self.recipe.batch)) as window:
            self._window = window
            plain = self._enter(context)
            for candidate in self._others(context.device):
                self._attempt(candidate)
            self._rounds(self._steps(plain))

    def _context(self, plan: Plan, precision: str) -> TrialContext:
        recipe = replace(self.recipe, plan=plan, precision=precision)
        return TrialContext(recipe, meter=self._meter, store=self._store)

    def _others(self, device: str) -> list[TrialContext]:
        own = self.recipe.precision
        others = [self._context(plan, own) for plan in candidates(device) if plan != DEFAULT_PLAN]
        if own == "fp32" and (
            device == "cpu" or torch.cuda.is_bf16_supported(including_emulation=False)
        ):
            others += [self._context(Plan(layout=layout), "bf16") for layout in LAYOUTS]
        return others

    def _enter(self, context: TrialContext) -> Candidate:
        assert self._window is not None
        with self.recipe.device.infeasible_out_of_memory():
            candidate = Candidate(context, self._window, self._keep)
        self.candidates.append(candidate)
        return candidate

    def _attempt(self, context: TrialContext) -> None:
        """Let a candidate in; one that this machine cannot run is left out, and plain stays."""
        name = f"{context.recipe.precision} {context.plan.name}"
        try:
            self._enter(context)
        except OutOfMemory as error:
            self.failed[name] = str(error)
        except (RuntimeError, ImportError) as error:
            if not context.plan.compile:
                raise
            self.failed[name] = " ".join(str(error).split())[:200]

    def _steps(self, plain: Candidate) -> int:
        """Steps of one round, by the meter's own clock, so that a replay repeats itself."""
        seconds = max(MARK_SECONDS, MARK_TICKS * self._meter.facts().tick_seconds)
        return max(1, min(MOST_STEPS, math.ceil(seconds / max(plain.second.seconds, 1e-9))))

    def _rounds(self, steps: int) -> None:
        running, most = list(self.candidates), HOPELESS * self.candidates[0].second.seconds
        for number in range(ROUNDS):
            # Back and forth, so that what warms up or slows down favours none.
            for candidate in running if number % 2 == 0 else reversed(running):
                with self.recipe.device.infeasible_out_of_memory():
                    candidate.turn(steps)
            running = [candidate for candidate in running if candidate.second.seconds <= most]
