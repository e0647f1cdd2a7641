"""The points that a search of ours weighs, with what is known of each: joules, price, answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from energy_sweep.front.prices import charged
from energy_sweep.record import JsonDict, Objective
from energy_sweep.search.acquisition.candidates import alike
from energy_sweep.search.acquisition.encoding import columns_of, encode
from energy_sweep.search.acquisition.graph_windows import graph_windows
from energy_sweep.search.acquisition.learned import LearnedMean
from energy_sweep.search.acquisition.marginal import marginal_units
from energy_sweep.search.acquisition.policy import Candidates
from energy_sweep.search.acquisition.stage_table import Floats, Numbers, StageTable
from energy_sweep.search.acquisition.unit_prices import UnitPrices, unit_prices
from energy_sweep.search.acquisition.usual import usual_logits
from energy_sweep.search.candidate_points import CandidatePoints
from energy_sweep.search.events import Prediction
from energy_sweep.search.foreseen_limits import kept_limits
from energy_sweep.search.known_trials import KnownTrials
from energy_sweep.search.run_order import EPOCH_STAGES, Job
from energy_sweep.study import Identity

Truths = NDArray[np.bool_]

TWO_SIDED = 1.96  # standard deviations of a 95 % interval
LEAST_PRICE = 1e-6  # of the usual one, for what the store holds altogether


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Weighed:
    """N candidates by what is known: `jobs`, `candidates`, their `price` with its 95 %
    `uncertainty`, and what they take from the store (`shared`), in joules [N]; `trunks` numbers
    those that branch off one training [N].

    `is_open` are those that can be run now [N]. Prices say nothing unless they are `priced`, but
    for joules of all `training` and their 95 % uncertainty [N], None where nothing tells of them.
    """

    jobs: tuple[Job, ...]
    candidates: Candidates
    price: Floats
    uncertainty: Floats
    shared: Floats
    trunks: Numbers
    is_open: Truths
    priced: bool
    training: tuple[Floats, Floats] | None

    def prediction(self, row: int) -> Prediction | None:
        """What a candidate is expected to take, where any price is known."""
        if not self.priced:
            return None
        return Prediction(
            joules=float(self.price[row]),
            uncertainty=float(self.uncertainty[row]),
            shared=float(self.shared[row]),
        )


@dataclass(frozen=True, slots=True, eq=False)
class StageJoules:
    """Joules that each stage of a table [U] takes beyond what the store holds, their standard
    deviation, and what it takes where the store holds nothing."""

    joules: Floats
    sd: Floats
    alone: Floats


class CandidateSet:
    """Weighs the points of a space by what a study knows."""

    def __init__(self, trials: KnownTrials, objective: Objective, *, seed: int) -> None:
        self._trials, self._objective = trials, objective
        self.points = CandidatePoints(trials, seed=seed)
        self._learned = LearnedMean(trials.learned, self.points.surface)

    def look(self, *also: JsonDict) -> Weighed:
        """All candidates by what is known now; those that are asked for `also` come first."""
        known = self.points.known()
        found = self.points.found(known, also)
        jobs = self.points.jobs(found)
        features = encode(list(found.values()), self.points.surface)
        table = StageTable.of([job.stages for job in jobs], self.points.true_keys(known))
        charge = self._prices(table, features, self._trials.costs.joules_per_unit)
        run = self._prices(table, features, self._trials.costs.joules_per_run)
        stages = self._stage_joules(table, run, known)
        price, alone = table.sums(stages.joules), table.sums(stages.alone)
        charged, least = _charged(table, charge, self._objective)
        results = {number: self.points.result(number) for number in known}
        kept = kept_limits(self._trials, results, found, table, features)
        candidates = self._candidates(found, features, (charged, least), price, kept)
        return Weighed(
            jobs=jobs,
            candidates=candidates,
            price=price,
            uncertainty=TWO_SIDED * np.sqrt(table.sums(stages.sd**2)),
            shared=np.maximum(alone - price, 0.0),
            trunks=_trunks(table),
            is_open=self._open(found, candidates),
            priced=run.any_known,
            training=_training(table, run),
        )

    def stage_joules(self, point: JsonDict) -> dict[str, float]:
        """What a point is expected to take beyond what the store holds, by stage."""
        known = self.points.known()
        found = self.points.found(known, [point])
        jobs = self.points.jobs(found)
        features = encode(list(found.values()), self.points.surface)
        table = StageTable.of([job.stages for job in jobs], self.points.true_keys(known))
        run = self._prices(table, features, self._trials.costs.joules_per_run)
        joules = self._stage_joules(table, run, known).joules
        taken = dict.fromkeys((stage for stage, _ in table.places), 0.0)
        for use in np.flatnonzero(table.row == 0):
            taken[table.places[table.place[use]][0]] += float(joules[use])
        return taken

    def price_together(self, jobs: Sequence[Job]) -> Prediction | None:
        """What jobs of the space take when each stage runs once; None where no price is known."""
        known = self.points.known()
        table = StageTable.of([job.stages for job in jobs], self.points.true_keys(known))
        features = encode([job.params for job in jobs], self.points.surface)
        prices = self._prices(table, features, self._trials.costs.joules_per_run)
        if not prices.any_known:
            return None
        stages = self._stage_joules(table, prices, known, in_turn=True)
        longest = np.zeros(len(table.works))
        np.maximum.at(longest, table.work, stages.joules)
        once = np.bincount(table.work, minlength=len(table.works))
        each = longest[table.work] / once[table.work]
        each = np.where(table.of_stages(("infer",)), stages.joules, each)
        joules, alone = float(each.sum()), float(stages.alone.sum())
        of_cost = np.bincount(table.cost, weights=each * prices.log_sd[table.cost])
        return Prediction(
            joules=joules,
            uncertainty=TWO_SIDED * float(np.linalg.norm(of_cost)),
            shared=max(0.0, alone - joules),
        )

    def _prices(
        self, table: StageTable, features: Floats, known: Callable[[str], float | None]
    ) -> UnitPrices:
        """Prices of a table by what is `known`, and what looks foretold."""
        return unit_prices(table, features, known, self._trials.index.foretold.get)

    def _stage_joules(
        self, table: StageTable, prices: UnitPrices, known: Iterable[int], *, in_turn: bool = False
    ) -> StageJoules:
        """What each stage of a table takes beyond what the store holds."""
        units = marginal_units(table, self._trials.store_records())
        each = prices.joules[table.cost]
        found = StageJoules(
            units * each, units * each * prices.log_sd[table.cost], table.units * each
        )
        results = [self.points.result(number) for number in known]
        windows = graph_windows(results, self._trials.store_records())
        used = Counter[str]()
        for use in np.flatnonzero(table.of_stages(("infer",))).tolist():
            graph = table.works[int(table.work[use])]
            taken, first = windows.next_use(graph, used[graph]), windows.next_use("")
            if taken is not None and first is not None:
                found.joules[use], found.sd[use], found.alone[use] = *taken, first[0]
            used[graph] += in_turn
        return found

    def _candidates(
        self,
        found: Mapping[Identity, JsonDict],
        features: Floats,
        charged: tuple[Floats, Floats],
        price: Floats,
        kept: Floats | None,
    ) -> Candidates:
        """As the policy weighs them; what was measured costs what it was found to cost."""
        numbers, costs = self._trials.numbers, self._trials.costs
        (joules, least), rows = (one.copy() for one in charged), list[int]()
        correct, images, infeasible = list[int](), list[int](), list[int]()
        for row, identity in enumerate(found):
            if (number := numbers.get(identity)) is None:
                continue
            result, paid = self.points.result(number), costs.joules(number)
            if result.infeasible is not None:
                infeasible.append(row)
            if result.correct is not None and paid is not None:
                joules[row] = least[row] = paid
                rows.append(row)
                correct.append(result.correct)
                images.append(result.n_validation)
        points, learned = list(found.values()), self._learned.of(features)
        usual = float(np.median(price[price > 0])) if (price > 0).any() else 1.0
        return Candidates(
            features=features,
            joules=joules,
            least_joules=least,
            price=np.maximum(price, LEAST_PRICE * usual),
            measured=np.array(rows, dtype=np.intp),
            correct=np.array(correct, dtype=np.float64),
            images=np.array(images, dtype=np.float64),
            infeasible=np.array(infeasible, dtype=np.intp),
            expected=usual_logits(points, self.points.surface) if learned is None else learned,
            least_accuracy=costs.constraints.min_accuracy,
            most_joules=costs.constraints.max_joules,
            kept=kept,
        )

    def _open(self, found: Mapping[Identity, JsonDict], candidates: Candidates) -> Truths:
        """What was not begun yet, and is not all but the same as what was measured."""
        avoid = self._trials.taken
        new = np.array([identity not in avoid for identity in found], dtype=np.bool_)
        points, surface = list(found.values()), self.points.surface
        named = [axis.name for axis in surface.axes if not axis.finite]
        intervals = [one for name in named for one in columns_of(name, points, surface)]
        other = new & ~alike(candidates.features, candidates.measured, intervals)
        return other if other.any() else new


def _charged(table: StageTable, prices: UnitPrices, objective: Objective) -> tuple[Floats, Floats]:
    """Joules of each candidate by the objective, and those it may cost at the least [N]."""
    times = np.array([charged(stage, objective) for stage, _ in table.places])
    each = table.units * times[table.place] * prices.joules[table.cost]
    at_least = each * np.exp(-TWO_SIDED * prices.log_sd[table.cost])
    return table.sums(each), table.sums(at_least)


def _training(table: StageTable, prices: UnitPrices) -> tuple[Floats, Floats] | None:
    """Joules of all epochs of each candidate and their 95 % uncertainty, as far as any is known."""
    uses = table.of_stages(EPOCH_STAGES)
    costs = np.unique(table.cost[uses])
    if not (prices.measured | prices.foretold)[costs].any():
        return None
    joules = np.where(uses, table.units * prices.joules[table.cost], 0.0)
    sd = table.sums((joules * prices.log_sd[table.cost]) ** 2)
    return table.sums(joules), TWO_SIDED * np.sqrt(sd)


def _trunks(table: StageTable) -> Numbers:
    """A number for the training that each candidate branches off; its own where that is none."""
    found = len(table.works) + np.arange(table.count, dtype=np.intp)
    is_trunk = table.of_stages(("trunk",))
    found[table.row[is_trunk]] = table.work[is_trunk]
    return np.unique(found, return_inverse=True)[1].astype(np.intp)
