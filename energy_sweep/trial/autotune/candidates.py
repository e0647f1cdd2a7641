"""Rival plans at work: each runs a scratch net for a few steps, in turn, in one window."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import torch

from energy_sweep.dataset.base import Data, Split
from energy_sweep.device import OutOfMemory
from energy_sweep.meter.base import Meter, Window
from energy_sweep.recipe import Recipe, replace
from energy_sweep.recipe.plan import DEFAULT_PLAN, Plan, candidates
from energy_sweep.record import EnergyReading, Mark
from energy_sweep.store import StageStore
from energy_sweep.training.loop import LAYOUTS as FORMATS
from energy_sweep.training.loop import OnDeviceDataset
from energy_sweep.trial.autotune.saving import LOOKS, MOST_ROUNDS, ROUNDS, saving
from energy_sweep.trial.autotune.worth import Look, StepsToCome, Worth
from energy_sweep.trial.context import TrialContext

Keep = Callable[[Mark], None]

MARK_SECONDS = (
    0.02  # the noise of a round hardly falls with its length, so many short ones tell more
)
MARK_TICKS = 5  # of the meter's counter, so that edges are small beside what they enclose
MOST_STEPS = 32  # of a round, or where the meter's ticks decide:
MOST_STEPS_OF_TICKS = 512
SECOND_STEPS = 2
BATCHES = 8  # of real images, so that no layout holds a whole data set in memory
# What takes so many times as long as plain gets one round only; bf16 has to be faster to save.
HOPELESS = 3.0
HOPELESS_BF16 = 1.25


def head(data: Data, batch: int) -> Split:
    """The first few batches of the training images; BadInput where there is not even one."""
    count = BATCHES * batch
    split = data.train.first(count)
    if len(split) < batch:
        OnDeviceDataset(split, data).steps(batch)
    return split


class Rival(NamedTuple):
    """A plan at a precision, to be tried."""

    plan: Plan
    precision: str


class Candidate:
    """A plan at a precision, with its scratch net.

    `cold` reads its first step, `second` the next `SECOND_STEPS`; `rounds` are joules per step
    after them.
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
        self.cold, self.second = self.run(1), self.run(SECOND_STEPS)

    @property
    def name(self) -> str:
        return f"{self.precision} {self.plan.name}"

    def turn(self, steps: int) -> None:
        """One round."""
        self.rounds.append(self.run(steps).joules / steps)

    def run(self, steps: int) -> EnergyReading:
        """What so many steps took."""
        left, batch = steps, self._context.recipe.batch
        while left > 0:
            self._context.trainer.steps_at_rest(self._trainee, self._resident, left)
            left -= self._resident.steps(batch)
        mark = self._window.mark(units=steps, images=steps * batch)
        self._keep(mark)
        return mark.reading


class Autotuner:
    """All plans that a recipe can run under, where trying them pays; beside fp32, bf16 as well.

    `worth` says whether it does (then `tried` is true), by a first look at plain, whose `looked`
    marks come first. `left_out` says that compiling did not pay.
    `failed` says why a plan could not be run; `marks` and `lost` are what all of it has cost, even
    where it was broken off. Each mark is handed to `keep` as soon as it is made.
    """

    def __init__(self, recipe: Recipe, *, meter: Meter, store: StageStore, keep: Keep) -> None:
        self.recipe, self._keep = recipe, keep
        self.candidates: list[Candidate] = []
        self.failed: dict[str, str] = {}
        self.worth: Worth | None = None
        self.tried, self.left_out, self.looked = False, False, 0
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

    def run(
        self, to_come: StepsToCome, *, share: float, begins: Callable[[], None] = lambda: None
    ) -> None:
        """Look at plain, then run all rivals that pay if they save `share` of what is to come.

        `begins` is called where any does. Raises Infeasible where plain cannot be run.
        """
        context = self._context(Rival(DEFAULT_PLAN, self.recipe.precision))
        context.trainer.wake()
        with context.meter.window(context.usage.work("trunk", images=self.recipe.batch)) as window:
            self._window = window
            plain = self._enter(context)
            look = self._look(plain)
            self.looked = len(window.marks)
            rivals = self._worthwhile(look, to_come, share=share)
            if rivals:
                self.tried = True
                begins()
                for rival in rivals:
                    self._attempt(rival)
                self._rounds(look.steps)

    def _context(self, rival: Rival) -> TrialContext:
        recipe = replace(self.recipe, plan=rival.plan, precision=rival.precision)
        return TrialContext(recipe, meter=self._meter, store=self._store)

    def _worthwhile(self, look: Look, to_come: StepsToCome, *, share: float) -> list[Rival]:
        """All rivals where they pay, else those that need no compiling, or none."""
        everyone = self._rivals()
        for rivals in (everyone, [one for one in everyone if not one.plan.compile]):
            plans = [rival.plan for rival in rivals]
            self.worth = look.worth(to_come, share=share, rivals=plans)
            if self.worth.pays:
                self.left_out = rivals != everyone
                return rivals
        return []

    def _rivals(self) -> list[Rival]:
        """What there is beside plain; bf16 in one layout, since it is only told of."""
        device, own = self.recipe.device.resolve(), self.recipe.precision
        found = [Rival(plan, own) for plan in candidates(device) if plan != DEFAULT_PLAN]
        if own == "fp32" and (
            device == "cpu" or torch.cuda.is_bf16_supported(including_emulation=False)
        ):
            found.append(Rival(Plan(layout="channels_last"), "bf16"))
        return found

    def _enter(self, context: TrialContext) -> Candidate:
        assert self._window is not None
        with self.recipe.device.infeasible_out_of_memory():
            candidate = Candidate(context, self._window, self._keep)
        self.candidates.append(candidate)
        return candidate

    def _attempt(self, rival: Rival) -> None:
        """Let a candidate in; one that this machine cannot run is left out, and plain stays."""
        name = f"{rival.precision} {rival.plan.name}"
        try:
            self._enter(self._context(rival))
        except OutOfMemory as error:
            self.failed[name] = str(error)
        except (RuntimeError, ImportError) as error:
            if not rival.plan.compile:
                raise
            self.failed[name] = " ".join(str(error).split())[:200]

    def _look(self, plain: Candidate) -> Look:
        """What a step of plain takes, by the meter's own clock, so that a replay repeats itself."""
        least = MARK_TICKS * self._meter.facts().tick_seconds
        steps, reading = SECOND_STEPS, plain.second
        # A reading of few ticks has waited for one of them, and tells little of the work.
        while reading.seconds < least and steps < MOST_STEPS:
            wanted = math.ceil(steps * least / max(reading.seconds, 1e-9))
            steps = min(max(2 * steps, wanted), MOST_STEPS)
            with self.recipe.device.infeasible_out_of_memory():
                reading = plain.run(steps)
        seconds = reading.seconds / steps
        enough = math.ceil(max(MARK_SECONDS, least) / max(seconds, 1e-9))
        most = MOST_STEPS if least < MARK_SECONDS else MOST_STEPS_OF_TICKS
        return Look(
            joules=reading.joules / steps,
            seconds=seconds,
            entering=plain.cold.joules + plain.second.joules,
            steps=max(1, min(most, enough)),
        )

    def _rounds(self, steps: int) -> None:
        plain, *rivals = self.candidates
        running = {rival: _as_long(rival, plain, steps) for rival in rivals}
        for number in range(MOST_ROUNDS):
            if not any(rival.precision == plain.precision for rival in running):
                return
            # Back and forth, so that what warms up or slows down favours none.
            turns = {plain: steps, **running}
            for candidate in turns if number % 2 == 0 else reversed(turns):
                with self.recipe.device.infeasible_out_of_memory():
                    candidate.turn(turns[candidate])
            running = {
                rival: least
                for rival, least in running.items()
                if not self._is_over(rival, plain, steps)
            }

    def _is_over(self, rival: Candidate, plain: Candidate, steps: int) -> bool:
        """Whether another round of a rival would tell nothing that pays for it."""
        most = HOPELESS if rival.precision == plain.precision else HOPELESS_BF16
        if rival.second.seconds > most * plain.second.seconds:
            return True
        had = len(rival.rounds)
        if rival.precision != plain.precision:
            return had >= ROUNDS
        if had not in LOOKS[:-1]:
            return had == MOST_ROUNDS
        found, more = saving(rival.rounds, plain.rounds), LOOKS[LOOKS.index(had) + 1] - had
        price = more * steps * (plain.rounds[-1] + rival.rounds[-1])
        return found.is_sure or found.most * self._joules_to_come <= price

    @property
    def _joules_to_come(self) -> float:
        worth = self.worth
        return 0.0 if worth is None else worth.steps * worth.joules_per_step


def _as_long(rival: Candidate, plain: Candidate, steps: int) -> int:
    """The steps in which a slower rival takes about as long as plain does in `steps`."""
    slower = rival.second.seconds / max(plain.second.seconds, 1e-9)
    return max(1, round(steps / max(1.0, slower)))
