"""Damaged files of a study's store: named by what shows the study, made anew by the next sweep."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from energy_sweep.app.main import main

pytestmark = pytest.mark.slow

SWEEP = [
    *("-m", "meter=replay", "search/space=none", "model.width=4", "model.depth=2"),
    *("batch=128", "device.plan=channels_last", "lr=0.1", "compression.level=0,0.5"),
]
Damage = Callable[[Path], None]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    outputs = tmp_path_factory.mktemp("whole") / "outputs"
    assert main([*SWEEP, "epochs=3", "name=study", f"outputs={outputs}"]) == 0
    return outputs


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two horizons at once, undisturbed."""
    outputs = tmp_path_factory.mktemp("calm") / "outputs"
    assert main([*SWEEP, "epochs=3,4", "name=study", f"outputs={outputs}"]) == 0
    return outputs


@pytest.fixture
def outputs(whole: Path, tmp_path: Path) -> Path:
    shutil.copytree(whole, tmp_path / "outputs")
    return tmp_path / "outputs"


def front(outputs: Path, capsys: pytest.CaptureFixture[str]) -> tuple[dict[str, Any], str]:
    capsys.readouterr()
    assert main(["front", "study", "--outputs", str(outputs), "--json"]) == 0
    said = capsys.readouterr()
    return json.loads(said.out), said.err


def records(outputs: Path, stage: str) -> list[Path]:
    paths = sorted((outputs / "study" / "stages").glob("*/*/record-*.json"))
    return [path for path in paths if json.loads(path.read_text())["stage"] == stage]


def _digit(path: Path) -> None:
    text = path.read_text()
    at = text.index('"joules": ') + len('"joules": ')
    path.write_text(f"{text[:at]}{(int(text[at]) + 1) % 10}{text[at + 1 :]}")


DAMAGES: dict[str, Damage] = {
    "emptied": lambda path: path.write_bytes(b""),
    "a digit": _digit,
    "deleted": lambda path: path.unlink(),
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("stage", ["trunk", "compress", "evaluate", "infer"])
@pytest.mark.no_cover
def test_a_damaged_record_is_named_and_then_measured_again(
    whole: Path, outputs: Path, capsys: pytest.CaptureFixture[str], stage: str, damage: str
) -> None:
    truth, silence = front(whole, capsys)
    assert not silence
    DAMAGES[damage](records(outputs, stage)[0])
    code = main(["front", "study", "--outputs", str(outputs), "--json"])
    said = capsys.readouterr().err
    # Work that was measured nowhere else has no price, so that there is no front.
    assert code == 0 or (code == 1 and "cannot be priced" in said)
    assert "damaged: readings of 1 stage of trial" in said
    assert ("damaged: stage record" in said) == (damage != "deleted")
    assert main([*SWEEP, "epochs=3", "name=study", f"outputs={outputs}"]) == 0
    again, silence = front(outputs, capsys)
    assert not silence
    assert [row["accuracy"] for row in again["front"]] == [r["accuracy"] for r in truth["front"]]
    if stage != "infer":  # which takes as many windows as its weights are due
        assert again == truth


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.no_cover
def test_pools_beside_the_objectives_are_measured_again_too(
    outputs: Path, capsys: pytest.CaptureFixture[str], damage: str
) -> None:
    result = json.loads((outputs / "study/trials/1/result.json").read_text())
    key = result["facts"]["inference"]["1"]
    [path] = (outputs / "study/stages" / key[:2] / key).glob("record-*.json")
    DAMAGES[damage](path)
    front(outputs, capsys)
    assert main([*SWEEP, "epochs=3", "name=study", f"outputs={outputs}"]) == 0
    assert path.is_file() and not front(outputs, capsys)[1]


def test_a_window_taken_beside_a_graph_is_missed_and_taken_again(
    outputs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    windows = {path: json.loads(path.read_text()) for path in records(outputs, "calibrate")}
    [control] = [path for path, one in windows.items() if one["cost_key"] != one["key"]]
    control.unlink()
    assert "readings of 1 stage of trial" in front(outputs, capsys)[1]
    assert main([*SWEEP, "epochs=3", "name=study", f"outputs={outputs}"]) == 0
    assert control.is_file() and not front(outputs, capsys)[1]


@pytest.mark.parametrize("damage", ["cut", "flipped", "emptied", "no sum"])
@pytest.mark.no_cover
def test_a_damaged_file_of_a_graph_is_made_anew(
    calm: Path, outputs: Path, capsys: pytest.CaptureFixture[str], damage: str
) -> None:
    store = outputs / "study" / "stages"
    files = [path for path in store.glob("**/*.onnx") if path.is_file()]
    assert files and all(path.with_name(f"{path.name}.sha256").is_file() for path in files)
    for path in files:
        content = bytearray(path.read_bytes())
        if damage == "no sum":
            path.with_name(f"{path.name}.sha256").unlink()
        content[len(content) // 2] ^= damage == "flipped"
        path.write_bytes({"cut": content[: len(content) // 2], "emptied": b""}.get(damage, content))
    assert main([*SWEEP, "epochs=3,4", "name=study", f"outputs={outputs}"]) == 0
    found, truth = front(outputs, capsys)[0], front(calm, capsys)[0]
    for one in found["front"], truth["front"]:
        one.sort(key=lambda row: row["config"]["epochs"] + row["config"]["level"])
    accuracies = [[row["accuracy"] for row in one["front"]] for one in (found, truth)]
    assert accuracies[0] == accuracies[1]
