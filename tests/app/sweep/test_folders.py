"""No run and no sweep writes over another: folders are claimed before anything is written."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from benchmarks.formula import run_formula
from energy_sweep.app.main import main
from energy_sweep.app.sweep.folders import RUN_LOCK, make_numbered

RUN = ["meter=replay", "device.plan=channels_last"]
SWEEP = ["-m", *RUN, "search/space=none"]
STUDY = Path("outputs/digits-small_cnn")


@pytest.fixture(autouse=True)
def in_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HYDRA_FULL_ERROR", raising=False)


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The one line that a command is refused by, before any trial."""

    def run_nothing(*_: Any, **__: Any) -> Any:
        raise AssertionError("a trial was run")

    capsys.readouterr()
    assert main(arguments, run=run_nothing) == 2
    [line] = capsys.readouterr().err.splitlines()
    return line


def test_runs_of_one_moment_have_folders_of_their_own() -> None:
    stamp = "hydra.run.dir=runs/${now:%Y}"  # as coarse as no clock is
    for batch in (16, 32, 64):
        assert main([*RUN, f"batch={batch}", stamp], run=run_formula) == 0
    assert sorted(path.name[4:] for path in Path("runs").iterdir()) == ["", "-2", "-3"]
    for folder in Path("runs").iterdir():
        batch = json.loads((folder / "result.json").read_text())["config"]["batch"]
        assert f"batch: {batch}\n" in (folder / ".hydra" / "config.yaml").read_text()


def test_the_default_folder_says_the_time_and_is_made_once() -> None:
    assert main(RUN, run=run_formula) == 0
    [folder] = (STUDY / "runs").iterdir()
    assert make_numbered(folder).name == f"{folder.name}-2"


def test_who_makes_a_folder_first_has_it(tmp_path: Path) -> None:
    """By threads here and by processes alike: the file system decides, and no clock does."""
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(make_numbered, [tmp_path / "a" / "b"] * 24))
    assert len(set(made)) == 24
    code = "import sys, pathlib; from energy_sweep.app.sweep.folders import make_numbered\n"
    code += "for _ in range(5): print(make_numbered(pathlib.Path(sys.argv[1])))"
    command = [sys.executable, "-c", code, str(tmp_path / "c")]
    children = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    lines = [line for child in children for line in child.communicate()[0].splitlines()]
    assert len(lines) == len(set(lines)) == 10


def test_a_folder_that_was_typed_is_not_written_over(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*RUN, "hydra.run.dir=mine", "epochs=3"], run=run_formula) == 0
    before = {path: path.read_bytes() for path in Path("mine").rglob("*") if path.is_file()}
    line = refused(capsys, *RUN, "hydra.run.dir=mine", "epochs=5")
    assert line.startswith("hydra.run.dir=mine holds another run (result.json)")
    assert before == {path: path.read_bytes() for path in before}
    with FileLock(Path("mine") / RUN_LOCK):
        (Path("mine") / "result.json").unlink()
        assert "another one is writing there" in refused(capsys, *RUN, "hydra.run.dir=mine")
    assert main([*RUN, "hydra.run.dir=mine"], run=run_formula) == 0


def test_a_run_that_failed_leaves_its_folder_free() -> None:
    def crash(recipe: object, **_: object) -> Any:
        raise ZeroDivisionError("a bug")

    with pytest.raises(ZeroDivisionError):
        main([*RUN, "hydra.run.dir=."], run=crash)
    assert main([*RUN, "hydra.run.dir=."], run=run_formula) == 0


def test_no_other_sweeper_writes_over_a_study(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*SWEEP, "batch=32,64"], run=run_formula) == 0
    before = (STUDY / "trials/0/result.json").read_bytes(), (STUDY / "multirun.yaml").read_bytes()
    line = refused(capsys, *SWEEP, "batch=16,128", "hydra/sweeper=basic")
    assert line.startswith(f"hydra.sweep.dir={STUDY} holds another sweep (study.db)")
    trial = f"hydra.run.dir={STUDY}/trials/0"
    assert "holds another run (result.json)" in refused(capsys, *RUN, trial)
    line = refused(capsys, *SWEEP, "batch=16,128", "name=other", f"hydra.sweep.dir={STUDY}")
    assert f"type name={STUDY.name} to go on with it" in line
    after = (STUDY / "trials/0/result.json").read_bytes(), (STUDY / "multirun.yaml").read_bytes()
    assert before == after
    shutil.move(STUDY, "outputs/renamed")
    assert main([*SWEEP, "batch=32,64", "name=renamed"], run=run_formula) == 0


def test_an_emptied_study_is_not_written_over(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*SWEEP, "batch=32,64"], run=run_formula) == 0
    (STUDY / "study.jsonl").unlink()
    (STUDY / "study.db").write_bytes(b"")
    before = (STUDY / "trials/0/result.json").read_bytes()
    assert "holds a sweep without its study.db" in refused(capsys, *SWEEP, "batch=16")
    for kept in ("study.db", "study.jsonl"):  # one of them, emptied, is all that is left
        for name in ("study.db", "study.jsonl"):
            (STUDY / name).unlink(missing_ok=True)
        (STUDY / kept).write_bytes(b"")
        capsys.readouterr()
        assert main(["front", STUDY.name]) == 2
        said = capsys.readouterr().err
        assert "has lost its study.db and study.jsonl, one of which would do: move" in said
    assert (STUDY / "trials/0/result.json").read_bytes() == before


@pytest.mark.no_cover
def test_sweeps_of_other_sweepers_are_kept_too(capsys: pytest.CaptureFixture[str]) -> None:
    basic = [*SWEEP, "hydra/sweeper=basic"]
    assert main([*basic, "batch=32,64"], run=run_formula) == 0
    assert "holds another sweep (multirun.yaml)" in refused(capsys, *basic, "batch=16")
    assert "holds a sweep without its study.db" in refused(capsys, *SWEEP, "batch=16,32")
    for _ in range(2):
        stamp = "hydra.sweep.dir=${now:%Y}"
        assert main([*basic, "batch=16", stamp], run=run_formula) == 0
    assert len(list(Path().glob("[0-9]*/trials/0/result.json"))) == 2
