"""What ends a process, what a terminal cannot show, and files and names that are no good."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks.formula import run_formula
from energy_sweep.app.main import main
from energy_sweep.app.sweep.ending import keep_process
from energy_sweep.deploy.holdout import read_looks
from energy_sweep.record import TrialResult
from energy_sweep.record.documents import read_json, read_settings
from energy_sweep.record.seal import Damaged

ROOT = Path(__file__).parents[3]
WORDS = ["meter=replay", "device=cpu", "device.plan=channels_last", "search/space=none"]
NET = """
import os
from torch import nn

class Ending(nn.Module):
    def __init__(self, kind, classes):
        super().__init__()
        self.kind, self.calls = kind, 0
        self.flat, self.linear = nn.Flatten(), nn.Linear(64, classes)
        if kind == "init":
            os._exit(0)

    def forward(self, images):
        self.calls += 1
        if self.kind == "forward" and self.training and self.calls > 3:
            os._exit(0)
        logits = self.linear(self.flat(images))
        if self.kind == "backward" and logits.requires_grad:
            logits.register_hook(lambda _: os._exit(0))
        return logits
"""
PART = """
from dataclasses import dataclass
from endingpackage.inner import Ending

@dataclass(frozen=True)
class Mine:
    name: str = "mine"
    kind: str = "none"
    def build(self, shape, classes):
        return Ending(self.kind, classes)
"""
OWN = ["model=own", "model._target_=endingpackage.net.Mine", "allow=[endingpackage]", "epochs=1"]


@pytest.fixture(autouse=True)
def in_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HYDRA_FULL_ERROR", raising=False)


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "endingpackage"
    folder.mkdir()
    (folder / "inner.py").write_text(NET)
    (folder / "net.py").write_text(PART)
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("endingpackage", "endingpackage.net", "endingpackage.inner"):
        monkeypatch.delitem(sys.modules, name, raising=False)


@pytest.mark.usefixtures("package")
@pytest.mark.parametrize("kind", ["init", "forward", "backward"])
def test_a_net_that_ends_the_process_is_a_line_and_no_success(
    kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [*OWN, f"+model.kind={kind}", "compression=none", *WORDS]
    assert main(words) in (1, 2)
    said = capsys.readouterr().err
    assert "exit(0)" in said or "SystemExit: 0" in said
    assert "Traceback" not in said


def test_a_sweep_goes_on_after_a_trial_that_ends_the_process(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def run(recipe: Any, **rest: Any) -> TrialResult:
        if recipe.batch == 32:
            os._exit(0)
        return run_formula(recipe, **rest)

    assert main(["-m", "batch=32,64", *WORDS], run=run) == 1
    said = capsys.readouterr()
    failed, measured, total = said.err.splitlines()[-3:]
    assert failed.startswith("trial 0  0/2  batch=32  failed: a part of the trial ended it by exit")
    assert measured.startswith("trial 1  1/2  batch=64  accuracy")
    assert total == "1 new, 1 failed; nothing is left in the space"
    assert "1 of 1 configurations on the front" in said.out


def test_children_still_end_by_themselves() -> None:
    with keep_process():
        child = os.fork()
        if child == 0:
            os._exit(7)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
        with pytest.raises(SystemExit):
            os._exit(0)


@pytest.mark.parametrize("errors", ["", ":strict"])
def test_a_terminal_without_letters_is_no_traceback(errors: str, tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONIOENCODING": f"ascii{errors}", "LC_ALL": "C"}
    for words in (["nämé=ü"], ["front", "日本"], ["--help"]):
        done = subprocess.run(
            [sys.executable, "-m", "energy_sweep", *words],
            cwd=tmp_path,
            env={**environment, "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"},
            capture_output=True,
            timeout=60,
        )
        assert done.returncode in (0, 2), done.stderr
        assert b"Traceback" not in done.stderr
        done.stdout.decode("ascii"), done.stderr.decode("ascii")


REFUSED_NAMES = ["name=" + 600 * "a", "name=" + 99 * "日", "name=\udcff"]
REFUSED_NAMES += ["compression.level=" + 1000 * "a", f"lr=[{','.join(750 * ['0.5'])}]"]


@pytest.mark.parametrize("word", REFUSED_NAMES)
def test_names_and_values_that_nothing_can_hold_are_refused(
    word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([word, *WORDS], run=run_formula) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.mark.parametrize("place", ["/proc/x.html", 300 * "a", "file/x.html"])
def test_a_page_that_cannot_be_written_is_a_line(
    place: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["-m", "name=mine", "batch=32", *WORDS], run=run_formula) == 0
    Path("file").write_text("")
    capsys.readouterr()
    assert main(["report", "mine", "--to", place]) in (1, 2)
    [line] = capsys.readouterr().err.splitlines()
    assert place in line


DAMAGES = {"emptied": b"", "cut": b'{"a', "no UTF-8": b'["\xff"]', "deep": b"[" * 100_000}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_documents_are_named_in_one_line(damage: str, tmp_path: Path) -> None:
    file = tmp_path / "test_split.json"
    file.write_bytes(DAMAGES[damage])
    for read in (read_json, read_settings, read_looks):
        with pytest.raises(Damaged, match=f"{file} is damaged") as told:
            read(file)
        assert "\n" not in str(told.value)
    assert file.read_bytes() == DAMAGES[damage]


@pytest.mark.parametrize("damage", [b"\xff\xfe", b"a: [", b"3", b"model: 3"])
@pytest.mark.no_cover
def test_deploy_names_the_damaged_configuration_of_a_trial(
    damage: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["-m", "name=mine", "batch=32", *WORDS], run=run_formula) == 0
    file = Path("outputs/mine/trials/0/.hydra/config.yaml")
    file.write_bytes(damage)
    capsys.readouterr()
    assert main(["deploy", "mine", "--trial", "0", "--to", "out"]) in (1, 2)
    said = capsys.readouterr().err
    assert len(said.splitlines()) == 1
    if damage != b"model: 3":
        assert f"{file} is damaged" in said
