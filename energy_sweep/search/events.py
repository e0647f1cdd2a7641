"""What a search tells while it runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from energy_sweep.record import EnergySweepError, JsonDict, TrialResult
from energy_sweep.search.run_order import Job, RunOrder

Stop = Literal["done", "trials", "joules", "seconds", "failures", "stagnation", "doubt", "plan"]

BuyingEnds = Literal["empty", "decided", "share", "learned", "joules", "seconds", "failures"]

UNPRICED = "its stages have no readings in the store"  # why a trial that ran has failed


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """Before the first trial: `plan` of a whole grid, or the `sampler` that asks instead.

    `measured` of `total` configurations are known; total is None where only joules or seconds
    end the sweep. `adopted` are trials that a killed sweep left, `spent_joules` all that the
    study's store has cost so far. `evaluated_again` are evaluations that did not keep which images
    were right, and are done again for that. `constraints` are those of the study, in words; so many
    `others` are at work on it.
    """

    plan: RunOrder | None
    sampler: str | None
    measured: int
    total: int | None
    adopted: tuple[int, ...]
    spent_joules: float = 0.0
    evaluated_again: int = 0
    constraints: str = ""
    others: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    number: int
    job: Job
    measured: int
    total: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """What a trial is expected to take beyond what is paid: `joules`, the 95 % `uncertainty` of
    that where a part was never measured, and what it takes from the store instead (`shared`)."""

    joules: float
    uncertainty: float
    shared: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """What a search of ours runs next; `prediction` is None before any price is known."""

    params: JsonDict
    prediction: Prediction | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Previewed:
    """What a dry run would run: the first `trials`, or `count` of a grid, which take `together`.

    A prediction is None where no price is known yet.
    """

    trials: tuple[tuple[JsonDict, Prediction | None], ...]
    together: Prediction | None
    count: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """A trial with its result (and joules, None if infeasible), or with the error it failed by.

    `contended` says that the joules rest on windows in which other programs ran. `saved_joules` is
    what all trials would have taken one by one, less `spent_joules`.
    """

    number: int
    job: Job
    result: TrialResult | None
    error: str | None
    joules: float | None
    contended: bool
    spent_joules: float
    front: int
    measured: int
    total: int | None
    saved_joules: float | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """Nothing is left to begin, but trials of these `numbers` run, here or at other workers."""

    numbers: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenOver:
    """A trial that ran here has been taken over by another worker; what was found is dropped."""

    number: int
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BuyingBegins:
    """Certainty is looked for under a setting, for so many joules at most."""

    setting: str
    left_joules: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Bought:
    """One purchase of certainty: what it was, what it took, and what its setting has left.

    `doubt` is that of the front when it was chosen.
    """

    what: str
    joules: float
    left_joules: float
    doubt: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Certainty:
    """What was bought under a setting by this command, and what ended it.

    "empty": there is no front; "decided": every member of it is; "share": what is left of the share
    buys nothing that tells; "learned": nor would as much again as the sweep took; else it is the
    budget of the search.
    `doubt` is that before and after. `first_seeds` says that no seed was repeated before, so that
    the doubt before is that of the nets that were trained, and the one after that of any seed.
    """

    setting: str
    ended: BuyingEnds
    rounds: int
    seeds: int
    joules: float
    doubt: tuple[float, float]
    first_seeds: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Trial numbers of this sweep by what became of them, points that were known, and why it ended.

    `stopped` is "done" where nothing is left in the space. `predicted` are the joules that trials
    were expected to take, each with those that it took.
    """

    new: tuple[int, ...]
    infeasible: tuple[int, ...]
    failed: tuple[int, ...]
    repeats: int
    stopped: Stop
    certainty: tuple[Certainty, ...] = ()
    predicted: tuple[tuple[float, float], ...] = ()


Progress = Planned | Previewed | Chosen | Started | Waiting | TakenOver | Finished
Event = Progress | BuyingBegins | Bought | Outcome
OnEvent = Callable[[Event], None]


def one_line(error: Exception) -> str:
    """What went wrong in one line; an error that nobody foresaw says its kind too."""
    text = " ".join(str(error).split())
    kind = "" if isinstance(error, EnergySweepError) else type(error).__name__
    return ": ".join(part for part in (kind, text) if part) or type(error).__name__
