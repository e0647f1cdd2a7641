"""Sweeps of a formula: axes, plan, files, resuming, refusals; and composing as Hydra does."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest
import yaml
from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.types import RunMode
from omegaconf import OmegaConf

from benchmarks.formula import run_formula
from energy_sweep.app.config import schema
from energy_sweep.app.config.axes import COMMAND_LINE, DEFAULT_SPACE, Axes, read_axes
from energy_sweep.app.config.build import resolved
from energy_sweep.app.config.composer import Composer, PointLoader
from energy_sweep.app.main import conf_folder, main
from energy_sweep.record import BadInput, TrialResult
from energy_sweep.study import load_study

STUDY = Path("outputs/digits-small_cnn")
SMALL = ["-m", "meter=replay", "search/space=none", "device.plan=channels_last"]


@pytest.fixture(autouse=True)
def in_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def sweep(*arguments: str, run: Any = run_formula) -> int:
    return main([*SMALL, *arguments], run=run)


def measured(study: Path = STUDY) -> list[dict[str, Any]]:
    return [trial.params for trial in load_study(study, {}).trials if trial.result]


@pytest.mark.no_cover
def test_grid_runs_whole_then_only_what_is_new(capsys: pytest.CaptureFixture[str]) -> None:
    assert sweep("batch=32,64", "epochs=5,10") == 0
    said = capsys.readouterr()
    assert "4 configurations, 0 measured, 4 to run" in said.err
    assert "spent" in said.err
    assert "next:" in said.out
    assert len(measured()) == 4
    assert sweep("batch=32,64", "epochs=5,10") == 0
    assert "all measured: nothing new to run" in capsys.readouterr().err
    assert sweep("batch=64,128", "epochs=5") == 0
    assert "2 configurations, 1 measured, 1 to run" in capsys.readouterr().err
    assert measured()[4:] == [{"batch": 128}] or measured()[4]["batch"] == 128


@pytest.mark.no_cover
def test_a_dry_run_leaves_nothing_behind(capsys: pytest.CaptureFixture[str]) -> None:
    typed = ["batch=32,64", "epochs=5,10", "search.dry_run=true"]
    assert sweep(*typed) == 0
    said = capsys.readouterr()
    assert "4 configurations, 0 measured, 4 to run" in said.err
    assert "the 4 to run: no price is known yet" in said.err
    assert "search.dry_run=true: nothing was run" in said.err
    assert not Path("outputs").exists() or not list(Path("outputs").iterdir())
    assert sweep("batch=32", "epochs=5,10") == 0
    before = {path: path.read_bytes() for path in STUDY.rglob("*") if path.is_file()}
    assert sweep(*typed, "search.trials=3") == 0
    assert "J predicted (estimated)" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in STUDY.rglob("*") if path.is_file()} == before


def test_another_end_of_a_search_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert sweep("batch=32,64", "search.until=never") == 2
    line = capsys.readouterr().err.strip().splitlines()[-1]
    assert line.startswith("search.until=never: type search.until=stagnation")


def test_files_that_a_hydra_user_expects() -> None:
    assert sweep("batch=32,64", "seed=1") == 0
    for number in (0, 1):
        folder = STUDY / "trials" / str(number)
        assert (folder / "result.json").is_file()
        overrides = yaml.safe_load((folder / ".hydra" / "overrides.yaml").read_text())
        assert "seed=1" in overrides
        assert "name='digits-small_cnn'" in overrides
    assert yaml.safe_load((STUDY / "multirun.yaml").read_text())["stages"].endswith("stages")
    results = yaml.safe_load((STUDY / "optimization_results.yaml").read_text())
    assert results["name"] == "energy_sweep"
    for solution in results["solutions"]:
        assert solution.keys() == {"trial", "dir", "params", "values"}
        assert (STUDY / solution["dir"]).is_dir()


@pytest.mark.no_cover
def test_failed_trials_exit_1_and_are_tried_again(capsys: pytest.CaptureFixture[str]) -> None:
    def crash(recipe: Any, **rest: Any) -> TrialResult:
        if recipe.batch == 32:
            raise ZeroDivisionError("a bug\nin two lines")
        return run_formula(recipe, **rest)

    assert sweep("batch=32,64", run=crash) == 1
    said = capsys.readouterr().err
    assert "a bug" in said
    assert "Traceback" not in said
    assert sweep("batch=32,64") == 0
    assert sorted(params["batch"] for params in measured()) == [32, 64]


def test_infeasible_trial_is_no_failure(capsys: pytest.CaptureFixture[str]) -> None:
    def diverge(recipe: Any, **rest: Any) -> TrialResult:
        if recipe.lr < 1000:
            return run_formula(recipe, **rest)
        known = run_formula(recipe.__class__(**{**_fields(recipe), "lr": 1.0}), **rest)
        values = {**_fields(known), "config": recipe.config(), "correct": None}
        return TrialResult(**{**values, "infeasible": "the loss diverged"})

    assert sweep("lr=0.1,100000", run=diverge) == 0
    assert "infeasible: the loss diverged" in capsys.readouterr().err


def test_default_space_gives_way_to_what_is_typed(capsys: pytest.CaptureFixture[str]) -> None:
    command = [*SMALL[:2], SMALL[3], "lr=0.01", "epochs=5", "compression=none", "batch=32,64"]
    assert main(command, run=run_formula) == 0
    assert "2 configurations" in capsys.readouterr().err
    assert all(set(params) == {"batch"} for params in measured())


def test_levels_under_no_compression_are_one_configuration(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert sweep("compression=none,prune", "compression.level=0,0.5", "epochs=2") == 0
    # none at either level and prune at level 0 are the same dense network.
    assert "2 configurations" in capsys.readouterr().err


@pytest.mark.no_cover
def test_interval_is_sampled_until_the_budget() -> None:
    axes = ["lr=tag(log,interval(0.01,0.5))", "epochs=int(interval(1,6))", "search.trials=6"]
    assert sweep(*axes, "hydra/sweeper/sampler=random", "search.seed=3") == 0
    found = measured()
    assert len(found) == 6
    assert all(0.01 <= p["lr"] <= 0.5 and isinstance(p["epochs"], int) for p in found)


@pytest.mark.no_cover
def test_aliases_of_hydra_optuna_sweeper(capsys: pytest.CaptureFixture[str]) -> None:
    more = ["hydra.sweeper.n_trials=2", "+hydra.sweeper.params.epochs='range(2,6)'"]
    assert sweep("batch=32,64", *more) == 0
    assert len(measured()) == 2


REFUSED = {
    "batch=32,0": "batch=0: type a whole number",
    "epochs=1,abc": "epochs=abc: type a whole number",
    "model=small_cnn,nope": "model=nope: type model=efficientnet_b0|",
    "compression.level=0,1.5": "compression.level=1.5",
    "model=glob(zz*)": "model=glob(zz*) matches nothing",
    "dataset=digits,mnist5k": "dataset is one per study",
    "dataset.cache=auto,null": "dataset.cache is one per study",
    "device=cpu,cuda": "device is one per study",
    "profile=true,false": "profile changes nothing of a trial",
    "search.trials=1,2": "search.trials describes the whole sweep",
    "hydra.sweeper.n_jobs=4": "hydra.sweeper.n_jobs=4: trials run one at a time",
    "hydra.sweeper.storage=sqlite:///x.db": "hydra.sweeper.storage is the study's own",
    "hydra.sweeper.direction=minimize": "hydra.sweeper.direction is always",
    "hydra.sweeper.study_name=x": "hydra.sweeper.study_name=x: type name=x",
    "epochs=interval(1,9)": "epochs=1.0: type a whole number",
}


@pytest.mark.parametrize("argument", REFUSED)
def test_refused_in_one_line_before_the_first_trial(
    argument: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sweep("seed=1", argument) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith(REFUSED[argument])
    assert not (STUDY / "trials").exists()


@pytest.mark.no_cover
def test_swept_group_keeps_the_default_name() -> None:
    assert sweep("optimizer=sgd,adam", "model=glob(small*)", "name='${optimizer.name}-x'") == 0
    assert len(measured(Path("outputs/sgd-x"))) == 2


def _fields(record: Any) -> dict[str, Any]:
    return {name: getattr(record, name) for name in record.__dataclass_fields__}


@pytest.fixture
def composer() -> Any:
    """A composer over groups, values, added keys and intervals."""
    arguments = [
        *("batch=32,64", "optimizer=sgd,adamw", "compression=none,prune", "seed=3"),
        *("compression.level=0,0.5", "lr=tag(log,interval(0.01,0.1))", "++model.depth=2,3"),
        *("dataset.resolution=null,8", "search.trials=4", "epochs=int(interval(1,9))"),
    ]
    schema.register()
    with initialize_config_dir(str(conf_folder()), version_base="1.3"):
        loader = GlobalHydra.instance().config_loader()
        master = loader.load_configuration(
            "config", [*arguments, "hydra.mode=MULTIRUN"], RunMode.MULTIRUN
        )
        yield Composer(loader, master, read_axes(loader, arguments, {}, {}))


@pytest.mark.no_cover
def test_composes_points_as_hydra_does(composer: Composer) -> None:
    pins = ["name='a b'", "hydra.sweep.dir='/x'"]
    fast = PointLoader(composer)
    for values in itertools.product(
        (32,), ("sgd", "adamw"), ("none", "prune"), (0, 0.5), (None, 8)
    ):
        names = ("batch", "optimizer", "compression", "compression.level", "dataset.resolution")
        params = dict(zip(names, values, strict=True))
        params |= {"lr": 0.0123, "epochs": 4, "model.depth": 3}
        overrides = [*composer.axes.overrides(params), *pins]
        whole = composer.loader.load_sweep_config(composer.master, overrides)
        whole.search.trials = 4  # how to search is told, and is no override of a trial
        made = fast.load_sweep_config(composer.master, overrides)
        assert OmegaConf.to_yaml(made) == OmegaConf.to_yaml(whole)
        assert composer.values(params) == {**resolved(whole), "name": "digits-small_cnn"}


def axes_of(composer: Composer, *arguments: str, **space: str) -> Axes:
    return read_axes(composer.loader, arguments, space, {})


def test_axes_keep_hydras_grammar(composer: Composer) -> None:
    axes = axes_of(
        composer,
        *("batch=range(32,97,32)", "epochs=choice(1,2)", "model=glob(resnet*)"),
        *("precision='fp32',bf16", "lr=tag(log,interval(0.1,1))", "seed=shuffle(range(3))"),
    )
    found = {axis.name: axis for axis in axes.space.axes}
    assert found["batch"].values == (32, 64, 96)
    assert found["epochs"].values == (1, 2)
    assert found["model"].values == ("resnet18", "resnet50")
    assert found["precision"].values == ("fp32", "bf16")
    assert found["lr"].log
    assert sorted(found["seed"].values or ()) == [0, 1, 2]
    assert axes.groups == {"model"}
    assert axes.override("precision", "fp32") == "precision='fp32'"


def test_command_line_replaces_or_fixes_the_default_space(composer: Composer) -> None:
    axes = axes_of(composer, "lr=0.5", "batch=1,2", lr="0.1,0.2", batch="8,16", epochs="1,2")
    assert [(axis.name, axis.source) for axis in axes.space.axes] == [
        ("batch", COMMAND_LINE),
        ("epochs", DEFAULT_SPACE),
    ]
    assert axes.fixed == ("lr=0.5",)


def test_grammar_errors_name_the_override(composer: Composer) -> None:
    with pytest.raises(BadInput, match=r"lr=choice\( cannot be read"):
        axes_of(composer, "lr=choice(")
