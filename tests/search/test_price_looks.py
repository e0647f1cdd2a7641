"""Looks: what an epoch takes, read of a few steps before anything is trained."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from benchmarks.in_memory import InMemory, mark, record
from energy_sweep.record import JsonDict, Objective, StageRecord, StageUse
from energy_sweep.search import Budget, Job
from energy_sweep.search.acquisition.stage_table import StageTable
from energy_sweep.search.acquisition.unit_prices import LOOKED, unit_prices
from energy_sweep.search.candidate_set import CandidateSet
from energy_sweep.search.cost_tracker import CostTracker
from energy_sweep.search.gain_jobs import GainJobs
from energy_sweep.search.job_index import JobIndex
from energy_sweep.search.known_trials import KnownTrials
from energy_sweep.search.price_looks import MOST
from energy_sweep.study.space import Axis, Space

BATCHES, EPOCHS = (16, 32, 64, 128, 256), (5, 10)
LOOK = 0.1  # epochs


def epoch(batch: int) -> float:
    """Joules of an epoch."""
    return 100 / batch


@dataclass
class Desk:
    """A search that nobody answers, with the looks it took."""

    budget: Budget = field(default_factory=Budget)
    records: dict[str, StageRecord] = field(default_factory=dict[str, StageRecord])
    looked: list[int] = field(default_factory=list[int])
    study: InMemory = field(default_factory=InMemory)

    def outline(self, point: JsonDict) -> Job:
        batch, key = point["batch"], f"trunk {point['batch']} {point['lr']}"
        use = StageUse(stage="trunk", key=key, cost_key=f"epoch {batch}", units=point["epochs"])
        told = ((f"epoch {batch}", epoch(batch)),) if f"look {batch}" in self.records else ()
        return Job(params=point, config=point, seed=0, overrides=(), stages=(use,), foretold=told)

    def look(self, point: JsonDict) -> Job:
        batch = point["batch"]
        self.looked.append(batch)
        use = StageUse(stage="calibrate", key=f"look {batch}", cost_key="looks", units=1)
        made = record(use, mark(1.0, LOOK * epoch(batch)))
        self.records[use.key] = replace(made, facts={"plan": {}})
        return self.outline(point)

    def queue(self) -> GainJobs:
        """What asks, as a command that is typed again."""
        space = Space(
            (
                Axis(name="batch", values=BATCHES),
                Axis(name="epochs", values=EPOCHS),
                Axis(name="lr", values=(0.01, 0.1)),
            )
        )
        index = JobIndex(space, self.outline, self.outline, self.look)
        costs = CostTracker(Objective("training"), repeatability=lambda _: 0.0)
        trials = KnownTrials(self.study, lambda: self.records, index=index, costs=costs)  # type: ignore[arg-type]
        found = CandidateSet(trials, Objective("training"), seed=0)
        return GainJobs(trials, found, budget=self.budget)


def test_kinds_far_apart_are_looked_at_first_and_each_once() -> None:
    desk = Desk()
    first = next(desk.queue())
    assert desk.looked[0] == 64 and set(desk.looked[1:3]) == {16, 256}
    assert sorted(desk.looked) == sorted(set(desk.looked))
    # The cheapest training is begun with, at its least epochs.
    assert first.params["batch"] == 256 and first.params["epochs"] == min(EPOCHS)


def test_all_looks_take_no_more_than_half_a_trial_and_one_look() -> None:
    desk = Desk()
    next(desk.queue())
    before, last = desk.looked[:-1], desk.looked[-1]
    cheapest = MOST * min(EPOCHS) * min(map(epoch, before))
    assert LOOK * sum(map(epoch, before)) < cheapest
    cheapest = MOST * min(EPOCHS) * min(map(epoch, desk.looked))
    assert len(desk.looked) < len(BATCHES)
    assert LOOK * sum(map(epoch, (*before, last))) >= cheapest


@pytest.mark.parametrize("budget", [Budget(trials=1), Budget(joules=1.0)])
def test_a_small_budget_gets_few_looks(budget: Budget) -> None:
    small, large = Desk(budget=budget), Desk()
    for desk in (small, large):
        next(desk.queue(), None)
    assert 0 < len(small.looked) < len(large.looked)
    assert small.looked == large.looked[: len(small.looked)]


def test_a_search_that_was_cut_takes_no_look_again() -> None:
    calm, cut = Desk(), Desk()
    wanted = next(calm.queue()).params
    for _ in range(3):
        assert next(cut.queue()).params == wanted
    assert cut.looked == calm.looked


def test_what_was_measured_needs_no_look() -> None:
    desk = Desk()
    use = desk.outline({"batch": 16, "epochs": 5, "lr": 0.1}).stages[0]
    desk.records[use.key] = record(use, mark(5.0, 5 * epoch(16)))
    next(desk.queue())
    assert 16 not in desk.looked and desk.looked[0] == 256


def test_what_looks_say_tells_of_others_and_is_mended_by_what_was_measured() -> None:
    kinds = [f"epoch {number}" for number in range(9)]
    chains = [(StageUse(stage="trunk", key=f"t {k}", cost_key=k, units=5),) for k in kinds]
    table, features = StageTable.of(chains, {}), np.linspace(0, 1, 9)[:, None]
    truth = np.exp(1 + features[:, 0])
    told = {key: 1.2 * float(price) for key, price in zip(kinds, truth, strict=True)}
    del told["epoch 4"]
    foretold = unit_prices(table, features, lambda _: None, told.get)
    assert not foretold.any_known and foretold.foretold.sum() == 8
    assert foretold.joules == pytest.approx(1.2 * truth, rel=0.05)
    assert foretold.log_sd[0] == LOOKED and 0 < foretold.log_sd[4] < 0.5
    # Looks are a fifth too high: the more are measured, the less of that is left.
    known = {key: float(price) for key, price in zip(kinds[:4], truth[:4], strict=True)}
    mended = unit_prices(table, features, known.get, told.get)
    assert mended.joules[:4] == pytest.approx(truth[:4])
    assert mended.joules[4:] == pytest.approx(truth[4:], rel=0.06)
