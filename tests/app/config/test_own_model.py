"""A model of the user's own: five lines, one command, and keys that follow its source."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from energy_sweep.app.main import main
from energy_sweep.recipe import spec
from energy_sweep.record import TrialResult

SOURCE = """
from dataclasses import dataclass
from torch import nn

@dataclass(frozen=True)
class Mine:
    name: str = "mine"
    width: int = 8
    def build(self, shape, classes):
        body = nn.Conv2d(shape[0], self.width, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(2)
        return nn.Sequential(*body, nn.Flatten(), nn.Linear(4 * self.width, classes))
"""
TYPED = ["model=own", "model._target_=mypackage.net.Mine", "allow=[mypackage]"]


@pytest.fixture
def package(tmp_path: Path) -> Path:
    folder = tmp_path / "mypackage"
    folder.mkdir()
    (folder / "net.py").write_text(SOURCE)
    return folder


@pytest.mark.slow
@pytest.mark.no_cover
def test_it_trains_and_is_deployed_from_the_command_line(package: Path) -> None:
    here, root = package.parent, Path(__file__).parents[3]
    words = ["+model.width=4", "dataset=digits", "epochs=1", "device=cpu", "meter=replay"]
    words.append("device.plan=channels_last")
    done = subprocess.run(
        [sys.executable, "-m", "energy_sweep", *TYPED, *words],
        cwd=here,
        env={**os.environ, "PYTHONPATH": f"{root}{os.pathsep}{here}"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    [path] = here.glob("outputs/digits-own/runs/*/result.json")
    result = json.loads(path.read_text())
    assert result["config"]["model"] == {
        "name": "own",
        "width": 4,
        "class": "mypackage.net.Mine",
        "source": hashlib.sha256((package / "net.py").read_bytes()).hexdigest(),
    }
    found = {"parameters": 4 * 9 + 4 + 16 * 10 + 10, "macs": 4 * 9 * 36 + 16 * 10}
    found["weight_bytes"] = 4 * found["parameters"]
    assert result["facts"]["dense"] == found
    assert found.items() <= result["facts"].items()
    assert result["correct"] is not None


def loaded(file: Path) -> Any:
    """The model in a file, in a module that was imported just now, as a new process would."""
    place = importlib.util.spec_from_file_location("mypackage.net", file)
    assert place is not None and place.loader is not None
    module = importlib.util.module_from_spec(place)
    sys.modules["mypackage.net"] = module
    place.loader.exec_module(module)
    return module.Mine()


def test_a_changed_source_changes_its_settings(
    package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "mypackage.net", None)  # so that it is gone afterwards
    file = package / "net.py"
    before, again = spec(loaded(file)), spec(loaded(file))
    file.write_text(SOURCE.replace("nn.ReLU()", "nn.Tanh()"))
    after = spec(loaded(file))
    assert before == again != after
    assert {k: v for k, v in before.items() if k != "source"} == {
        k: v for k, v in after.items() if k != "source"
    }


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["model=own"], "model._target_ has no value: type model._target_=mypackage.net.Mine"),
        (TYPED[:2], "type 'allow=[mypackage]' if you trust it"),
        ([*TYPED, "model.width=4"], "model.pretrained_share (or +model.width=VALUE, if your"),
        ([*TYPED, "+model.depth=4"], "model.depth does not exist: type one of name, width"),
        ([*TYPED, "model._target_=mypackage.net.Yours"], "Yours cannot be found: module"),
        (["model=mobilenet_v2", "model.depth=2"], "model.depth does not exist: type one of model."),
        (["model=mobilenet_v2", "+model.conv=standard"], "model.conv does not exist: type one of"),
        (["model=resnet18", "model.weights=imagenet", "model.depth=2"], "with model.depth=1, not"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_line(
    package: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    line: str,
) -> None:
    monkeypatch.syspath_prepend(package.parent)
    for name in ("mypackage", "mypackage.net"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    assert main([*words, f"outputs={package.parent}"]) == 2
    said = capsys.readouterr().err
    assert line in said and len(said.splitlines()) == 1


BAD_NETS = {
    "return nn.Identity()": "gives logits of shape [2, 1, 8, 8] for 2 images of 10 classes",
    "return nn.Sequential(nn.Flatten(), nn.Linear(64, 3))": "gives logits of shape [2, 3]",
    "return nn.Sequential(nn.Flatten(), nn.Unflatten(1, (8, 8)), nn.GRU(8, 10))": "gives a tuple",
    "raise ValueError('no such width')": "ValueError: no such width",
    "sys.exit(0)": "SystemExit: 0",
}


@pytest.mark.parametrize("sweep", [[], ["-m", "lr=0.1,0.2"]], ids=["lone", "sweep"])
@pytest.mark.parametrize("body", BAD_NETS)
def test_a_net_that_is_none_is_told_in_one_line_before_a_joule(
    body: str,
    sweep: list[str],
    package: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    source = SOURCE.replace("body = nn", f"{body}\n        body = nn")
    (package / "net.py").write_text(f"import sys\n{source}")
    monkeypatch.syspath_prepend(package.parent)
    for name in ("mypackage", "mypackage.net"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    words = [*sweep, *TYPED, "search/space=none", "compression=none", "device=cpu", "meter=replay"]
    assert main([*words, f"outputs={package.parent}"]) == 2
    said = capsys.readouterr().err.splitlines()
    assert BAD_NETS[body] in said[-1]
    assert not list(package.parent.rglob("record-*.json"))


def test_a_part_that_ends_the_program_fails_its_trial(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def end(*_: object, **__: object) -> TrialResult:
        sys.exit(0)

    words = ["meter=replay", "search/space=none", "device=cpu", "device.plan=contiguous"]
    assert main([*words, f"outputs={tmp_path}"], run=end) == 1
    assert "ended it by exit(0)" in capsys.readouterr().err
    assert main(["-m", "lr=0.1,0.2", *words, f"outputs={tmp_path}"], run=end) == 1
    assert "ended it by exit(0)" in capsys.readouterr().err
