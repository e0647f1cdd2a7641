"""The tests and intervals of effects in simulated worlds, with a fixed seed."""

from __future__ import annotations

from typing import Any

from benchmarks.effects import simulated


def test_tests_and_intervals_hold_what_they_say() -> None:
    found: dict[str, Any] = simulated(1000)
    for n, share in {**found["aa_rejected"], **found["aa_rejected_unpaired"]}.items():
        assert share <= 0.08, n
    assert found["planted_found"] >= 0.85
    # Three pairs and a known common part cover a little more than they say, never less.
    for n, share in found["interval_covers"].items():
        assert 0.93 <= share <= (0.98 if n == "3" else 0.97), n
    # The extremes, and the luckiest, are picked from many.
    assert found["extremes_covered_as_if_not_picked"] < 0.8 < 0.94 <= found["extremes_covered"]
    assert found["worse_by_the_margin_and_passed"] <= 0.04
