"""How long one image alone takes, run after run: the middle of the runs, and the slow end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from energy_sweep.record.serialize import digest, from_json

FACT = "latency"  # where records keep it


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """Half of so many `runs`, and 19 of 20, took at most so many seconds each.

    `contended` says whether other programs ran meanwhile, None where the meter cannot see that.
    """

    p50_seconds: float
    p95_seconds: float
    runs: int
    contended: bool | None = None


def latency_key(graph: str) -> str:
    """The record of the runs, one by one, of the graph whose pool of single images is `graph`."""
    return digest(["latency", graph])


def latency_in(facts: Mapping[str, Any]) -> Latency | None:
    """The latency in the facts of a record; None where it holds none."""
    return from_json(Latency, facts[FACT]) if FACT in facts else None
