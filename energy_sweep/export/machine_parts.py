"""Joules of any work by part of the machine: processors, GPUs, memory."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from functools import cached_property

from energy_sweep.front.pools import clean_marks
from energy_sweep.front.prices import Prices, Usage
from energy_sweep.record import StageRecord

# The part that domains are of, as they begin; a whole module is counted as its GPU.
PARTS = {"cpu": "cpu", "gpu": "gpu", "module": "gpu", "memory": "memory", "dram": "memory"}
Shares = Mapping[str, float]


class MachineParts:
    """Which share of the joules of each kind of work is of which part."""

    def __init__(self, stages: Mapping[str, StageRecord], prices: Prices) -> None:
        self._stages = stages
        self._prices = prices
        self._known: dict[str, Shares] = {}

    def joules(self, wanted: Usage) -> dict[str, float]:
        """The joules of a demand by part, but for domains that are of none."""
        found: defaultdict[str, list[float]] = defaultdict(list)
        for cost_key, units in wanted.items():
            if (pool := self._prices.pool(cost_key)) is None:
                continue
            for part, share in self._shares(cost_key).items():
                found[part].append(units * pool.joules_per_unit * share)
        return {part: math.fsum(joules) for part, joules in found.items()}

    @cached_property
    def _records(self) -> Mapping[str, list[StageRecord]]:
        found: defaultdict[str, list[StageRecord]] = defaultdict(list)
        for record in self._stages.values():
            if record.marks:
                found[record.cost_key].append(record)
        return found

    def _shares(self, cost_key: str) -> Shares:
        if cost_key not in self._known:
            joules: defaultdict[str, list[float]] = defaultdict(list)
            marks = clean_marks(self._records.get(cost_key, []))
            for one in (part for mark in marks for part in mark.reading.domains):
                if (part := PARTS.get(one.domain.partition(":")[0])) is not None:
                    joules[part].append(one.joules)
            total = math.fsum(mark.reading.joules for mark in marks)
            self._known[cost_key] = {
                part: math.fsum(amounts) / total for part, amounts in joules.items() if total > 0
            }
        return self._known[cost_key]
