"""A trial whose readings are gone is left out of the front and named; the rest is shown."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import toy_study
from stored_study import store_study

from energy_sweep.app.main import main
from energy_sweep.app.verbs.notes import trial_notes
from energy_sweep.front import PricedStudy
from energy_sweep.study.stored import load_study

GONE = "recover-32-0.01-10-0.5"  # of trial 1 alone, in a pool of its own
LINE = "damaged: trial 1 cannot be priced, since readings are gone: it is left out"


@pytest.fixture
def outputs(tmp_path: Path) -> Path:
    """Four trials; what trial 1 took to recover is damaged."""
    grid = toy_study.grid(rates=(0.01,), epochs=(10,))
    folder = store_study(tmp_path / "outputs", "toy", grid)
    [record] = (folder / "stages" / GONE[:2] / GONE).glob("record-*.json")
    record.write_bytes(b"")
    return tmp_path / "outputs"


def test_the_front_leaves_it_out_and_names_it(
    outputs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["front", "toy", "--outputs", str(outputs), "--json"]) == 0
    said = capsys.readouterr()
    document = json.loads(said.out)
    assert document["unpriced"] == [1]
    shown = {row["trial"] for row in (*document["front"], *document["dominated"])}
    assert shown == {0, 2, 3}
    assert LINE in said.err


@pytest.mark.parametrize("words", [["front"], ["choose"], ["report"], ["stages"]])
def test_every_face_shows_the_rest(
    words: list[str], outputs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*words, "toy", "--outputs", str(outputs)]) == 0
    assert LINE in capsys.readouterr().err
    if words == ["report"]:
        page = (outputs / "toy/report.html").read_text(encoding="utf-8")
        assert "<dt>Left out</dt><dd>trial 1 cannot be priced" in page


def test_the_dashboard_says_that_it_has_no_price(outputs: Path) -> None:
    record = load_study(outputs / "toy")
    notes = trial_notes(PricedStudy(record))
    assert notes[1].startswith("**Measured**, but it cannot be priced")
    assert "accuracy" in notes[0]


def test_it_is_not_deployed_and_others_are(
    outputs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["deploy", "toy", "--outputs", str(outputs), "--to", str(tmp_path / "net")]
    assert main([*words, "--trial", "1"]) == 2
    refused = capsys.readouterr().err.splitlines()[-1]
    assert refused.startswith("trial 1 cannot be priced") and "to measure it anew" in refused
    assert main([*words, "--trial", "0"]) == 2  # a study of formulas has no nets
    assert "config.yaml is gone" in capsys.readouterr().err.splitlines()[-1]


def test_another_objective_needs_other_readings(
    outputs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["front", "toy", "--outputs", str(outputs), "--objective", "inference", "--json"]
    assert main(words) == 0
    said = capsys.readouterr()
    assert json.loads(said.out)["unpriced"] == [] and LINE not in said.err


def test_a_study_without_any_price_is_refused_in_a_line(
    outputs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for record in (outputs / "toy/stages").glob("*/*/record-*.json"):
        record.unlink()
    assert main(["front", "toy", "--outputs", str(outputs)]) == 1
    assert "trial 0 cannot be priced" in capsys.readouterr().err.splitlines()[-1]
