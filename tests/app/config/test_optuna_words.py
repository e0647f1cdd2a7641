"""Files and words of hydra-optuna-sweeper: taken over by name, or refused with what to type."""

from __future__ import annotations

import copy
import importlib
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hydra
import pytest
import yaml
from hydra.core.config_store import ConfigStore
from optuna.samplers import TPESampler

from benchmarks.formula import run_formula
from energy_sweep.app.main import main
from energy_sweep.study import check_settings, load_study

STUDY = Path("outputs/digits-small_cnn")
SMALL = ["-m", "meter=replay", "search/space=none", "device.plan=channels_last"]
SEARCH = ["--config-dir", "mine", "+hparams_search=tuned"]
# In the form of lightning-hydra-template's hparams_search/mnist_optuna.yaml.
FILE = """\
# @package _global_
defaults:
  - override /hydra/sweeper: {sweeper}
hydra:
  sweeper:
    _target_: {target}
    storage: null
    study_name: null
    n_jobs: 1
    direction: {direction}
    n_trials: 3
    sampler:
      _target_: optuna.samplers.{sampler}
      seed: 12345
      n_startup_trials: 2
    params:
      batch: choice(32, 64)
      lr: interval(0.01, 0.2)
"""
THEIRS = "hydra_plugins.hydra_optuna_sweeper.optuna_sweeper.OptunaSweeper"
OURS = "hydra_plugins.energy_sweep.EnergySweeper"


@pytest.fixture(autouse=True)
def in_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HYDRA_FULL_ERROR", raising=False)


def write(sampler: str = "TPESampler", **changes: str) -> None:
    given = {"sweeper": "energy_sweep", "target": OURS, "direction": "null"} | changes
    path = Path("mine/hparams_search/tuned.yaml")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(FILE.format(sampler=sampler, **given))


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main([*SMALL, *arguments], run=run_formula) == 2
    [line] = capsys.readouterr().err.splitlines()
    return line


@pytest.mark.no_cover
def test_settings_of_a_sampler_reach_it_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    write()
    made: list[dict[str, Any]] = []

    def sampler(**settings: Any) -> TPESampler:
        made.append(settings)
        return TPESampler(**settings)

    module: Any = importlib.import_module(check_settings.__module__)
    signed = {**module.KINDS, "tpe": sampler}
    sampler.__signature__ = module.inspect.signature(TPESampler)  # type: ignore[attr-defined]
    monkeypatch.setattr(module, "KINDS", signed)
    assert main([*SMALL, *SEARCH], run=run_formula) == 0
    assert len(load_study(STUDY, {}).trials) == 3
    assert {one["n_startup_trials"] for one in made} == {2}
    assert yaml.safe_load((STUDY / "multirun.yaml").read_text())["search"]["seed"] == 0


@pytest.mark.no_cover
def test_a_file_of_theirs_is_refused_line_by_line_until_it_runs(
    capsys: pytest.CaptureFixture[str],
) -> None:
    write(sweeper="optuna", target=THEIRS, direction="maximize")
    typed = [*SEARCH]
    for line in (
        f"hydra.sweeper._target_={THEIRS} knows nothing of stages and joules: type"
        f" hydra/sweeper=energy_sweep hydra.sweeper._target_={OURS}, which reads the same settings",
        "hydra.sweeper.direction is always accuracy up and joules down: leave it out, or type"
        " hydra.sweeper.direction=null; objective=training|inference|lifetime says which joules",
    ):
        assert said(capsys, *typed) == line
        typed += line.split(";")[0].split(" type ")[1].split(",")[0].split(" ")
    assert not (STUDY / "study.db").exists()
    assert main([*SMALL, *typed], run=run_formula) == 0


REFUSED = {
    "+hydra.sweeper.sampler.n_startup=3": "hydra.sweeper.sampler.n_startup is no setting of sampler"
    " tpe: type one of consider_prior, ",
    "+hydra.sweeper.sampler.n_ei_candidates=many": "hydra.sweeper.sampler.n_ei_candidates=many:"
    " type int",
    "hydra.sweeper.sampler._target_=optuna.samplers.MOTPESampler": "hydra.sweeper.sampler._target_="
    "optuna.samplers.MOTPESampler is none of ours: type hydra.sweeper.sampler._target_=optuna.",
    "+hydra.sweeper.custom_search_space=a.b": "hydra.sweeper.custom_search_space=a.b: a space is"
    " made of axes: type them",
    "+hydra.sweeper.nonsense=1": "hydra.sweeper.nonsense is read by nothing: leave it out, and type"
    " search.trials, ",
    "+hydra.sweeper.n_trial=1": "hydra.sweeper.n_trial is read by nothing: did you mean"
    " hydra.sweeper.n_trials?",
    "+hydra.sweeper.search_space={lr:{type:float,low:0.1,high:0.2,log:true},batch:{type:int,low:8,"
    "high:64,step:8},seed:{type:categorical,choices:[1,2]}}": "hydra.sweeper.search_space is gone"
    " from Hydra too: leave it out, and type 'lr=tag(log,interval(0.1,0.2))' 'batch=range(8,64,8)'"
    " 'seed=choice(1,2)'",
    "hydra.callbacks.mine._target_=a.B": "hydra.callbacks.mine._target_ does not exist: type"
    " +hydra.callbacks.mine._target_=a.B",
    "hydra.sweeper.storage=sqlite:///x.db": "hydra.sweeper.storage is the study's own study.db",
}


@pytest.mark.parametrize("argument", REFUSED)
def test_what_has_no_equivalent_is_refused_by_name(
    argument: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write()
    assert said(capsys, *SEARCH, argument).startswith(REFUSED[argument])


OF_SAMPLERS = {
    "auto n_startup_trials=3": "n_startup_trials is no setting of sampler auto, which is ours",
    "nsgaii population_size=1": "population_size=1: population_size must be greater than or equal",
    "cmaes with_margin=true": "with_margin notes more of a trial than a study keeps: leave it out",
    "qmc qmc_type=latin": "qmc_type=latin: The qmc_type='latin' is invalid",
    "gp n_startup_trials=a": "n_startup_trials=a: type int",
    "grid seed=1 search_space=1": "search_space is no setting of sampler grid: type none, since",
}


@pytest.mark.parametrize("typed", OF_SAMPLERS)
def test_settings_of_samplers_are_checked_before_anything_runs(
    typed: str, capsys: pytest.CaptureFixture[str]
) -> None:
    name, *settings = typed.split(" ")
    words = [f"+hydra.sweeper.sampler.{setting}" for setting in settings]
    line = said(capsys, f"search.sampler={name}", *words)
    assert line.startswith(f"hydra.sweeper.sampler.{OF_SAMPLERS[typed]}")
    assert not STUDY.exists()


def test_an_unknown_setting_in_a_file_is_refused_too(capsys: pytest.CaptureFixture[str]) -> None:
    write()
    path = Path("mine/hparams_search/tuned.yaml")
    path.write_text(path.read_text() + "    nonsense: 1\n")
    assert said(capsys, *SEARCH).startswith("hydra.sweeper.nonsense is read by nothing")


def test_a_group_that_is_not_in_the_defaults_gets_hydras_hint(
    capsys: pytest.CaptureFixture[str],
) -> None:
    write()
    line = said(capsys, "--config-dir", "mine", "hparams_search=tuned")
    assert line == "hparams_search does not exist: type +hparams_search=tuned"


@pytest.fixture
def optuna_sweeper() -> Iterator[None]:
    """What hydra-optuna-sweeper registers where it is installed, after ours."""
    store = ConfigStore.instance()
    before = copy.deepcopy(store.repo)
    for name, target in (("tpe", "TPESampler"), ("random", "RandomSampler"), ("grid", "Grid")):
        node = {"_target_": f"optuna.samplers.{target}", "seed": None, "consider_prior": True}
        store.store(group="hydra/sweeper/sampler", name=name, node=node, provider="optuna_sweeper")
    sweeper = {"defaults": [{"sampler": "tpe"}], "_target_": THEIRS}
    store.store(group="hydra/sweeper", name="optuna", node=sweeper, provider="optuna_sweeper")
    yield
    store.repo = before


@pytest.mark.usefixtures("optuna_sweeper")
def test_our_samplers_and_theirs_keep_apart(capsys: pytest.CaptureFixture[str]) -> None:
    theirs = ConfigStore.instance().repo["hydra"]["sweeper"]["sampler"]
    assert {node.provider for node in theirs.values()} == {"optuna_sweeper"}
    few = ["lr=interval(0.01,0.1)", "search.trials=2"]
    assert main([*SMALL, *few, "hydra/sweeper/sampler=random"], run=run_formula) == 0
    assert "random chooses" in capsys.readouterr().err
    line = said(capsys, *few, "hydra/sweeper=optuna")
    assert line.startswith(f"hydra.sweeper._target_={THEIRS} knows nothing of stages and joules")
    line = said(capsys, *few, "hydra/sweeper/sampler=[grid]")
    assert line.startswith("hydra.sweeper.sampler._target_=optuna.samplers.Grid is none of ours")


def test_no_word_of_hydras_warns(capsys: pytest.CaptureFixture[str]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert main(["meter=replay", "epochs=2"], run=run_formula) == 0
    assert capsys.readouterr().err == ""


def test_later_versions_of_hydra_are_asked_in_their_own_words(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[dict[str, Any]] = []

    def later(config_path: str, config_name: str, execution_whitelist: object = None) -> Any:
        asked.append({"config_name": config_name, "whitelist": execution_whitelist})
        return lambda task: lambda: None

    monkeypatch.setattr(hydra, "main", later)
    monkeypatch.setattr("hydra.utils.UNSAFE_DISABLE_EXECUTION_CHECKS", "all", raising=False)
    assert main(["batch=32"]) == 0
    assert asked == [{"config_name": "config", "whitelist": "all"}]
