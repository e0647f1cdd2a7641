"""Clearing a store touches no other study's weights, and none that somebody works with."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import toy_study
import yaml
from stored_study import store_study

from benchmarks.formula import run_formula
from energy_sweep.app.main import main
from energy_sweep.store import StageStore
from energy_sweep.study.stored import stage_root

HOLD = """
import sys, time
from energy_sweep.store import StageStore
store = StageStore(sys.argv[1], meter_id="x")
store.claim.hold()
print("claimed", flush=True)
time.sleep(60)
"""


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """A study with a file of weights, whose own file names its store by an absolute path."""
    folder = store_study(tmp_path / "outputs", "toy", toy_study.grid())
    weights(folder).write_bytes(b"weights")
    settings = {"stages": str(folder / "stages")}
    (folder / "multirun.yaml").write_text(yaml.safe_dump(settings))
    return folder


def weights(folder: Path) -> Path:
    [first, *_] = sorted((folder / "stages").glob("*/*/record-*.json"))
    return first.with_name("epoch-00001.safetensors")


def test_a_copy_is_cleared_and_its_original_is_not(study: Path) -> None:
    copy = study.with_name("copy")
    shutil.copytree(study, copy)
    assert main(["stages", str(copy), "--clear"]) == 0
    assert weights(study).exists() and not weights(copy).exists()
    assert main(["stages", str(study), "--clear"]) == 0
    assert not weights(study).exists()


@pytest.mark.no_cover
def test_a_study_names_its_own_store_by_its_own_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    words = ["-m", "meter=replay", "search/space=none", "lr=0.1,0.2", "device.plan=contiguous"]
    for more, stages in (([], "stages"), (["stages=shared", "name=two"], str(tmp_path / "shared"))):
        assert main([*words, *more], run=run_formula) == 0
        folder = Path("outputs", "two" if more else "digits-small_cnn")
        assert yaml.safe_load((folder / "multirun.yaml").read_text())["stages"] == stages
        assert stage_root(folder).resolve() == (folder / stages).resolve()


@pytest.mark.parametrize("text", ["", "stages: [1", "- 1\n", "stages: 3\n", "\xff"])
def test_a_damaged_file_of_the_sweep_hides_no_study(
    study: Path, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (study / "multirun.yaml").write_text(text, encoding="latin-1")
    assert main(["front", str(study)]) == 0
    assert "on the front" in capsys.readouterr().out


def test_a_store_that_somebody_works_with_is_not_cleared(
    study: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [sys.executable, "-c", HOLD, str(study / "stages")]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None and other.stdout.readline() == "claimed\n"
        code = main(["stages", str(study), "--clear"])
        other.kill()
    assert code == 2
    assert "or with its stages" in capsys.readouterr().err and weights(study).exists()
    assert main(["stages", str(study), "--clear"]) == 0
    assert not weights(study).exists()
    assert not list((study / "stages" / ".claims").glob("*.lock"))


def test_a_claim_ends_with_its_release(tmp_path: Path) -> None:
    one, two = (StageStore(tmp_path, meter_id="x") for _ in range(2))
    one.claim.hold()
    one.claim.hold()
    assert two.claim.is_held_by_any()
    one.claim.release()
    assert not two.claim.is_held_by_any()
