"""What is said of plans: one honest line each, a summary of many."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from energy_sweep.app.sweep.plan_text import plan_lines
from energy_sweep.record import (
    DomainEnergy,
    EnergyReading,
    Mark,
    Quality,
    StageRecord,
)

PART = DomainEnergy(
    domain="cpu", joules=1.0, uncertainty_joules=0.0, source="s", quality=Quality.COUNTER
)
MARK = Mark(units=1, reading=EnergyReading(domains=(PART,), seconds=1.0))


def tried(layout: str = "channels_last", **changes: Any) -> StageRecord:
    settings = {"model": {"name": "net", "width": 8}, "shape": [1, 8, 6], "batch": 32}
    settings |= {"precision": "fp32", **changes.pop("settings", {})}
    facts = {"plan": {"layout": layout, "compile": False}, "bf16": None}
    facts |= {"saving": {"share": 0.312, "uncertainty": 0.06}, **changes}
    return StageRecord(
        stage="calibrate", key="k", cost_key="k", marks=(MARK,), facts=facts, settings=settings
    )


def bf16(share: float, uncertainty: float | None) -> StageRecord:
    return tried(bf16={"plan": "contiguous", "share": share, "uncertainty": uncertainty})


def test_a_plan_says_what_it_saves_by_which_quality() -> None:
    assert plan_lines([tried()]) == [
        "plan: net 8x6 batch 32 fp32: channels_last, 31 % below plain (counter, +-6 %)"
    ]
    [plain] = plan_lines([tried("contiguous")])
    assert plain.endswith("contiguous, as nothing that was tried is surely cheaper")
    [failed] = plan_lines([tried("contiguous", infeasible="ran out of memory")])
    assert failed.endswith("contiguous; no other was tried: ran out of memory")


@pytest.mark.parametrize(
    ("share", "uncertainty", "says"),
    [
        (0.12, 0.04, "bf16 would save another 12 % (+-4 %)"),
        (-0.4, 0.04, "bf16 would cost 40 % more (+-4 %)"),
        (0.03, 0.04, "by less than could be seen (+-4 %)"),
        (-3.2, None, "bf16 would take about 4.2 times the joules of a step"),
    ],
)
def test_bf16_is_told_as_far_as_it_is_known(
    share: float, uncertainty: float | None, says: str
) -> None:
    [line] = plan_lines([bf16(share, uncertainty)])
    assert says in line


def test_many_plans_are_summarised_and_nets_told_apart() -> None:
    records = [
        tried("contiguous" if width > 5 else "channels_last", settings={"model": model})
        for width in range(1, 8)
        for model in ({"name": "net", "width": width},)
    ]
    lines = plan_lines(records)
    assert [line.split(":")[1] for line in lines[:2]] == [
        " net width=1 8x6 batch 32 fp32",
        " net width=2 8x6 batch 32 fp32",
    ]
    assert lines[3:] == [
        "plan: and 4 more nets, batches or precisions: channels_last in 2, contiguous in 2"
    ]
    assert plan_lines([]) == []


def test_what_was_not_tried_says_what_it_could_save_and_would_cost() -> None:
    worth = {"steps": 1234, "joules_per_step": 0.01, "share": 0.2, "price_joules": 4.567}
    [line] = plan_lines([tried("contiguous", tried=False, worth=worth)])
    assert line.endswith(
        ": contiguous, no other was tried: 1,234 steps to come could save about 2.47 J, and trying"
        " costs about 4.57 J (counter)"
    )


def test_what_is_remembered_says_since_when() -> None:
    [line] = plan_lines([dataclasses.replace(tried(remembered="2026-11-29"), marks=())])
    assert line.endswith("channels_last, remembered from 2026-11-29, 31 % below plain (+-6 %)")
    [plain] = plan_lines([tried("contiguous", remembered="2026-11-29")])
    assert plain.endswith(
        "contiguous, remembered from 2026-11-29, as nothing that was tried is surely cheaper"
    )
