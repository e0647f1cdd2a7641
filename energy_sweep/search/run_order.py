"""The order in which to run a grid so that stages are shared, and what that saves."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from energy_sweep.record import JsonDict, StageRecord, StageUse, digest
from energy_sweep.study import Identity

# The stages whose units are epochs.
EPOCH_STAGES = ("trunk", "cooldown", "teacher", "recover")

Foretold = tuple[tuple[str, float], ...]  # joules of a unit, by the key of a cost


@dataclass(frozen=True, kw_only=True)
class Job:
    """One trial to run: the point typed, what it resolves to, and the stages that it needs.

    `dials` are all its dials by their typed names, None where nobody knows those names. `foretold`
    says of pools what a unit of them takes, where that was read of less than one.
    """

    params: JsonDict
    config: JsonDict
    seed: int
    overrides: tuple[str, ...]
    stages: tuple[StageUse, ...]
    dials: JsonDict | None = None
    foretold: Foretold = ()

    @cached_property
    def identity(self) -> Identity:
        """The configuration, by its digest, and the seed."""
        return digest(self.config), self.seed


class Assignment(NamedTuple):
    """A trial that this process has claimed, and is to run."""

    number: int
    job: Job


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOrder:
    """Jobs in the order to run; `repeats` are measured already, `duplicates` were typed twice.

    `alone_epochs` is what the jobs would train one by one, `shared_epochs` what is left to train
    when each stage runs once and what the store has is used.
    """

    jobs: tuple[Job, ...]
    repeats: int
    duplicates: int
    alone_epochs: float
    shared_epochs: float


def run_order(
    jobs: Iterable[Job],
    stages_in_store: Mapping[str, StageRecord],
    *,
    measured: Collection[Identity] = (),
) -> RunOrder:
    """Order the jobs not yet measured: depth-first over shared stages, in turn over costs.

    All jobs, measured ones too, decide the order: what is left of a killed sweep runs in the
    order of the whole one.
    """
    jobs = list(jobs)
    distinct: dict[Identity, Job] = {}
    for job in jobs:
        distinct.setdefault(job.identity, job)
    order = _in_turn(_depth_first(distinct), distinct)
    new = [identity for identity in order if identity not in measured]
    chosen = tuple(distinct[identity] for identity in new)
    return RunOrder(
        jobs=chosen,
        repeats=len(distinct) - len(chosen),
        duplicates=len(jobs) - len(distinct),
        alone_epochs=math.fsum(use.units for use in _training(chosen)),
        shared_epochs=_shared_epochs(chosen, stages_in_store),
    )


def _depth_first(jobs: Mapping[Identity, Job]) -> list[Identity]:
    """Jobs that share a stage one after the other, those that need less of it first."""
    rank: dict[str, int] = {}
    for job in jobs.values():
        for use in job.stages:
            rank.setdefault(use.key, len(rank))
    path = {
        identity: [(rank[use.key], use.units) for use in job.stages]
        for identity, job in jobs.items()
    }
    return sorted(jobs, key=path.__getitem__)


def _in_turn(order: Sequence[Identity], jobs: Mapping[Identity, Job]) -> list[Identity]:
    """The same order within jobs whose epochs cost the same, and those groups evenly mixed.

    What changes on a machine over minutes then meets all costs alike, so that their ratios do not
    hang on when each was measured. Jobs that share a trunk cost the same, so sharing stays.
    """
    groups: defaultdict[str, list[Identity]] = defaultdict(list)
    for identity in order:
        groups[next((use.cost_key for use in _training([jobs[identity]])), "")].append(identity)
    place = {
        identity: (index + 0.5) / len(group)
        for group in groups.values()
        for index, identity in enumerate(group)
    }
    return sorted(order, key=place.__getitem__)


def _training(jobs: Iterable[Job]) -> list[StageUse]:
    return [use for job in jobs for use in job.stages if use.stage in EPOCH_STAGES]


def _shared_epochs(jobs: Iterable[Job], stages_in_store: Mapping[str, StageRecord]) -> float:
    longest: defaultdict[str, float] = defaultdict(float)
    for use in _training(jobs):
        longest[use.key] = max(longest[use.key], use.units)
    done = {key: stages_in_store[key].units for key in longest.keys() & stages_in_store.keys()}
    return math.fsum(max(0.0, units - done.get(key, 0.0)) for key, units in longest.items())
