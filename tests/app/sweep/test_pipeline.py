"""The whole way on real images: sweep, choose, deploy, and check the file with numpy alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest

from energy_sweep.app.main import main
from energy_sweep.app.sweep.session import Sessions, TrialSession
from energy_sweep.meter import open_meter
from energy_sweep.store import StageStore

pytestmark = pytest.mark.slow

SWEEP = ["-m", "meter=replay", "search/space=none", "model.width=4", "model.depth=2"]
AXES = ["batch=64", "lr=0.1", "epochs=3", "compression.level=0,0.5"]


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pipeline") / "outputs"
    assert main([*SWEEP, *AXES, f"outputs={folder}"]) == 0
    return folder


def said(capsys: pytest.CaptureFixture[str], *words: object) -> dict[str, Any]:
    capsys.readouterr()
    assert main([*map(str, words), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("trial", [0, 1])
def test_the_deployed_file_is_as_accurate_as_it_says(
    outputs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], trial: int
) -> None:
    words = ["deploy", "--outputs", outputs, "--trial", trial, "--to", tmp_path]
    metrics = said(capsys, *words)
    assert metrics["test"] == json.loads((tmp_path / "metrics.json").read_text())["test"]
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    test = np.load(tmp_path / "test.npz")
    for batch in (1, 50):
        parts = [
            session.run(None, {"images": test["images"][start : start + batch]})[0].argmax(axis=1)
            for start in range(0, len(test["labels"]), batch)
        ]
        assert (np.concatenate(parts) == test["labels"]).sum() == metrics["test"]["correct"]
    assert metrics["validation"]["correct"] == metrics["validation_correct_in_study"]


@pytest.mark.no_cover
def test_the_chosen_command_gives_the_chosen_accuracy(
    outputs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chosen = said(capsys, "choose", "--outputs", outputs, "--knee")
    overrides = chosen["command"].split()[3:]
    own = [word for word in overrides if not word.startswith("outputs=")]
    assert main(["meter=replay", f"outputs={tmp_path}", *own]) == 0
    assert "plan: small_cnn 8x8 batch 64 fp32: contiguous" in capsys.readouterr().out
    [result] = tmp_path.glob("*/runs/*/result.json")
    again = json.loads(result.read_text())
    assert again["correct"] / again["n_validation"] == chosen["accuracy"]
    assert again["config"] == chosen["config"]


def test_pruning_really_removed_channels(outputs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = said(capsys, "front", "--outputs", outputs)
    rows = {row["params"]["compression.level"]: row for row in document["front"]}
    rows |= {row["params"]["compression.level"]: row for row in document["dominated"]}
    sizes = {}
    for level, row in rows.items():
        path = outputs / "digits-small_cnn" / "trials" / str(row["trial"]) / "result.json"
        sizes[level] = json.loads(path.read_text())["facts"]["parameters"]
    assert sizes[0.5] < 0.75 * sizes[0]


def test_a_store_over_its_limit_loses_weights_when_the_session_ends(tmp_path: Path) -> None:
    meter = open_meter("replay")
    store = StageStore(tmp_path, meter_id="m", limit_bytes=10)
    weights = store.folder("ab" * 32) / "epoch-00001.safetensors"
    weights.write_bytes(bytes(11))
    Sessions({"one": TrialSession(meter, store)}).close()
    assert not weights.exists()


@pytest.mark.parametrize(("old", "new"), [("seed: 0", "seed: 1"), ("lr: 0.1", "lr: 0.2")])
def test_a_changed_setting_of_a_trial_deploys_nothing(
    outputs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], old: str, new: str
) -> None:
    path = outputs / "digits-small_cnn/trials/0/.hydra/config.yaml"
    text = path.read_text()
    assert text.count(f"\n{old}\n") == 1
    path.write_text(text.replace(f"\n{old}\n", f"\n{new}\n"))
    try:
        words = ["deploy", "--outputs", outputs, "--trial", 0, "--to", tmp_path / "net"]
        assert main([*map(str, words)]) == 2
    finally:
        path.write_text(text)
    assert "trial 0: it ran with other settings than" in capsys.readouterr().err
    assert not (tmp_path / "net").exists()


@pytest.mark.parametrize("asked", ["${oc.env:TOKEN}", "x${oc.decode:'${lr}'}", "${${name}:TOKEN}"])
def test_a_stored_setting_reads_nothing_of_this_machine(
    outputs: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    asked: str,
) -> None:
    monkeypatch.setenv("TOKEN", "a secret")
    path = outputs / "digits-small_cnn/trials/0/.hydra/config.yaml"
    text = path.read_text()
    path.write_text(f"note: {json.dumps(asked)}\n{text}")
    try:
        words = ["deploy", "--outputs", outputs, "--trial", 0, "--to", tmp_path / "net"]
        assert main([*map(str, words)]) == 2
    finally:
        path.write_text(text)
    said = capsys.readouterr()
    assert f"{path}: note is {asked}, which a stored configuration may not ask for" in said.err
    assert "a secret" not in said.out + said.err and not (tmp_path / "net").exists()
