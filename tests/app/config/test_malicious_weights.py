"""Weights and graphs of a stranger's study, under valid digests: read as numbers or not at all."""

from __future__ import annotations

import json
import os
import pickle
from collections.abc import Callable
from pathlib import Path

import onnx
import pytest
from hostile import Plain
from safetensors.torch import save
from test_malicious_study import harmless, study, victim

from energy_sweep.record.seal import seal
from energy_sweep.runtime import Mismatch
from energy_sweep.runtime.onnx_file import read_graph
from tests.chaos.base import SWEEP

__all__ = ["study", "victim"]  # fixtures
ALONE = [word for word in SWEEP if word not in ("-m", "name=study", "search/space=none")]
MINE = [*(word for word in ALONE if "=" in word and "," not in word), "name=mine", "epochs=1"]


class Touch:
    """What makes a file as soon as it is unpickled."""

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, ("touch sprung",)


def _pickled(path: Path) -> None:
    path.write_bytes(pickle.dumps(Touch()))


def _with_header(path: Path) -> None:
    """Tensors without any, under a header that leads elsewhere."""
    document: Plain = {"sha256": "0" * 64, "home": "../../home/secret", "metadata": {}}
    path.write_bytes(save({}, metadata={"energy_sweep": json.dumps(seal(document))}))


def _deep(path: Path) -> None:
    path.write_bytes(save({}, metadata={"energy_sweep": "[" * 100_000}))


WEIGHTS = (_pickled, _with_header, _deep)


@pytest.mark.parametrize("attack", WEIGHTS)
def test_weights_of_theirs_are_no_code(
    attack: Callable[[Path], None], study: Path, victim: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in (study / "stages").glob("*/*/*.safetensors"):
        attack(path)
    code, said = harmless([*MINE, "model.pretrained=study/0"], victim, capsys)
    assert code == 2 and "model.pretrained=study/0" in said
    taught = ["compression=distill", "compression.level=0.5", "compression.teacher=study/0"]
    code, said = harmless([*MINE, *taught], victim, capsys)
    assert code == 2 and "compression.teacher=study/0" in said


@pytest.mark.no_cover
def test_names_of_stages_lead_nowhere(
    study: Path, victim: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = study / "trials" / "0" / "result.json"
    document = json.loads(path.read_text())
    document.pop("seal", None)
    for use in document["stages"]:
        use["key"] = "../../../home/secret"
    path.write_text(json.dumps(seal(document)))
    for name in ("study/0", "../outputs/study/0", str(study / "0")):
        code, said = harmless([*MINE, f"model.pretrained={name}"], victim, capsys)
        assert (code == 2 and "trained no weights" in said) or "holds no result" in said


def test_graphs_of_theirs_read_no_file_of_yours(study: Path, victim: Path) -> None:
    for path in (study / "stages").glob("*/*/template.onnx"):
        model = onnx.load(path)
        for tensor in model.graph.initializer:
            tensor.ClearField("raw_data")
            tensor.data_location = onnx.TensorProto.EXTERNAL
            place = os.path.relpath(victim / "secret", path.parent)
            tensor.external_data.add(key="location", value=place)
        path.write_bytes(model.SerializeToString())
        with pytest.raises(Mismatch, match="has its numbers in other files"):
            read_graph(path)
        path.write_bytes(b"\xff" * 100)
        with pytest.raises(Mismatch, match="is no graph"):
            read_graph(path)
