"""Budgets on joules, through the whole command."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from benchmarks.formula import run_formula
from energy_sweep.app.main import main
from energy_sweep.record import StageRecord, from_json
from energy_sweep.record.seal import parse, unseal

STUDY = Path("outputs/digits-small_cnn")
COMMAND = ["-m", "meter=replay", "search/space=none", "device.plan=channels_last"]
AXES = ["batch=32,64,128", "lr=0.01,0.1", "epochs=5,10", "compression.level=0,0.5"]


def stored() -> list[StageRecord]:
    """The stage records of the study."""
    files = STUDY.glob("stages/*/*/record-*.json")
    return [from_json(StageRecord, unseal(parse(path.read_text()))[0]) for path in files]


@pytest.mark.no_cover
def test_ten_of_them_are_kept_within_one_stage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    budgets = sorted(random.Random(7).uniform(3, 25) for _ in range(10))
    before = 0.0
    for joules in budgets:
        assert main([*COMMAND, *AXES, f"search.joules={joules:.4g}"], run=run_formula) == 0
        stages = [record.spent_joules for record in stored()]
        assert before <= sum(stages) <= joules + max(stages)
        before = sum(stages)
    assert before > 0.8 * budgets[-1]
