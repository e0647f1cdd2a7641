"""Every trial has the value of every axis, in all faces and in Optuna's own study."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
from pathlib import Path
from typing import Any

import optuna
import pytest
import toy_study
from formula_world import open_formula, space_of, sweep

from benchmarks.formula import run_formula
from energy_sweep.app.main import main
from energy_sweep.front.configurations import varying
from energy_sweep.recipe.dials import Dials, axes, in_config
from energy_sweep.record import TrialResult
from energy_sweep.study import annotate, load_study

STUDY = Path("outputs/digits-small_cnn")
FAST = ["-m", "meter=replay", "device.plan=channels_last"]
CONFIG = {
    "batch": 64,
    "level": 0.5,
    "inference_batch": 16,
    "model": {"name": "small_cnn", "width": 16},
    "optimizer": {"name": "sgd", "schedule": {"name": "trunk", "warmup_steps": 50}},
    "device": {"name": "cpu", "power_limit_watts": 150.0},
    "dataset": {"name": "digits", "mean": [0.1, 0.2]},
    "compression": {
        "name": "chain",
        "steps": [
            {"technique": {"name": "prune", "iterations": 3}, "level": 0.25},
            {"technique": {"name": "quantize"}, "level": 0.0},
        ],
    },
}
TYPED = {
    "batch": 64,
    "compression.level": 0.5,
    "inference.batch": 16,
    "model": "small_cnn",
    "model.width": 16,
    "optimizer": "sgd",
    "optimizer/schedule": "trunk",
    "optimizer.schedule.warmup_steps": 50,
    "device.power_limit_watts": 150.0,
    "dataset.mean": "[0.1,0.2]",
    "compression": "[prune,quantize]",
    "compression.steps.prune.iterations": 3,
    "compression.steps.prune.level": 0.25,
    "compression.steps.sparse.level": None,
    "model.pretrained": None,
    "lr": None,
}


@pytest.fixture(autouse=True)
def in_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("name", TYPED)
def test_a_dial_is_found_in_a_configuration_by_its_typed_name(name: str) -> None:
    assert in_config(CONFIG, name) == TYPED[name]


def test_axes_are_what_differs_whoever_swept_it_and_whoever_fixed_it() -> None:
    trials = [
        Dials(params={"batch": 32}, words=("lr=0.1", "batch=32"), config={"batch": 32, "lr": 0.1}),
        Dials(params={"batch": 64}, words=("lr=0.1", "batch=64"), config={"batch": 64, "lr": 0.1}),
    ]
    assert axes(trials) == ("batch",)
    other = Dials(
        params={"seed": 1, "epochs": 1.0},
        words=("lr=0.2", "dataset.root=elsewhere", "seed=1"),
        config={"batch": 64, "lr": 0.2, "epochs": 1},
    )
    assert axes([*trials, other]) == ("batch", "epochs", "lr")
    alike = Dials(params={"batch": 32.0}, config={"batch": 32, "lr": 0.1})
    assert axes([trials[0], alike]) == ()


def three_sweeps() -> dict[int, dict[str, Any]]:
    """Three commands with axes of their own; what each trial has is in its configuration."""
    commands = (
        ["batch=32,64", "epochs=2,5"],
        ["lr=0.01,0.1", "compression.level=0,0.5", "epochs=10"],
        ["batch=128", "epochs=1,2", "lr=0.03"],
    )
    for command in commands:
        assert main([*FAST, "search/space=none", *command], run=run_formula) == 0
    expected: dict[int, dict[str, Any]] = {}
    for trial in load_study(STUDY, {}).trials:
        assert trial.result is not None
        config = trial.result.config
        names = {"batch": "batch", "epochs": "epochs", "lr": "lr", "compression.level": "level"}
        expected[trial.number] = {typed: config[name] for typed, name in names.items()}
    assert len(expected) == 4 + 4 + 2
    return expected


@pytest.mark.no_cover
def test_no_axis_is_blank_after_three_sweeps(capsys: pytest.CaptureFixture[str]) -> None:
    expected = three_sweeps()
    capsys.readouterr()
    assert main(["front", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    rows = [*document["front"], *document["dominated"]]
    assert {row["trial"]: row["params"] for row in rows} == expected
    assert main(["front", "--csv"]) == 0
    lines = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert len(lines) == len(expected)
    for line in lines:
        told = expected[int(line["trial"])]
        assert {name: float(line[name]) for name in told} == told
    assert main(["choose"]) == 0
    why = capsys.readouterr().out
    assert all(f"{name}=" in why for name in ("batch", "lr", "epochs", "compression.level"))

    # A notebook finds the study by its name, and Optuna counts all of it.
    study = optuna.load_study(
        study_name="digits-small_cnn", storage=f"sqlite:///{STUDY / 'study.db'}"
    )
    assert {trial.number: trial.params for trial in study.trials} == expected
    shared = optuna.search_space.intersection_search_space(study.trials)
    assert set(shared) == {"batch", "epochs", "lr", "compression.level"}
    assert shared["batch"] == optuna.distributions.IntDistribution(32, 128)


@pytest.mark.no_cover
def test_a_group_a_chain_and_a_dial_of_one_technique_are_known_of_all_trials() -> None:
    none = "search/space=none"
    commands = [
        ["epochs=1", "batch=32,64"],
        ["epochs=1", "compression=none,prune,[prune,quantize]", "compression.level=0.9"],
        ["epochs=1", "model=small_cnn", "+model.norm=batch,group", "batch=32"],
    ]
    for command in commands:
        assert main([*FAST, none, *command], run=run_formula) == 0
    study = load_study(STUDY, {})
    names = varying(study)
    assert names == ("batch", "compression", "compression.level", "model.norm")
    found = [tuple(Dials.of(trial).pick(names).values()) for trial in study.trials]
    assert found[:2] == [(32, "prune", 0.0, "batch"), (64, "prune", 0.0, "batch")]
    chain = next(one for one in found if one[1] == "[prune,quantize]")
    assert (chain[0], chain[2] > 0.89, chain[3]) == (64, True, "batch")
    assert found[-1] == (32, "prune", 0.0, "group")
    assert all(None not in one for one in found)


@pytest.mark.no_cover
def test_what_two_commands_fixed_differently_is_an_axis(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for lr in ("0.1", "0.2"):
        command = [*FAST, "search/space=none", "batch=32,64", "epochs=2", f"lr={lr}"]
        assert main(command, run=run_formula) == 0
    assert main(["front", "--json"]) == 0
    assert '"lr": 0.2' in capsys.readouterr().out
    study = optuna.load_study(
        study_name="digits-small_cnn", storage=f"sqlite:///{STUDY / 'study.db'}"
    )
    assert [(t.params["batch"], t.params["lr"]) for t in study.trials] == [
        *((32, 0.1), (64, 0.1), (32, 0.2), (64, 0.2)),
    ]


@pytest.mark.no_cover
def test_a_study_of_before_is_mended_by_whoever_writes_next(tmp_path: Path) -> None:
    """Its trials know only their params, and its Optuna study is called "formula (2)"."""
    sweep(tmp_path, space_of({"batch": (32, 64)}))
    sweep(tmp_path, space_of({"optimizer": ("sgd", "adam"), "batch": (32,)}))
    _age(tmp_path / "study.db")
    url = f"sqlite:///{tmp_path / 'study.db'}"
    assert optuna.get_all_study_names(url) == ["formula (2)"]
    record = load_study(tmp_path, {})
    assert [trial.params for trial in record.trials][-1] == {"optimizer": "adam", "batch": 32}
    annotate(tmp_path, record, {}, "looked at")
    study = optuna.load_study(study_name="formula", storage=url)
    assert [trial.params for trial in study.trials] == [
        {"batch": 32, "optimizer": "sgd"},
        {"batch": 64, "optimizer": "sgd"},
        {"batch": 32, "optimizer": "adam"},
    ]
    assert load_study(tmp_path, {}) == record
    with open_formula(tmp_path, space_of({"optimizer": ("adamw",)})):
        pass
    assert optuna.get_all_study_names(url) == ["formula"]


def _age(database: Path) -> None:
    """Make a study what former versions left: no dials, blanks in Optuna, another name."""
    with sqlite3.connect(database) as connection:
        connection.execute("UPDATE studies SET study_name = 'formula (2)'")
        rows = connection.execute(
            "SELECT trial_user_attribute_id, value_json FROM trial_user_attributes"
            " WHERE key = 'claim'"
        ).fetchall()
        for row, text in rows:
            claim = json.loads(text)
            del claim["dials"]
            connection.execute(
                "UPDATE trial_user_attributes SET value_json = ? WHERE trial_user_attribute_id = ?",
                (json.dumps(claim), row),
            )
        connection.execute("DELETE FROM trial_params WHERE param_name = 'optimizer'")
    connection.close()


def test_a_failed_trial_of_which_nothing_is_known_stays_as_it_is(tmp_path: Path) -> None:
    with open_formula(tmp_path, space_of({"batch": (32,)})) as study:
        number = study.claim(params={"batch": 32}, overrides=(), config={"batch": 32}, dials={})
        study.fail(number, "a bug")
    with open_formula(tmp_path, space_of({"lr": (0.1, 0.2)})) as study:
        number = study.claim(params={"lr": 0.1}, overrides=(), config={"batch": 64, "lr": 0.1})
        result = TrialResult(config={"batch": 64, "lr": 0.1}, seed=0, stages=(), n_validation=1)
        study.finish(number, toy_result(result), 1.0)
    url = f"sqlite:///{tmp_path / 'study.db'}"
    study_now = optuna.load_study(study_name="formula", storage=url)
    assert [trial.params for trial in study_now.trials] == [
        {"batch": 32},
        {"batch": 64, "lr": 0.1},
    ]


def toy_result(result: TrialResult) -> TrialResult:
    found = toy_study.trial(0, []).result
    assert found is not None
    return TrialResult(
        config=result.config, seed=0, stages=(), n_validation=found.n_validation, correct=340
    )
