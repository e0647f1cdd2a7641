"""What a search would do, and what that would take, without doing any of it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from energy_sweep.search.candidate_set import CandidateSet
from energy_sweep.search.events import Outcome, Previewed
from energy_sweep.search.gain_jobs import GainJobs
from energy_sweep.search.run_order import Job
from energy_sweep.search.search_run import SearchRun

SHOWN = 5  # candidates that are told, of those that would be next


def preview_whole(sweep: SearchRun, prices: CandidateSet, jobs: Sequence[Job]) -> Outcome:
    """The grid that would run, and the price of it."""
    planned = sweep.plan(jobs)
    price = prices.price_together(planned.jobs) if planned.jobs else None
    return _ended(sweep, Previewed(trials=(), together=price, count=len(planned.jobs)))


def preview_asked(
    sweep: SearchRun,
    prices: CandidateSet,
    queue: Iterator[Job],
    sampler: str,
    *,
    total: int | None,
) -> Outcome:
    """What would be asked first, by all that is known now."""
    sweep.begin(sampler, total=total)
    stop = sweep.stop()
    if stop is not None:
        trials = []
    elif isinstance(queue, GainJobs):
        trials = queue.preview(SHOWN)
    else:
        first = list(itertools.islice(queue, 1))
        trials = [(job, prices.look(job.params).prediction(0)) for job in first]
    told = tuple((job.params, prediction) for job, prediction in trials)
    return _ended(sweep, Previewed(trials=told, together=None, count=None))


def _ended(sweep: SearchRun, previewed: Previewed) -> Outcome:
    sweep.tell(previewed)
    repeats = len(sweep.trials.answers())
    outcome = sweep.tally.outcome(repeats=repeats, stopped="plan", certainty=())
    sweep.tell(outcome)
    return outcome
