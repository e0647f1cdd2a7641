"""What trials took to price an image, read off the times of their windows."""

from __future__ import annotations

from dataclasses import replace

import pytest
from toy_study import reading

from energy_sweep.front.pools import REMEMBERED
from energy_sweep.record import Mark, StageRecord, StageUse, TrialResult
from energy_sweep.search.acquisition.graph_windows import graph_windows


def result(number: int, graph: str) -> TrialResult:
    names = (("evaluate", f"right {number}"), ("infer", graph))
    uses = tuple(StageUse(stage=s, key=k, cost_key=k, units=1) for s, k in names)
    return TrialResult(config={}, seed=0, stages=uses, n_validation=9, correct=number)


def record(
    stage: str, key: str, *marks: tuple[float | None, float], **facts: object
) -> StageRecord:
    taken = tuple(
        Mark(units=9, reading=replace(reading(joules), started=time)) for time, joules in marks
    )
    return StageRecord(stage=stage, key=key, cost_key=key, marks=taken, facts=dict(facts))


# Four trials at 0, 10, 20 and 30 s; the first three share a graph.
RESULTS = [result(0, "g"), result(1, "g"), result(2, "g"), result(3, "h")]
RECORDS = [
    *(record("evaluate", f"right {number}", (10.0 * number, 0.1)) for number in range(4)),
    record("infer", "g", (1.0, 3.0), (2.0, 3.0)),
    record("infer", "h", (31.0, 5.0)),
    record("infer", "batch 1", (3.0, 1.0)),
    record("calibrate", "compared", (11.0, 2.0), (12.0, 2.0)),
    record("calibrate", "plans", (13.0, 50.0), plan="contiguous"),
    record("calibrate", "round", (14.0, 60.0), bought="confirm"),
]


def test_windows_are_of_the_trial_that_was_evaluated_last() -> None:
    found = graph_windows(RESULTS, {one.key: one for one in RECORDS})
    window = (7 + 5 + 4) / (2 * 5 + 2)  # by what is usual of a first and a second use
    assert found.joules == pytest.approx((6.0, 4.0, 2 * window, 0.0))  # of 7 and 5, of 4, -, of 0
    assert found.next_use("new") == pytest.approx((6.0, 2**0.5))
    assert found.next_use("g") == pytest.approx((2 * window, window))
    assert found.next_use("h") == pytest.approx((4.0, 1.0))
    due = [more for more in range(2, 40) if found.next_use("new", more=more) != (0.0, 0.0)]
    assert due == [3, 7, 15, 31]  # the 4th, 8th, 16th and 32nd


def test_a_graph_that_an_earlier_study_priced_gets_no_window() -> None:
    earlier = [replace(one, facts={REMEMBERED: {}}) for one in RECORDS if one.key == "h"]
    found = graph_windows(RESULTS, {one.key: one for one in (*RECORDS, *earlier)})
    assert found.next_use("h") == (0.0, 0.0)
    assert found.joules is not None and found.joules[0] == 7.0  # of the one that was measured


def test_of_a_use_that_no_trial_shows_the_usual_windows_are_expected() -> None:
    records = {one.key: one for one in (*RECORDS[:2], *RECORDS[3:5], RECORDS[6])}
    found = graph_windows(RESULTS[:1], records)
    assert found.joules == pytest.approx((7.0, 7.0 * 2 / 5, 7.0 * 2 / 5, 0.0))
    assert found.spread is not None
    assert found.spread[1] == pytest.approx(7.0 / 5)


def test_windows_without_times_tell_nothing() -> None:
    records = {"g": record("infer", "g", (None, 3.0)), "right 0": RECORDS[0]}
    silent = {"g": records["g"], "right 0": record("evaluate", "right 0", (None, 0.1))}
    assert graph_windows(RESULTS[:1], silent).next_use("g") is None
    assert graph_windows([], {}).joules is None
