"""Right answers are counted by a trial and by its evaluation: where they differ, it is said."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
import toy_study
from stored_study import store_study

from energy_sweep.app.main import main
from energy_sweep.record import StudyRecord
from energy_sweep.record.seal import unseal

KEY = "evaluate-0"


def study(counted: int) -> StudyRecord:
    """One trial with 340 right answers, whose evaluation counted so many."""
    evaluated = dataclasses.replace(
        toy_study.stage("evaluate", KEY, "evaluate", (1, 0.1, 0.0)), facts={"correct": counted}
    )
    stages = [toy_study.stage("infer", "graph", "graph", (1000, 1.0, 0.0)), evaluated]
    uses = [("evaluate", KEY, "evaluate", 1), ("infer", "graph", "graph", 1)]
    return toy_study.study([toy_study.trial(0, uses, correct=340, batch=32)], stages)


def accuracy(outputs: Path, capsys: pytest.CaptureFixture[str]) -> tuple[float, str]:
    words = ["front", "toy", "--outputs", str(outputs), "--objective", "inference", "--json"]
    assert main(words) == 0
    said = capsys.readouterr()
    return json.loads(said.out)["front"][0]["accuracy"], said.err


def test_equal_counts_are_no_damage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store_study(tmp_path, "toy", study(340))
    assert accuracy(tmp_path, capsys) == (340 / toy_study.IMAGES, "")


def test_the_sealed_record_is_believed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store_study(tmp_path, "toy", study(341))
    found, said = accuracy(tmp_path, capsys)
    assert found == 341 / toy_study.IMAGES
    assert said.startswith("damaged: trial 0: 340 images are right by its result, and 341 by the")
    assert said.endswith("sealed record of its evaluation: the second is read\n")


def test_a_record_without_a_seal_is_not(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = store_study(tmp_path, "toy", study(341))
    [path] = (folder / "stages").glob(f"*/{KEY}/record-*.json")
    path.write_text(json.dumps(unseal(json.loads(path.read_text()))[0]))
    found, said = accuracy(tmp_path, capsys)
    assert found == 340 / toy_study.IMAGES
    assert said.endswith("unsealed record of its evaluation: the first is read\n")
