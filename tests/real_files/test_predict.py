"""What is deployed answers about files as training's reader would, for every mode that it read."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from picture_files import png
from pictures import SHOWN

from energy_sweep.compression import NoCompression
from energy_sweep.dataset.folder import Folder
from energy_sweep.dataset.reader import Reading
from energy_sweep.deploy import deploy
from energy_sweep.deploy.proof import check_script
from energy_sweep.device import Device
from energy_sweep.meter import meter_id, open_meter
from energy_sweep.model.small_cnn import SmallCNN
from energy_sweep.optimizer import SGD
from energy_sweep.recipe import Recipe
from energy_sweep.record import EnergySweepError
from energy_sweep.runtime import OnnxRuntime
from energy_sweep.store import StageStore
from energy_sweep.trial import run_trial


@dataclass(frozen=True, kw_only=True)
class Made:
    """A net that was trained on one file of every mode, and where it was deployed."""

    source: Folder
    files: list[Path]
    folder: Path

    def logits(self, pixels: np.ndarray) -> np.ndarray:
        return OnnxRuntime().open(self.folder / "model.onnx", 1).predict(pixels, 16)

    def predict(self, *words: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, self.folder / "predict.py", *words],
            capture_output=True,
            text=True,
            env=os.environ | environment,
        )


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    base = tmp_path_factory.mktemp("pictures")
    files: list[Path] = []
    for n, (name, case) in enumerate(SHOWN.items()):
        path = base / "root" / "ab"[n % 2] / f"{name.replace(' ', '_')}.{case.end}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(case.data)
        files.append(path)
    source = Folder(root=str(base / "root"), resolution=12, near_bits=0, cache=None)
    recipe = Recipe(
        dataset=source,
        model=SmallCNN(width=4, depth=2),
        optimizer=SGD(lr=0.05),
        compression=NoCompression(),
        runtime=OnnxRuntime(),
        device=Device(name="cpu", plan="contiguous"),
        batch=16,
        lr=0.05,
        epochs=1,
    )
    meter = open_meter("replay")
    store = StageStore(base / "stages", meter_id=meter_id(meter.facts()))
    result = run_trial(recipe, meter=meter, store=store)
    folder, config = base / "deployed", {"epochs": 1}
    origin = {"study": "toy", "trial": 0, "command": "python -m energy_sweep"}
    looks_file = base / "looks.json"
    deploy(
        recipe, result, folder,
        meter=meter, store=store, looks_file=looks_file, config=config, origin=origin,
    )  # fmt: skip
    return Made(source=source, files=files, folder=folder)


def test_every_mode_gives_the_pixels_and_logits_of_training(made: Made, tmp_path: Path) -> None:
    (tmp_path / "energy_sweep").mkdir()
    forbidden = "raise SystemExit('a stranger has no energy_sweep')"
    (tmp_path / "energy_sweep" / "__init__.py").write_text(forbidden)
    done = made.predict("--json", "--batch", "7", *made.files, PYTHONPATH=str(tmp_path))
    assert done.returncode == 0 and done.stderr == "", done.stderr
    answers = json.loads(done.stdout)
    assert [answer["file"] for answer in answers] == [str(path) for path in made.files]
    data = made.source.load()
    assert data.reading == Reading(channels=3, whole=(-1000, 100_000), real=(0, 1023))
    pixels = np.stack([made.source.pixels(path, data.reading) for path in made.files])
    sides = (data.train, data.validation, data.test)
    trained_on = {image.tobytes() for side in sides for image in side.images}
    assert {image.tobytes() for image in pixels} == trained_on
    expected = made.logits(pixels)
    found = np.array([answer["logits"] for answer in answers])
    assert np.abs(found - expected).max() <= 1e-4
    labels = [data.classes[index] for index in expected.argmax(axis=1)]
    assert [answer["class"] for answer in answers] == labels
    for answer in answers:
        assert sum(answer["shares"].values()) == pytest.approx(1)
        assert answer["share"] == max(answer["shares"].values())


def test_the_proof_took_files_of_every_mode(made: Made) -> None:
    proof = json.loads((made.folder / "metrics.json").read_text())["dataset"]["proof"]
    assert proof["of_the_data_set"] and proof["files"] >= 30


def test_a_reader_that_gives_other_pixels_is_no_deployment(made: Made) -> None:
    class Other(Folder):
        def pixels(self, path: Path, reading: Reading) -> np.ndarray:
            return super().pixels(path, reading) ^ 1

    source = Other(root=made.source.root, resolution=12)
    with pytest.raises(EnergySweepError, match=r"predict.py reads .* otherwise than training"):
        check_script(made.folder, source, made.source.load())


def test_help_and_no_argument(made: Made) -> None:
    asked, nothing, wrong = (
        made.predict("--help"),
        made.predict(),
        made.predict("--batch", "0", "x"),
    )
    assert asked.returncode == 0 and "PATH" in asked.stdout and "--json" in asked.stdout
    assert (
        nothing.returncode == 2 and nothing.stdout == "" and "usage: predict.py" in nothing.stderr
    )
    assert wrong.returncode == 2 and "type --batch 64" in wrong.stderr


def test_folders_patterns_and_files_that_cannot_be_read(made: Made, tmp_path: Path) -> None:
    (tmp_path / "in" / ".ipynb_checkpoints").mkdir(parents=True)
    (tmp_path / "none").mkdir()
    for name in ("a.png", "b.png", "[1].png", ".ipynb_checkpoints/a.png"):
        (tmp_path / "in" / name).write_bytes(png([[0, 200], [100, 50]]))
    (tmp_path / "in" / "broken.png").write_bytes(b"<html>")
    (tmp_path / "in" / "notes.txt").write_text("no image")
    deep = tmp_path / "deep.png"
    deep.write_bytes(png([[0, 65535]], bits=16))

    whole = made.predict(tmp_path / "in", tmp_path / "gone.png", deep)
    assert whole.returncode == 2
    named = [line.split(": ")[0] for line in whole.stdout.splitlines()]
    found = [tmp_path / "in" / name for name in ("[1].png", "a.png", "b.png")]
    assert named == [str(path) for path in (*found, deep)]
    assert all(line.endswith(")") and ": " in line for line in whole.stdout.splitlines())
    assert whole.stderr.splitlines() == [
        f"predict.py: {tmp_path}/in/broken.png: cannot be read as an image"
        " (it holds no image of a known form)",
        f"predict.py: {tmp_path}/gone.png: no such file or folder",
    ]
    pattern = made.predict(tmp_path / "in" / "?.png", tmp_path / "in" / "[1].png")
    assert pattern.returncode == 0 and len(pattern.stdout.splitlines()) == 3
    empty = made.predict("--json", tmp_path / "none", tmp_path / "*.jpg")
    assert empty.returncode == 2
    assert [one["error"] for one in json.loads(empty.stdout)] == [
        "no images in it",
        "no such file or folder",
    ]


def test_values_beyond_those_of_the_data_set_are_cut_and_said(made: Made, tmp_path: Path) -> None:
    from picture_files import tiff

    path = tmp_path / "bright.tif"
    path.write_bytes(tiff([[0, 200_000]], "<i4"))
    done = made.predict(path)
    assert done.returncode == 0 and len(done.stdout.splitlines()) == 1
    assert done.stderr.splitlines() == [
        f"predict.py: {path}: values 0 to 200000 are cut to -1000 to 100000"
    ]
