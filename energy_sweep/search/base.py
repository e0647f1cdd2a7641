"""Decide how a space is searched: whole, in the order of its stages, or by a sampler."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from energy_sweep.front.constraints import Constraints
from energy_sweep.record import BadInput, Objective, StageRecord
from energy_sweep.search.adopt import next_orphan
from energy_sweep.search.budget import Budget
from energy_sweep.search.candidate_set import CandidateSet
from energy_sweep.search.certainty import CertaintyOrder
from energy_sweep.search.cost_tracker import CostTracker
from energy_sweep.search.crew import drain
from energy_sweep.search.events import Event, OnEvent, Outcome
from energy_sweep.search.gain_jobs import GainJobs
from energy_sweep.search.job_index import Describe, JobIndex
from energy_sweep.search.known_trials import KnownTrials
from energy_sweep.search.mend import mend
from energy_sweep.search.preview import preview_asked, preview_whole
from energy_sweep.search.prior_knowledge import start_points
from energy_sweep.search.run_order import Job
from energy_sweep.search.sampling import sampled_jobs
from energy_sweep.search.search_run import Run, SearchRun
from energy_sweep.study import SAMPLERS, Answer, Study, check_space
from energy_sweep.study.space import Space

WHOLE_GRID = 1000
MOST_DESCRIBED = 100_000  # points of a grid that is run whole because the budget is as large
DEFAULT_TRIALS = 100


def search_study(
    study: Study,
    store_records: Callable[[], Mapping[str, StageRecord]],
    space: Space,
    *,
    describe: Describe,
    outline: Describe | None = None,
    look: Describe | None = None,
    run: Run,
    budget: Budget,
    objective: Objective,
    sampler: str = "auto",
    sampler_settings: Mapping[str, object] | None = None,
    seed: int = 0,
    constraints: Constraints | None = None,
    start: Sequence[Any] = (),
    learned: Sequence[Answer] = (),
    order: CertaintyOrder | None = None,
    dry: bool = False,
    slots: int = 1,
    tell: OnEvent | None = None,
) -> Outcome:
    """Measure what `space` and `budget` ask for and the study lacks.

    `describe` resolves a point without running it (`outline` without trying a plan for its net,
    `look` after a few steps of it, which tell what an epoch takes), `run` measures it under a trial
    number. A finite grid that no budget cuts runs whole in the order of its shared stages; else a
    candidate is taken by expected gain per joule, or by a `sampler` with `sampler_settings`. What
    `run` raises makes a failed trial, tried again by the next sweep; BadInput ends this one.
    `constraints` are from now on the study's, None leaves its own. `start` are points to begin
    with, `learned` what another study says, `order` how much certainty to buy in the end.
    """
    _check_sampler(sampler, space)
    index = JobIndex(space, (outline or describe) if dry else describe, outline, look)
    jobs = list(map(index.outline, space.grid())) if _enumerable(space, budget) else None
    costs = _costs(study, objective, constraints)
    known = KnownTrials(study, store_records, index=index, costs=costs)
    known.start, known.learned = start_points(start, space), tuple(learned)
    sweep = _search_run(known, run, budget, tell)
    sweep.slots, sweep.buy = slots, order and functools.partial(order.fill, objective=objective)
    prices = CandidateSet(sweep.trials, objective, seed=seed)
    if jobs is not None and sampler == "auto" and _fits(jobs, budget):
        found = list(map(index.job, space.grid()))
        return preview_whole(sweep, prices, found) if dry else sweep.whole(found)
    queue: Iterator[Job] = GainJobs(sweep.trials, prices, budget=budget)
    if sampler != "auto":
        queue = sampled_jobs(sweep.trials, sampler, seed=seed, settings=sampler_settings)
    sweep.total, wanted = _totals(budget, sampler, space, jobs)
    ask = functools.partial(preview_asked, sweep, prices) if dry else sweep.asked
    return ask(queue, sampler, total=wanted)


def _search_run(known: KnownTrials, run: Run, budget: Budget, tell: OnEvent | None) -> SearchRun:
    """A command at work; who joins others leaves it to them to mend what was damaged."""
    first = () if known.study.is_joined else (mend,)
    return SearchRun(
        trials=known,
        run=run,
        budget=budget,
        tell=tell or _ignore,
        adopt=next_orphan,
        drain=drain,
        first=first,
    )


def _costs(study: Study, objective: Objective, constraints: Constraints | None) -> CostTracker:
    kept = Constraints.of(study.constraints) if constraints is None else constraints
    return CostTracker(objective, repeatability=study.meter.repeatability_of, constraints=kept)


def _check_sampler(sampler: str, space: Space) -> None:
    if sampler not in ("auto", *SAMPLERS):
        raise BadInput(f"search.sampler={sampler}: type search.sampler=auto|{'|'.join(SAMPLERS)}")
    check_space(sampler, space)


def _totals(
    budget: Budget, sampler: str, space: Space, jobs: Sequence[Job] | None
) -> tuple[int | None, int | None]:
    """How many configurations there are where all are wanted, and after how many to stop."""
    wanted = _wanted(budget, sampler)
    there_are = None if jobs is None else _configurations(jobs)
    if wanted is not None and there_are is not None and there_are <= wanted:
        return there_are, None  # seeds of one are no reason to stop
    if sampler == "grid" and wanted is None:
        return space.size, None
    return None, wanted


def _enumerable(space: Space, budget: Budget) -> bool:
    most = min(max(WHOLE_GRID, budget.trials or 0), MOST_DESCRIBED)
    return space.size is not None and space.size <= most


def _fits(jobs: Sequence[Job], budget: Budget) -> bool:
    """Whether no budget may cut the grid, so that going depth-first leaves nothing out."""
    if budget.joules is not None or budget.seconds is not None or budget.until is not None:
        return False
    return budget.trials is None or _configurations(jobs) <= budget.trials


def _configurations(jobs: Sequence[Job]) -> int:
    return len({job.identity[0] for job in jobs})


def _wanted(budget: Budget, sampler: str) -> int | None:
    """How many configurations are measured one by one; None where something else ends it."""
    limits = (budget.joules, budget.seconds, budget.until)
    limited = limits != (None, None, None) or sampler == "grid"
    return budget.trials or (None if limited else DEFAULT_TRIALS)


def _ignore(event: Event) -> None:
    del event
