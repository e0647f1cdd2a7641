"""Constraints, points to begin with and a study to learn from, as they are typed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.formula import run_formula
from energy_sweep.app.main import main
from energy_sweep.study import load_study

SMALL = ["-m", "meter=replay", "search/space=none", "device.plan=channels_last"]
AXES = ["batch=32,64", "epochs=2,10,30"]
NAMES = "type search.constraints.min_accuracy=0.9, or another of min_accuracy, max_joules, "

REFUSED = {
    "search.constraints={min_acc:0.5}": f"search.constraints.min_acc is no constraint: {NAMES}",
    "search.constraints.min_accuracy=90": "search.constraints.min_accuracy=90.0: type a fraction",
    "search.constraints.max_bytes=-1": "search.constraints.max_bytes=-1: type a number above 0",
    "search.constraints=3": f"search.constraints=3: {NAMES}",
    "search.start=[{batch:48}]": "search.start: point 1 has batch=48, which its axis has not: type",
    "search.start=[{lr:0.1}]": "search.start: point 1 has lr, which is no axis of this sweep: type",
    "search.learn_from=nope": "no study is called nope in outputs: type",
    "search.sampler=cmaes": "search.sampler=cmaes",
}


@pytest.fixture(autouse=True)
def in_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HYDRA_FULL_ERROR", raising=False)


def run(*typed: str) -> int:
    return main([*SMALL, *AXES, *typed], run=run_formula)


@pytest.mark.parametrize("typed", REFUSED)
def test_what_cannot_be_is_refused_before_there_is_a_study(
    typed: str, capsys: pytest.CaptureFixture[str]
) -> None:
    more = ["model=small_cnn,mlp"] if typed == "search.sampler=cmaes" else []
    assert run(typed, "name=a", *more) == 2
    [line] = [one for one in capsys.readouterr().err.splitlines() if not one.startswith("...")]
    assert line.startswith(REFUSED[typed]), line
    assert not Path("outputs/a/study.db").exists()


@pytest.mark.no_cover
def test_a_study_keeps_its_constraints_and_another_learns_from_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run("search.constraints={min_accuracy:0.5,max_joules:15}", "name=a") == 0
    told = capsys.readouterr()
    assert "looked for: accuracy of at least 0.5 and at most 15 J" in told.err
    assert "of 6 configurations have that; --unconstrained shows all" in told.out
    assert main(["front", "a", "--json"]) == 0
    kept = json.loads(capsys.readouterr().out)
    assert kept["constraints"] == {"min_accuracy": 0.5, "max_joules": 15.0}
    assert len(kept["front"] + kept["dominated"] + kept["excluded"]) == 6
    assert main(["front", "a", "--json", "--unconstrained"]) == 0
    assert json.loads(capsys.readouterr().out)["excluded"] == []
    assert main(["choose", "a", "--json", "--max-bytes", "1"]) != 0
    assert "and at most 1 bytes; the nearest is trial" in capsys.readouterr().err
    assert run("search.constraints=null", "name=a") == 0
    assert load_study(Path("outputs/a"), {}).constraints == {}
    capsys.readouterr()
    few = ["search.trials=3", "search.sampler=tpe", "name=b", "search.learn_from=a"]
    assert run(*few, "search.start=[{batch:64,epochs:2}]") == 0
    assert "learns from 6 configurations of a\n" in capsys.readouterr().out
    trials = load_study(Path("outputs/b"), {}).trials
    assert trials[0].params == {"batch": 64, "epochs": 2}
    assert main([*SMALL, "batch=32,64", "name=c", "search.learn_from=a"], run=run_formula) == 2
    assert "epochs is an axis that it swept" in capsys.readouterr().err
