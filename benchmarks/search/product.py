"""Ours: the product's own search of a world, which learns accuracies and prices as it pays them.

Each trial has its stages under names of what decides them, as the product names them, and the
store has what was run of each. No joule is known before: an epoch costs what training it took, and
an image what the windows of its graph took, which the trial pays as the product takes them: five
when the graph is new, two when it is used again for the 2nd, 4th, 8th, ... time.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from benchmarks.in_memory import InMemory, mark, record
from benchmarks.search.runs import Run
from benchmarks.search.worlds import COOLDOWN, EVALUATE, RECOVER, World
from energy_sweep.record import JsonDict, Mark, Objective, StageRecord, StageUse
from energy_sweep.search import Budget, Job
from energy_sweep.search.acquisition.giving_up import given_up, membership
from energy_sweep.search.acquisition.graph_windows import USUAL_WINDOWS
from energy_sweep.search.acquisition.policy import rank
from energy_sweep.search.candidate_set import CandidateSet
from energy_sweep.search.cost_tracker import CostTracker
from energy_sweep.search.gain_jobs import GainJobs
from energy_sweep.search.job_index import JobIndex
from energy_sweep.search.known_trials import KnownTrials

FREE = ("lr", "epochs", "compression.level")  # axes that leave an epoch's joules as they are
TRAINED = ("batch", "optimizer", *FREE)  # axes that leave a graph as it is, but for the level
LEVEL = "compression.level"
# A look at a net: its price in steps, and how far off it is, as a logarithm. On `digits`, whose
# epoch has 7 to 28 steps, looks took those of 4.6 and 5.3, and were 12 and 26 % too high.
LOOK_STEPS, LOOK_BIAS, LOOK_NOISE = 5.0, 0.15, 0.1


@dataclass(slots=True)
class SearchedWorld:
    """A world with what a search has found and paid in it."""

    run: Run
    records: dict[str, StageRecord] = field(default_factory=dict[str, StageRecord])
    study: InMemory = field(default_factory=InMemory)
    _uses: Counter[str] = field(default_factory=Counter[str])
    _looked: dict[str, float] = field(default_factory=dict[str, float])

    def describe(self, point: JsonDict) -> Job:
        """The job of a point, with the stages that it needs."""
        world = self.run.world
        row = world.index[tuple(point.values())]
        stages = tuple(use for use, _ in _stages(world, row))
        trunk = next(use.cost_key for use in stages if use.stage == "trunk")
        told = ((trunk, self._looked[trunk]),) if trunk in self._looked else ()
        return Job(params=point, config=point, seed=0, overrides=(), stages=stages, foretold=told)

    def look(self, point: JsonDict) -> Job:
        """The same once a few steps are paid, that tell about what an epoch takes."""
        world = self.run.world
        stages = _stages(world, world.index[tuple(point.values())])
        epoch, joules = next((use.cost_key, each) for use, each in stages if use.stage == "trunk")
        rng = np.random.default_rng([self.run.seed, len(self._looked), 4])
        self._looked[epoch] = joules * math.exp(rng.normal(LOOK_BIAS, LOOK_NOISE))
        taken = LOOK_STEPS * point["batch"] / world.images * joules
        paid = mark(1.0, taken, started=self._now())
        self._keep(_use("calibrate", f"look {epoch}", f"look {epoch}", 1.0), paid)
        self.records[f"look {epoch}"].facts["plan"] = "plain"
        self.run.spent += taken
        return self.describe(point)

    def measure(self, job: Job) -> int:
        """Pay what a job takes, and keep what it tells; gives the number of the trial."""
        run, row = self.run, self.run.world.index[tuple(job.params.values())]
        for use, joules in _stages(run.world, row):
            known = self.records.get(use.key)
            if use.stage == "infer":
                self._windows(use, row)
            elif known is None or known.units < use.units:
                there = () if known is None else known.marks
                done = 0.0 if known is None else known.units
                left = use.units - done
                self._keep(use, *there, mark(left, left * joules, started=self._now()))
        run.measure(row)
        return self.study.answer(job, int(run.correct[row]))

    def _windows(self, use: StageUse, row: int) -> None:
        """Windows of a graph, as the product takes them."""
        world, uses = self.run.world, self._uses[use.key]
        self._uses[use.key] += 1
        kind = uses if uses < 2 else 2 if not (uses + 1) & uses else 3
        joules = float(world.window[row]) * USUAL_WINDOWS[kind] / USUAL_WINDOWS[0]
        if joules:
            self.run.spent += joules
            known = self.records.get(use.key)
            there = () if known is None else known.marks
            units = joules / float(world.inference[row])
            self._keep(use, *there, mark(units, joules, started=self._now()))

    def _keep(self, use: StageUse, *marks: Mark) -> None:
        self.records[use.key] = record(use, *marks)

    def _now(self) -> float:
        return float(len(self.study.trials)) + 1.0


def _stages(world: World, row: int) -> list[tuple[StageUse, float]]:
    """What a configuration runs, each with the joules of a unit."""
    point, joules = world.points[row], float(world.epoch_joules[row])
    trunk, epochs = f"trunk {world.trunk[row]}", float(point["epochs"])
    epoch = _named("epoch", point, FREE)
    if not world.inference[row]:
        return [(_use("trunk", trunk, epoch, epochs), joules)]
    level, cooled = point[LEVEL], f"{trunk} @{point['epochs']}"
    graph, net = f"{_named('graph', point, TRAINED)} {level}", f"{cooled} {level}"
    found = [
        (_use("trunk", trunk, epoch, (1 - COOLDOWN) * epochs), joules),
        (_use("cooldown", cooled, epoch, COOLDOWN * epochs), joules),
    ]
    if level:
        found.append((_use("recover", f"{net} again", f"{epoch} {level}", RECOVER), joules))
    evaluate = _use("evaluate", f"{net} right", f"evaluate {epoch} {level}", 1.0)
    infer = _use("infer", graph, graph, 1.0)
    return [*found, (evaluate, EVALUATE * joules), (infer, float(world.inference[row]))]


def _use(stage: str, key: str, cost_key: str, units: float) -> StageUse:
    return StageUse(stage=stage, key=key, cost_key=cost_key, units=units)


def _named(what: str, point: Any, without: tuple[str, ...]) -> str:
    return f"{what} {[value for name, value in point.items() if name not in without]}"


def ours(run: Run) -> Iterator[None]:
    """Expected growth of the front per joule that is not paid, until all that is left is given up.

    The product goes on with what it has given up, if asked for more; here that ends a run, so that
    what is lost by it can be counted.
    """
    world = SearchedWorld(run)
    objective = (
        Objective("lifetime", images=1) if run.world.inference.any() else Objective("training")
    )
    index = JobIndex(run.world.space, world.describe, look=world.look)
    costs = CostTracker(objective, repeatability=lambda _: 0.0)
    trials = KnownTrials(world.study, lambda: world.records, index=index, costs=costs)  # type: ignore[arg-type]
    candidates = CandidateSet(trials, objective, seed=run.seed)
    queue = GainJobs(trials, candidates, budget=Budget())
    while (job := _next(run, queue, candidates)) is not None:
        trials.tried.add(job.identity)
        number = world.measure(job)
        result = world.study.trial(number).result
        assert result is not None
        trials.price(number, result)
        trials.keep(number, result)
        yield


def _next(run: Run, queue: GainJobs, candidates: CandidateSet) -> Job | None:
    """What the product asks for, and a note of what it gives up."""
    queue._looks.take()
    weighed = candidates.look()
    start = queue._start(weighed)
    if start is not None:
        return next((weighed.jobs[row] for row in start if weighed.is_open[row]), None)
    ranking = rank(weighed.candidates)
    rows = np.array([run.world.index[tuple(job.params.values())] for job in weighed.jobs])
    run.given_up[rows] |= given_up(membership(ranking, weighed.candidates), weighed.trunks)
    chosen = ranking.best(weighed.is_open & ~run.given_up[rows])
    return None if chosen is None else weighed.jobs[chosen]
