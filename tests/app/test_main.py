"""What the command line answers: exit codes, one-line refusals, and what a lone trial leaves."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from hydra import compose, initialize_config_dir
from hydra.errors import HydraException

from benchmarks.formula import run_formula
from benchmarks.startup import heavy_modules
from energy_sweep.app.config import messages, schema
from energy_sweep.app.config.build import resolved
from energy_sweep.app.config.conf_folder import conf_folder
from energy_sweep.app.main import main
from energy_sweep.app.sweep.trial_text import origin
from energy_sweep.record import Infeasible, TrialResult, from_json


@pytest.fixture(autouse=True)
def in_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HYDRA_FULL_ERROR", raising=False)


REFUSED = {
    "profile=maybe": "profile=maybe: type true or false, such as profile=true",
    "epochs=abc": "epochs=abc: type a whole number, such as epochs=10",
    "batch=0": "batch=0: type a whole number of at least 1, such as batch=64",
    "model=nope": "model=nope: type model=efficientnet_b0|",
    "search/space=nope": "search/space=nope: type search/space=dials|none",
    "bacth=3": "bacth does not exist: did you mean batch?",
    "optimizer.lx=1": "optimizer.lx does not exist: type one of optimizer.schedule, ",
    "batch=32,64": "batch=32,64 is several values: type -m before it to sweep them",
    "lr=range(1,3)": "lr=range(1,3) is several values: type -m before it to sweep them",
    "lr=(": "lr=( cannot be read",
    "name=null": "name needs a value: type name=first",
    "inference=3": "inference is a group of settings: type one of inference.batch",
    "lr=${nope}": "lr: Interpolation key 'nope' not found",
    "meter=${nope}": "Interpolation key 'nope' not found; type a name",
    "~batch": "batch is gone",
    "--frobnicate": "unrecognized arguments: --frobnicate: type --help",
    "frobnicate": "frobnicate is neither a verb nor a setting: type one of meters",
    "hydra/sweeper/sampler=motpe": "hydra/sweeper/sampler: leave it out, and type",
}


def test_what_a_group_was_typed_by_before_may_name_what_is_not_there(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["meter=${nope}", "meter=replay"], run=run_formula) in (0, 2)
    assert "Error executing job" not in capsys.readouterr().err


@pytest.mark.parametrize("argument", REFUSED)
def test_bad_input_is_one_line_and_exit_2(
    argument: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([argument], run=run_formula) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith(REFUSED[argument])


def test_full_error_shows_the_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HYDRA_FULL_ERROR", "1")
    with pytest.raises(Exception, match="batch=0"):
        main(["batch=0"], run=run_formula)


def test_lone_trial_leaves_result_and_hydra_files(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["meter=replay", "epochs=3"], run=run_formula) == 0
    [folder] = Path("outputs/digits-small_cnn/runs").iterdir()
    result = from_json(TrialResult, json.loads((folder / "result.json").read_text()))
    assert result.config["epochs"] == 3
    assert (folder / ".hydra" / "overrides.yaml").read_text().split() == [
        *("-", "meter=replay", "-", "epochs=3")
    ]
    energy = json.loads((folder / "result.json").read_text())["energy"]
    assert energy["per_epoch"]["quality"] == "estimated"
    assert energy["stages"]["trunk"]["epochs"] + energy["stages"]["cooldown"]["epochs"] == 3
    printed = capsys.readouterr().out
    assert "estimated" in printed and " J per epoch, " in printed and " J per image" in printed
    assert not (folder / "profile.txt").exists()


def test_a_profile_is_written_beside_the_result_and_changes_no_key(
    capsys: pytest.CaptureFixture[str],
) -> None:
    net = ["meter=replay", "model.width=4", "model.depth=2", "device.plan=channels_last"]
    assert main([*net, "profile=true"], run=run_formula) == 0
    assert "layers explain" in capsys.readouterr().out
    [first] = Path("outputs/digits-small_cnn/runs").iterdir()
    document = json.loads((first / "profile.json").read_text())
    assert document["training"]["layers"] and (first / "profile.txt").is_file()
    stages = json.loads((first / "result.json").read_text())["stages"]
    assert main([*net, "hydra.run.dir=again"], run=run_formula) == 0
    assert json.loads(Path("again/result.json").read_text())["stages"] == stages


def test_a_trial_says_whose_weights_it_started_from_and_what_it_is_charged() -> None:
    def said(share: float) -> str:
        return origin({"pretrained": {"name": "first/3", "weights": "ab", "share": share}})

    assert origin({}) == ""
    assert said(1.0) == "started from first/3, whose training joules are charged in full"
    assert said(0.1).endswith("charged to 10%")
    assert said(0.0).endswith("charged not at all")


def test_flags_may_follow_dials(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["batch=32", "--cfg", "job"]) == 0
    assert "\nbatch: 32\n" in capsys.readouterr().out


def test_diverged_trial_is_said_and_exits_1(capsys: pytest.CaptureFixture[str]) -> None:
    def diverge(recipe: object, **_: object) -> TrialResult:
        raise Infeasible("the loss diverged")

    assert main(["meter=replay"], run=diverge) == 1
    assert capsys.readouterr().err.splitlines() == ["the loss diverged"]


def test_unexpected_error_keeps_its_traceback() -> None:
    def crash(recipe: object, **_: object) -> TrialResult:
        raise ZeroDivisionError("a bug")

    with pytest.raises(ZeroDivisionError, match="a bug"):
        main(["meter=replay"], run=crash)


def test_version_and_verb_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("energy-sweep ")


def test_every_dial_is_known_to_the_messages() -> None:
    unknown = [name for name in messages.EXAMPLES if name.split(".")[0] not in schema.GROUPS]
    assert set(unknown) <= set(schema.dials())


def test_other_errors_of_hydra_are_one_line_too() -> None:
    assert messages.explain(HydraException("anything")) is None
    assert messages.explain(ValueError("not ours")) is None


@pytest.mark.parametrize("arguments", [["--help"], ["--cfg", "job"]])
def test_looking_loads_no_heavy_library(arguments: list[str]) -> None:
    assert heavy_modules(arguments) == []


def test_plugin_loads_no_heavy_library() -> None:
    code = (
        "import sys, hydra_plugins.energy_sweep;"
        "print([m for m in ('torch', 'optuna', 'energy_sweep') if m in sys.modules])"
    )
    command = [sys.executable, "-c", code]
    assert subprocess.run(command, capture_output=True, text=True).stdout.strip() == "[]"


def test_a_whole_configuration_runs_again_by_its_path(tmp_path: Path) -> None:
    """As the card of a deployed folder says to."""
    schema.register()
    with initialize_config_dir(str(conf_folder()), version_base="1.3"):
        values = resolved(compose("config", overrides=["epochs=3", "meter=replay"]))
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(values))
    words = ["--config-path", str(tmp_path), "--config-name", "config"]
    assert main(words, run=run_formula) == 0
    [path] = Path("outputs").rglob("result.json")
    assert from_json(TrialResult, json.loads(path.read_text())).config["epochs"] == 3


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a full disk, as Linux has it")
def test_output_that_nobody_reads_or_nobody_has_room_for_is_no_traceback() -> None:
    words = [sys.executable, "-m", "energy_sweep", "--help"]
    with open("/dev/full", "w") as full:
        done = subprocess.run(words, stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("what is printed: No space left on device: make room")
    assert len(done.stderr.splitlines()) == 1
    closed = subprocess.run(
        ["sh", "-c", f"{shlex.join(words)} >&-"], stderr=subprocess.PIPE, text=True
    )
    assert (closed.returncode, closed.stderr) == (0, "")
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as reader:
        assert reader.stdout is not None and reader.stderr is not None
        reader.stdout.close()
        assert reader.stderr.read() == b"" and reader.wait() == 141
