"""Buying certainty once the search is over: rounds of pools, and fresh seeds, by what they teach.

`search.certainty` buys rounds alone, `search.confirm` seeds too; each ends when every member of the
front is decided, when its share of the joules spent is used, or when nothing that could be bought
would tell.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

import numpy as np

from energy_sweep.record import BadInput, EnergySweepError, JsonDict, Objective, StageRecord
from energy_sweep.record.bounds import check_share
from energy_sweep.search import ledger
from energy_sweep.search.events import Bought, BuyingBegins, BuyingEnds, Certainty
from energy_sweep.search.next_purchase import FreshSeed, Offers, Purchase, next_purchases
from energy_sweep.search.run_order import Job
from energy_sweep.search.study_standing import StudyStanding, look
from energy_sweep.study import Identity

if TYPE_CHECKING:
    from energy_sweep.search.search_run import SearchRun

# So much of what is left is spent before prices and doubt are looked at anew.
AT_ONCE = 0.25
FREE = 1e-9  # joules, of a seed whose work a kill left finished: it is the first to be taken


class MeasureRound(Protocol):
    """Measures a round of the pool `cost_key`, which the trial of `job` uses, as the record `key`.

    An EnergySweepError says why it cannot.
    """

    def __call__(self, job: Job, cost_key: str, *, key: str, facts: JsonDict) -> StageRecord: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class CertaintyOrder:
    """What shares of the joules spent to buy certainty for, and who measures it.

    `keep` stores a record; `reseed` gives the job of a point at another seed.
    """

    certainty: float = 0.0
    confirm: float = 0.0
    measure_round: MeasureRound
    reseed: Callable[[JsonDict, int], Job]
    keep: Callable[[StageRecord], object]

    def __post_init__(self) -> None:
        check_share("search.certainty", self.certainty)
        check_share("search.confirm", self.confirm)

    def fill(self, sweep: SearchRun, objective: Objective) -> tuple[Certainty, ...]:
        """Buy what both settings ask for."""
        shares = (("certainty", self.certainty), ("confirm", self.confirm))
        buyers = (Buyer(sweep, self, objective, setting, share) for setting, share in shares)
        return tuple(buyer.buy() for buyer in buyers if buyer.share)


@dataclass(slots=True)
class Buyer:
    """Buys under one setting; `refused` are the pools that no round of can be had here."""

    sweep: SearchRun
    order: CertaintyOrder
    objective: Objective
    setting: str
    share: float
    refused: set[str] = field(default_factory=set[str])
    jobs: dict[Identity, Job] = field(default_factory=dict[Identity, Job])
    rounds: int = 0
    seeds: int = 0
    joules: float = 0.0
    at_first: float = 0.0

    def buy(self) -> Certainty:
        """Buy until it ends, and say by what."""
        self.at_first = self._by_records()
        self.sweep.tell(BuyingBegins(setting=self.setting, left_joules=self._left))
        before = now = self._look()
        while (ended := self._ended(now)) is None:
            chosen = self._chosen(now, self._left)
            if not chosen:
                as_much_again = self.sweep.trials.costs.spent_joules
                ended = "share" if self._chosen(now, as_much_again) else "learned"
                break
            for purchase in chosen:
                if self._left > 0:  # another may have taken more than was expected
                    self._take(purchase, now)
            now = self._look()
        return Certainty(
            setting=self.setting,
            ended=ended,
            rounds=self.rounds,
            seeds=self.seeds,
            joules=self.joules,
            doubt=(before.doubt, now.doubt),
            first_seeds=bool(self.seeds) and float(before.standing.seeds.max()) <= 1,
        )

    @property
    def _left(self) -> float:
        """Joules that may be spent: by the records, and by what this command has seen go."""
        return min(self._by_records(), self.at_first - self.joules)

    def _by_records(self) -> float:
        return ledger.allowed(self.sweep.trials.store_records(), self.setting, self.share)

    def _look(self) -> StudyStanding:
        return look(self.sweep.trials, self.objective)

    def _ended(self, now: StudyStanding) -> BuyingEnds | None:
        stop = self.sweep.stop()
        if stop in ("joules", "seconds", "failures"):
            return stop
        if not now.keys:
            return "empty"
        return None if now.is_open else "decided"

    def _chosen(self, now: StudyStanding, allowed: float) -> Sequence[Purchase]:
        offers = self._offers(now)
        return next_purchases(now.standing, offers, allowed=allowed, at_once=AT_ONCE * allowed)

    def _offers(self, now: StudyStanding) -> Offers:
        """What can be had here and now, under this setting."""
        records = self.sweep.trials.store_records()
        rounds, seeds = now.offers.round_joules.copy(), now.offers.seed_joules.copy()
        rounds[[key in self.refused for key in now.pools]] = np.inf
        for one in now.standing.contested if self.setting == "confirm" else ():
            job = self._next_seed(now, one)
            if job is not None:
                seeds[one] = max(FREE, now.training_joules(job, records))
        return replace(now.offers, round_joules=rounds, seed_joules=seeds)

    def _next_seed(self, now: StudyStanding, configuration: int) -> Job | None:
        """The job of the next seed of a configuration; None where it is not to be run, or failed.

        One that a killed sweep left is the next one again, and goes on with its stages.
        """
        point, key = now.points[configuration], now.keys[configuration]
        trials = self.sweep.trials
        used = {seed for config_key, seed in trials.numbers if config_key == key}
        seed = next(number for number in range(len(used) + 1) if number not in used)
        if point is None or (key, seed) in trials.tried:
            return None
        if (key, seed) not in self.jobs:
            self.jobs[key, seed] = self.order.reseed(point, seed)
        return self.jobs[key, seed]

    def _take(self, purchase: Purchase, now: StudyStanding) -> None:
        costs = self.sweep.trials.costs
        spent = costs.spent_joules
        if isinstance(purchase, FreshSeed):
            what = self._seed(now, purchase.configuration)
        else:
            there = [now.pools[pool] for pool in purchase.pools]
            what = self._rounds(now, [*there, *reversed(there)])
        costs.refresh(self.sweep.trials.store_records())
        joules = costs.spent_joules - spent
        self.joules += joules
        self.sweep.tell(Bought(what=what, joules=joules, left_joules=self._left, doubt=now.doubt))

    def _rounds(self, now: StudyStanding, pools: Sequence[str]) -> str:
        done = 0
        for pool in pools:
            if pool in self.refused or self.sweep.stop() in ("joules", "seconds"):
                continue
            key = ledger.round_key(pool, self.sweep.trials.store_records())
            facts = ledger.round_facts(self.setting)
            try:
                self.order.measure_round(now.jobs[pool], pool, key=key, facts=facts)
                self.sweep.trials.costs.refresh(self.sweep.trials.store_records())
            except BadInput:
                raise
            except EnergySweepError:
                self.refused.add(pool)
            else:
                done += 1
        self.rounds += done
        return f"{done} rounds of {len(set(pools))} costs in turn"

    def _seed(self, now: StudyStanding, configuration: int) -> str:
        job = self._next_seed(now, configuration)
        if job is None or self.sweep.stop() in ("joules", "seconds", "failures"):
            return "no seed"
        records = self.sweep.trials.store_records
        entry, before = ledger.seed_entry(job, self.setting, records()), set(records())
        self.order.keep(entry)
        number = self.sweep.trials.claim(job)
        self.sweep.measure(number, job)
        self.order.keep(ledger.with_stages(entry, set(records()) - before))
        self.seeds += 1
        return f"seed {job.seed} of trial {now.numbers[configuration]}, as trial {number}"
