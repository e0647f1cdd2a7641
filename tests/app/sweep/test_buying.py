"""Sweeps that buy certainty: what they print, keep and show, and what they refuse."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from benchmarks.formula import run_formula
from energy_sweep.app.main import main
from energy_sweep.study import load_study

STUDY = Path("outputs/digits-small_cnn")
# Two rates whose accuracies are nearly the same, at the same joules.
EQUAL = ["-m", "meter=replay", "search/space=none", "device.plan=channels_last", "lr=0.03,0.0305"]


@pytest.fixture(autouse=True)
def in_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def sweep(*words: str) -> int:
    return main([*EQUAL, *words], run=run_formula)


def rows(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    capsys.readouterr()
    assert main(["front", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    return [*found["front"], *found["dominated"]]


def test_fresh_seeds_are_trials_of_the_study(capsys: pytest.CaptureFixture[str]) -> None:
    assert sweep("search.confirm=1") == 0
    said = capsys.readouterr().err
    assert "search.confirm: what decides the front is measured again, for at most" in said
    assert "seed 1 of trial 0, as trial" in said
    assert "expected to be wrong before, of one seed each" in said
    assert "what is left of the share buys nothing that tells" in said
    trials = load_study(STUDY, {}).trials
    assert len(trials) > 2
    for trial in trials[2:]:
        assert trial.result is not None
        assert trial.result.seed == trial.params["seed"] > 0
        overrides = yaml.safe_load(
            (STUDY / "trials" / str(trial.number) / ".hydra" / "overrides.yaml").read_text()
        )
        assert [word for word in overrides if word.startswith("seed=")] == [
            f"seed={trial.result.seed}"
        ]
    assert sum(len(row["seeds"]) for row in rows(capsys)) == len(trials)


def test_a_seed_that_was_typed_is_one_of_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert sweep("seed=3", "search.confirm=0.9") == 0
    seeds = {tuple(row["seeds"]) for row in rows(capsys)}
    assert all(3 in found for found in seeds)
    assert any(0 in found for found in seeds)


def test_the_same_command_again_buys_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert sweep("search.confirm=1") == 0
    before = load_study(STUDY, {}).trials
    capsys.readouterr()
    assert sweep("search.confirm=1") == 0
    assert "search.confirm: nothing bought" in capsys.readouterr().err
    assert load_study(STUDY, {}).trials == before


def test_nothing_is_bought_unless_it_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert sweep() == 0
    assert "search.c" not in capsys.readouterr().err
    assert len(load_study(STUDY, {}).trials) == 2


@pytest.mark.parametrize("word", ["search.confirm=2", "search.certainty=-0.1"])
def test_what_is_no_share_is_one_line(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert sweep(word) == 2
    assert "type a share from 0 to 1" in capsys.readouterr().err


def test_where_nothing_is_on_the_front_that_is_what_is_said(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main([*EQUAL[:-1], "lr=200,300", "search.confirm=0.5"], run=run_formula) == 1
    said = capsys.readouterr().err
    assert "no configuration has a price and an accuracy yet" in said
    assert "is decided" not in said
