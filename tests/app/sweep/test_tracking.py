"""Sweeps of a formula that tell MLflow of each trial while they run."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import mlflow
import pytest

from benchmarks.formula import run_formula
from energy_sweep.app.main import main
from energy_sweep.export import libraries

SMALL = ["-m", "meter=replay", "search/space=none", "device.plan=channels_last", "track=mlflow"]
DATABASE = Path("exported/mlflow/mlflow.db")


@pytest.fixture(autouse=True)
def in_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in libraries.QUIET:  # what an export sets is put back
        monkeypatch.setenv(name, "")


def trials() -> dict[str, Any]:
    """The runs in MLflow by what they are of."""
    client = mlflow.MlflowClient(tracking_uri=f"sqlite:///{DATABASE.absolute()}")
    experiment = client.get_experiment_by_name("digits-small_cnn")
    found = client.search_runs([experiment.experiment_id])
    assert len(found) == len({run.data.tags["energy_sweep.trial"] for run in found})
    return {run.data.tags["energy_sweep.trial"]: run for run in found}


def test_each_trial_is_told_as_it_ends_and_all_of_them_at_the_end(
    capsys: pytest.CaptureFixture[str],
) -> None:
    seen: list[dict[str, Any]] = []

    def run(*arguments: Any, **settings: Any) -> Any:
        if DATABASE.exists():
            seen.append(trials())
        return run_formula(*arguments, **settings)

    assert main([*SMALL, "batch=32,64", "epochs=5,10"], run=run) == 0
    assert [sorted(found) for found in seen] == [
        ["0", "sweep"],
        ["0", "1", "sweep"],
        ["0", "1", "2", "sweep"],
    ]
    first = seen[0]["0"].data
    assert 0 < first.metrics["accuracy"] < 1 and first.metrics["joules"] > 0
    assert first.metrics["uncertainty_joules"] >= 0
    assert first.tags["energy_sweep.quality"] == "estimated" and "belongs" not in first.metrics
    assert first.params["batch"] == "32"
    capsys.readouterr()
    assert main(["front", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    done = trials()
    for row in (*document["front"], *document["dominated"]):
        data = done[str(row["trial"])].data
        assert data.metrics["joules"] == row["joules"]
        assert data.metrics["belongs"] == row["belongs"]
    assert done["sweep"].data.metrics["spent_joules"] == document["spent_joules"]
    # The command of a trial runs it alone: tracking is of sweeps.
    assert "track" not in done["0"].data.tags["energy_sweep.command"]
    assert main([*SMALL, "batch=32,64,128", "epochs=5,10"], run=run_formula) == 0
    assert len(trials()) == 7


@pytest.mark.no_cover
def test_a_failure_is_said_once_and_ends_no_sweep(capsys: pytest.CaptureFixture[str]) -> None:
    Path("exported").write_text("in the way")
    assert main([*SMALL, "batch=32,64,128"], run=run_formula) == 0
    said = capsys.readouterr()
    assert said.err.count("track=mlflow ends here, and the sweep goes on: ") == 1
    assert "next:" in said.out and Path("exported").read_text() == "in the way"


def test_a_missing_library_is_told_before_anything_is_spent(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "mlflow", None)
    assert main([*SMALL, "batch=32,64"], run=run_formula) == 2
    assert "type pip install mlflow-skinny" in capsys.readouterr().err
    assert not Path("outputs").exists()


@pytest.mark.parametrize(
    ("word", "said"),
    [("track=wandb", "type track=mlflow"), ("track=mlflow,null", "describes the whole sweep")],
)
def test_other_words_are_one_line(word: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*SMALL[:-1], word, "batch=32,64"], run=run_formula) == 2
    assert said in capsys.readouterr().err
