"""The points that a search of ours weighs, with what is known of each: joules, price, answers."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from energy_sweep.front.domination import pareto
from energy_sweep.front.prices import charged
from energy_sweep.recipe.dials import SEED
from energy_sweep.record import JsonDict, Objective, TrialResult
from energy_sweep.search.acquisition.candidates import is_small, neighbours, sample
from energy_sweep.search.acquisition.encoding import columns_of, encode
from energy_sweep.search.acquisition.marginal import marginal_units
from energy_sweep.search.acquisition.policy import Candidates
from energy_sweep.search.acquisition.stage_table import Floats, Numbers, StageTable, true_keys
from energy_sweep.search.acquisition.start import EPOCHS, start
from energy_sweep.search.acquisition.unit_prices import UnitPrices, unit_prices
from energy_sweep.search.events import Prediction
from energy_sweep.search.known_trials import KnownTrials
from energy_sweep.search.run_order import Job
from energy_sweep.study import Identity
from energy_sweep.study.space import Space

Truths = NDArray[np.bool_]

TWO_SIDED = 1.96  # standard deviations of a 95 % interval
LEAST_PRICE = 1e-6  # of the usual one, for what the store holds altogether


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Weighed:
    """N candidates by what is known: `jobs`, `candidates`, their `price` with its 95 %
    `uncertainty`, and what they take from the store (`shared`), in joules [N]; `trunks` numbers
    those that branch off one training [N].

    `is_open` are those that can be run now [N]. Prices say nothing unless they are `priced`.
    """

    jobs: tuple[Job, ...]
    candidates: Candidates
    price: Floats
    uncertainty: Floats
    shared: Floats
    trunks: Numbers
    is_open: Truths
    priced: bool

    def prediction(self, row: int) -> Prediction | None:
        """What a candidate is expected to take, where any price is known."""
        if not self.priced:
            return None
        return Prediction(
            joules=float(self.price[row]),
            uncertainty=float(self.uncertainty[row]),
            shared=float(self.shared[row]),
        )


class CandidateSet:
    """Weighs the points of a space by what a study knows.

    All points of a small space, else a sample and what lies next to the front: a pure function of
    space, seed and answers, so that a resumed search weighs the same.
    """

    def __init__(self, trials: KnownTrials, objective: Objective, *, seed: int) -> None:
        self._trials, self._objective, self._seed = trials, objective, seed
        self._space = trials.index.space
        self._kept = Space(axis for axis in self._space.axes if axis.name != SEED)
        self._true: dict[int, tuple[Job, dict[str, str]]] = {}

    @functools.cached_property
    def base(self) -> tuple[JsonDict, ...]:
        """The points that are weighed whatever was measured."""
        points = (
            self._space.grid() if is_small(self._space) else sample(self._space, seed=self._seed)
        )
        found: dict[Identity, JsonDict] = {}
        for point in points:
            found.setdefault(self._trials.index.outline(point).identity, point)
        return tuple(found.values())

    @functools.cached_property
    def start(self) -> list[int]:
        """Which of those to measure first, in order."""
        return list(start(self.base, self._kept, self._seed))

    def look(self, *also: JsonDict) -> Weighed:
        """All candidates by what is known now; those that are asked for `also` come first."""
        known = self._known()
        index, points = self._trials.index, dict[Identity, JsonDict]()
        for point in (*also, *self.base, *known.values(), *self._near_front(known)):
            points.setdefault(index.outline(point).identity, point)
        jobs = tuple(map(index.outline, points.values()))
        features = encode(list(points.values()), self._kept)
        table = StageTable.of([job.stages for job in jobs], self._true_keys(known))
        costs = self._trials.costs
        charge = unit_prices(table, features, costs.joules_per_unit)
        run = unit_prices(table, features, costs.joules_per_run)
        price, uncertainty, alone = self._marginal(table, run)
        return Weighed(
            jobs=jobs,
            candidates=self._candidates(points, features, self._charged(table, charge), price),
            price=price,
            uncertainty=uncertainty,
            shared=np.maximum(alone - price, 0.0),
            trunks=_trunks(table),
            is_open=self._open(jobs),
            priced=run.any_known,
        )

    def price_together(self, jobs: Sequence[Job]) -> Prediction | None:
        """What jobs of the space take when each stage runs once; None where no price is known."""
        table = StageTable.of([job.stages for job in jobs], self._true_keys(self._known()))
        features = encode([job.params for job in jobs], self._kept)
        prices = unit_prices(table, features, self._trials.costs.joules_per_run)
        if not prices.any_known:
            return None
        left = marginal_units(table, self._trials.store_records())
        units, cost = np.zeros(len(table.works)), np.zeros(len(table.works), dtype=np.intp)
        np.maximum.at(units, table.work, left)
        cost[table.work] = table.cost
        each = np.bincount(cost, weights=units, minlength=len(table.costs)) * prices.joules
        alone = float((table.units * prices.joules[table.cost]).sum())
        return Prediction(
            joules=float(each.sum()),
            uncertainty=TWO_SIDED * float(np.linalg.norm(each * prices.log_sd)),
            shared=alone - float(each.sum()),
        )

    def _known(self) -> dict[int, JsonDict]:
        """The points of this space that were measured, by trial number."""
        numbers = sorted(self._trials.numbers.values())
        found = ((number, self._trials.point(number)) for number in numbers)
        return {number: point for number, point in found if point is not None}

    def _result(self, number: int) -> TrialResult:
        result = self._trials.study.trial(number).result
        assert result is not None
        return result

    def _true_keys(self, known: dict[int, JsonDict]) -> dict[str, str]:
        """What provisional keys turned out to be, by all trials of this space."""
        keys: dict[str, str] = {}
        for number, point in known.items():
            outline = self._trials.index.outline(point)
            if number not in self._true or self._true[number][0] is not outline:
                result = self._result(number)
                self._true[number] = (outline, true_keys(outline.stages, result.stages))
            keys |= self._true[number][1]
        return keys

    def _near_front(self, known: dict[int, JsonDict]) -> list[JsonDict]:
        """What lies next to the members of the front, where not all points are weighed."""
        if is_small(self._space):
            return []
        priced: list[tuple[float, float, int]] = []
        for number in known:
            accuracy, joules = self._result(number).accuracy, self._trials.costs.joules(number)
            if accuracy is not None and joules is not None:
                priced.append((accuracy, joules, number))
        front = pareto([(accuracy, joules) for accuracy, joules, _ in priced])
        return neighbours([known[priced[one][2]] for one in front], self._space)

    def _charged(self, table: StageTable, prices: UnitPrices) -> Floats:
        """Joules of each candidate by the objective [N]."""
        times = np.array([charged(stage, self._objective) for stage, _ in table.places])
        return table.sums(table.units * times[table.place] * prices.joules[table.cost])

    def _marginal(self, table: StageTable, prices: UnitPrices) -> tuple[Floats, Floats, Floats]:
        """Of each candidate [N] what it would take, that one's uncertainty, and all it needs."""
        each = prices.joules[table.cost]
        taken = marginal_units(table, self._trials.store_records()) * each
        spread = np.sqrt(table.sums((taken * prices.log_sd[table.cost]) ** 2))
        return table.sums(taken), TWO_SIDED * spread, table.sums(table.units * each)

    def _candidates(
        self, found: Mapping[Identity, JsonDict], features: Floats, joules: Floats, price: Floats
    ) -> Candidates:
        """As the policy weighs them; what was measured costs what it was found to cost."""
        numbers, costs = self._trials.numbers, self._trials.costs
        joules, rows = joules.copy(), list[int]()
        correct, images = list[int](), list[int]()
        for row, identity in enumerate(found):
            if (number := numbers.get(identity)) is None:
                continue
            result, paid = self._result(number), costs.joules(number)
            if result.correct is not None and paid is not None:
                joules[row] = paid
                rows.append(row)
                correct.append(result.correct)
                images.append(result.n_validation)
        usual = float(np.median(price[price > 0])) if (price > 0).any() else 1.0
        return Candidates(
            features=features,
            joules=joules,
            price=np.maximum(price, LEAST_PRICE * usual),
            measured=np.array(rows, dtype=np.intp),
            correct=np.array(correct, dtype=np.float64),
            images=np.array(images, dtype=np.float64),
            rising=columns_of(EPOCHS, list(found.values()), self._kept),
        )

    def _open(self, jobs: Sequence[Job]) -> Truths:
        avoid = self._trials.numbers.keys() | self._trials.tried
        return np.array([job.identity not in avoid for job in jobs], dtype=np.bool_)


def _trunks(table: StageTable) -> Numbers:
    """A number for the training that each candidate branches off; its own where that is none."""
    found = len(table.works) + np.arange(table.count, dtype=np.intp)
    is_trunk = table.of_stages(("trunk",))
    found[table.row[is_trunk]] = table.work[is_trunk]
    return np.unique(found, return_inverse=True)[1].astype(np.intp)
