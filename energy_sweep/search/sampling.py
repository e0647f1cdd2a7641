"""Which points of a space a sampler would try next."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence

from energy_sweep.search.job_index import JobIndex
from energy_sweep.search.known_trials import KnownTrials
from energy_sweep.search.run_order import Job
from energy_sweep.study import Answer, Identity
from energy_sweep.study.sampler_names import BREEDING, IN_ORDER
from energy_sweep.study.suggest import in_order, suggest

# A sampler that keeps asking for what is known gives way to chance, and then to the whole grid.
SAMPLER_ATTEMPTS = 10
RANDOM_ATTEMPTS = 10


def sampled_jobs(
    trials: KnownTrials,
    sampler: str,
    *,
    seed: int,
    settings: Mapping[str, object] | None = None,
) -> Iterator[Job]:
    """What is run before anything is asked for, then what the sampler asks for, given what is known
    by then."""
    yield from trials.first()
    if sampler in IN_ORDER:
        yield from _in_order(trials, sampler, seed=seed, settings=settings)
        return
    while True:
        job = propose(
            trials.index,
            trials.answers(),
            learned=trials.learned,
            avoid=trials.taken,
            sampler=sampler,
            seed=seed,
            number=trials.study.next_number,
            settings=settings,
        )
        if job is None:
            return
        yield job


def _in_order(
    trials: KnownTrials, sampler: str, *, seed: int, settings: Mapping[str, object] | None
) -> Iterator[Job]:
    """What is not known of the points of a sequence, and then of the rest of a finite space."""
    for point in in_order(sampler, trials.index.space, seed=seed, settings=settings):
        job = trials.index.job(point)
        if job.identity not in trials.taken:
            yield job
    while job := trials.index.untried(trials.taken, seed=seed):
        yield job


def propose(
    index: JobIndex,
    answers: Mapping[Identity, Answer],
    *,
    learned: Sequence[Answer] = (),
    avoid: Container[Identity],
    sampler: str,
    seed: int,
    number: int,
    settings: Mapping[str, object] | None = None,
) -> Job | None:
    """The job to run as trial `number`; None where the space has no other left.

    A configuration that was answered is answered again for nothing, and the sampler asked anew.
    """
    told = [*learned, *answers.values()]
    for attempt in range(SAMPLER_ATTEMPTS + RANDOM_ATTEMPTS):
        asked = sampler if attempt < SAMPLER_ATTEMPTS else "random"
        own = settings if asked == sampler else None
        point = suggest(
            told,
            index.space,
            sampler=asked,
            seed=seed,
            number=number,
            attempt=attempt,
            settings=own,
        )
        job = index.job(point)
        if job.identity not in avoid:
            return job
        if asked not in BREEDING:  # which a generation of repeats would end
            known = answers.get(job.identity, Answer(point))
            told.append(known._replace(params=point))
    return index.untried(avoid, seed=seed)
