"""What both copies of a study say in the end, and how that differs from what must be."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks.workers_formula import SHARED_BY, formula, joules_of
from energy_sweep.front import PricedStudy
from energy_sweep.record import EnergyReading, Objective, StageRecord
from energy_sweep.study import load_study
from energy_sweep.study.address import parse_address
from energy_sweep.study.elsewhere import open_elsewhere


def outcome(folder: Path, name: str, storage: str, trials: int) -> dict[str, Any]:
    """What both copies of the study say, and how that differs from what must be."""
    records = formula(folder).store.records()
    record = load_study(folder, records)
    measured = Counter(trial.params["x"] for trial in record.trials if trial.state == "measured")
    states = Counter(trial.state for trial in record.trials)
    expected = math.fsum(joules_of("trunk", x) for x in range(trials)) + math.fsum(
        joules_of("prepare", group) for group in range(math.ceil(trials / SHARED_BY))
    )
    stages = math.fsum(one.joules for kept in records.values() for one in _readings(kept))
    bill = PricedStudy(record, Objective("training")).spent_joules
    database = open_elsewhere(folder, name, parse_address(storage))
    assert database is not None
    rows = database.rows()
    database.close()
    kept = Counter(row.state for row in rows.trials.values()) if rows else Counter[str]()
    wrong = [
        said
        for said, holds in {
            f"measured {sorted(measured.items())}": measured == dict.fromkeys(range(trials), 1),
            f"states {dict(states)}": states["running"] == 0,
            f"bill {bill}, stages {stages}, not {expected}": bill == stages == expected,
            f"in the database {dict(kept)}": kept["COMPLETE"] == trials and not kept["RUNNING"],
            f"damage {record.damage}": not record.damage,
        }.items()
        if not holds
    ]
    return {"states": dict(states), "database": dict(kept), "bill": bill, "wrong": wrong}


def _readings(record: StageRecord) -> list[EnergyReading]:
    return [mark.reading for mark in (*record.marks, *record.lost)]
