"""A search looks at what epochs take before it trains anything, and tells it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from benchmarks.formula import run_formula
from energy_sweep.app.main import main
from energy_sweep.record import StageRecord, from_json
from energy_sweep.record.seal import parse, unseal

WORDS = ["-m", "meter=replay", "search/space=none", "epochs=5,10", "lr=0.01,0.1", "name=looks"]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def looks() -> list[StageRecord]:
    files = Path("outputs/looks").glob("stages/*/*/record-*.json")
    records = [from_json(StageRecord, unseal(parse(path.read_text()))[0]) for path in files]
    return [record for record in records if "looked" in record.facts]


def sweep(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main([*WORDS, *words], run=run_formula) == 0
    return capsys.readouterr().err


def test_each_kind_of_training_is_looked_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    told = sweep(capsys, "batch=32,64,128", "search.trials=10")
    found = re.findall(r"look: small_cnn at batch (\d+), fp32: an epoch takes about (\S+) J", told)
    assert sorted(int(batch) for batch, _ in found) == [32, 64, 128]
    assert all(float(joules) > 0 for _, joules in found)
    assert len(looks()) == 3 and all(record.spent_joules > 0 for record in looks())
    assert "look:" not in sweep(capsys, "batch=32,64,128", "search.trials=11")
    assert len(looks()) == 3


def test_a_grid_that_runs_whole_and_a_dry_run_look_at_nothing_else(
    capsys: pytest.CaptureFixture[str],
) -> None:
    dry = sweep(capsys, "batch=32,64", "search.trials=2", "search.dry_run=true")
    assert "look:" not in dry and not looks()
    assert "look:" not in sweep(capsys, "batch=32,64")


def test_where_the_plan_is_typed_there_is_nothing_to_look_at(
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = ("batch=32,64", "search.trials=2", "device.plan=channels_last")
    assert "look:" not in sweep(capsys, *words) and not looks()
