"""The verbs effects, experiment and verdict, typed: tables, claims, and what is refused."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import toy_study
from stored_study import store_study

from energy_sweep.app.experiment.preset import known_presets, load_preset, read_preset
from energy_sweep.app.main import main
from energy_sweep.app.verbs.experiment_sweeps import starts_from, words_of
from energy_sweep.record import BadInput

# A claim of one's own, in ten lines.
OWN = """\
source: a hunch of mine
question: Does twice the batch halve the joules of an epoch?
sizes:
  smoke: {minutes: 1, sweeps: [{name: a, words: ["batch=32,64", meter=replay]}]}
claims:
  - {key: halves, says: 64 takes half of 32, figure: joules_per_epoch,
     axis: batch, from: 32, to: 64, expect: {ratio: [0.4, 0.6]}, n: 3}
  - {key: images, says: <b>and an image</b>, figure: joules_per_image,
     axis: batch, from: 32, to: 64, expect: equal, margin: 0.02, control: true}
"""


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("effects") / "outputs"
    store_study(folder, "first", toy_study.grid())
    store_study(folder, "own-smoke-a", toy_study.grid())
    (folder.parent / "own.yaml").write_text(OWN, encoding="utf-8")
    return folder


def run(outputs: Path, *words: object) -> int:
    return main([*map(str, words), "--outputs", str(outputs)])


def test_effects_are_told_in_lines_that_fit(
    outputs: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert run(outputs, "effects", "first", "batch", "--min-accuracy", "0.8") == 0
    said = capsys.readouterr().out
    assert all(len(line) <= 80 for line in said.splitlines())
    assert "batch=64 instead of 32" in said
    assert "joules an epoch" in said and "-50 %" in said and "same work" in said


def test_effects_as_json_are_those_of_the_axes_that_were_typed(
    outputs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (
        run(outputs, "effects", "first", "batch", "epochs", "--min-accuracy", "0.8", "--json") == 0
    )
    found = json.loads(capsys.readouterr().out)
    assert {one["axis"] for one in found["effects"]} == {"batch", "epochs"}
    epoch = next(one for one in found["effects"] if one["figure"] == "joules_per_epoch")
    assert epoch["estimate"] == pytest.approx(0.5)
    assert epoch["interval"][0] < 0.5 < epoch["interval"][1]
    assert found["joules_spread"]["first"]["ratio"] > 1
    assert found["linearity"]["first"] is None  # its readings are not of single epochs


def test_the_front_that_seeds_attain_takes_seeds(
    outputs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(outputs, "effects", "first", "lr", "--front", "--json") == 0
    assert json.loads(capsys.readouterr().out)["attained"] == {"first": None}
    assert run(outputs, "effects", "first", "lr", "--front") == 0
    assert "type seed=0,1,2 behind -m" in capsys.readouterr().out


def test_a_reference_is_a_trial_of_one_study(
    outputs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(outputs, "effects", "first", "--as-accurate-as", "999") == 2
    assert "type one that front shows" in capsys.readouterr().err
    words = ("effects", "first", "own-smoke-a", "--as-accurate-as", "0")
    assert run(outputs, *words) == 2
    assert "type one NAME" in capsys.readouterr().err


def test_a_claim_of_ones_own_is_judged(
    outputs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page, shared = tmp_path / "own.html", tmp_path / "own.json"
    words = ("verdict", outputs.parent / "own.yaml", "--to", page, "--share", shared)
    assert run(outputs, *words, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert [one["answer"] for one in found["claims"]] == ["supported", "not decided here"]
    assert found["machine"]["device_class"] == "Toy CPU, 2 cores"
    assert json.loads(shared.read_text())["claims"] == found["claims"]
    html = page.read_text()
    assert "supported" in html and "&lt;b&gt;" in html and "<b>and" not in html
    assert run(outputs, *words[:2], "--against", shared) == 0
    said = capsys.readouterr().out
    assert "1 supported, 0 contradicted, 0 not decided here" in said
    assert "2: Toy CPU, 2 cores" in said
    assert run(outputs, "verdict", outputs.parent / "own.yaml", "--against", page) == 2
    assert "was not written by verdict --share" in capsys.readouterr().err


def test_the_sweeps_of_an_experiment_are_commands(outputs: Path) -> None:
    preset = read_preset(outputs.parent / "own.yaml")
    plan = preset.size("smoke").sweeps[0]
    words = words_of(preset, plan, "smoke", Path("outputs"))
    assert words == ["-m", "batch=32,64", "meter=replay", "name=own-smoke-a"]


def test_a_sweep_that_starts_from_another_is_not_priced_before_that(
    outputs: Path, tmp_path: Path
) -> None:
    preset = load_preset("power_of_training")
    reused = next(one for one in preset.size("full").sweeps if one.name == "reused")
    source = "power_of_training-source"
    assert starts_from(preset, reused, "full", tmp_path) == source
    store_study(tmp_path, source, toy_study.grid())
    assert not starts_from(preset, reused, "full", tmp_path)
    assert not starts_from(preset, preset.size("full").sweeps[0], "full", tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("figure: joules_per_epoch", "figure: watts", "claim 1 has figure watts: write one of"),
        ("expect: equal, margin: 0.02", "expect: equal", "claim 2 expects equal by no margin"),
        ("from: 32, to: 64, expect: {", "from: 32, to: 32, expect: {", "two sides that are one"),
        ("{ratio: [0.4, 0.6]}", "{ratio: [6, 4]}", "no two ends of a ratio"),
        ("n: 3", "seeds: 3", "claim 1 has seeds, which says nothing there"),
        ("key: images", "key: halves", "two claims that are called halves"),
        ("words: [", "words: [name=x, ", "name=x is set by the experiment"),
        ("question:", "question: [", "is no YAML"),
        ("claims:", "claim:", "has no claims"),
    ],
)
def test_what_is_wrong_with_a_file_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], old: str, new: str, said: str
) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(OWN.replace(old, new), encoding="utf-8")
    assert run(tmp_path / "outputs", "experiment", path, "--dry-run") == 2
    line = capsys.readouterr().err
    assert said in line and len(line.splitlines()) == 1


def test_nothing_that_was_run_is_said_with_what_to_type(
    outputs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path, "verdict", outputs.parent / "own.yaml") == 2
    assert "--size smoke" in capsys.readouterr().err
    assert run(outputs, "verdict", "nope") == 2
    assert "no experiment is called nope" in capsys.readouterr().err
    assert run(outputs, "effects", "first", "optimizer") == 2
    assert "type one of its axes" in capsys.readouterr().err


def test_those_that_come_along_are_whole_and_no_option_of_hydra(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(BadInput, match="no experiment is called smoke"):
        load_preset("smoke")
    for name in known_presets():
        preset = load_preset(name)
        assert "smoke" in preset.sizes and preset.source and preset.question
        assert main(["-m", f"experiment={name}", "experiment.size=smoke"]) == 2
        assert f"type python -m energy_sweep experiment {name}" in capsys.readouterr().err


def test_verbs_that_judge_nothing_load_neither_numpy_nor_optuna() -> None:
    asked = "import sys, energy_sweep.app.verbs.options"
    code = f"{asked}; sys.exit(any(name in sys.modules for name in ('numpy', 'optuna')))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_an_accuracy_in_percent_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["effects", "--min-accuracy", "90"]) == 2
    assert "90 is not between 0 and 1, such as .95" in capsys.readouterr().err
