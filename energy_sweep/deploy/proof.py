"""What a deployed folder must do before it is handed out: answer in a fresh process as here."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy

from energy_sweep.dataset.base import Data, FromFiles
from energy_sweep.dataset.reader import Reading
from energy_sweep.dataset.storage import Pixels
from energy_sweep.deploy import reload
from energy_sweep.record import EnergySweepError, JsonDict
from energy_sweep.runtime import OnnxRuntime

TOLERANCE = 1e-4  # of a logit, and of the largest
DRAWN = 4  # test images that are written as files where the data set has none


def check_models(part: Path) -> None:
    """Raise EnergySweepError unless the models give a fresh process what they give this one."""
    done = _run(Path(reload.__file__), [str(part)])
    if done.returncode:
        raise EnergySweepError(f"a fresh process cannot run the files: {_last_line(done.stderr)}")
    found: Mapping[str, list[int]] = json.loads(done.stdout.splitlines()[-1])
    for name, expected in reload.answers(part).items():
        if (off := sum(a != b for a, b in zip(found[name], expected, strict=True))) > 0:
            raise EnergySweepError(f"{name} gives a fresh process {off} other answers")


def check_script(part: Path, source: object, data: Data) -> JsonDict:
    """Raise EnergySweepError unless predict.py, run as a stranger would, makes the same pixels and
    logits of image files as training does; says which files, by mode.

    They are some of each mode of the data set's own, where it has image files; else test images
    written as PNG.
    """
    with tempfile.TemporaryDirectory() as name:
        if isinstance(source, FromFiles):
            paths = [path.absolute() for path in source.examples()]
            images = [source.pixels(path, reading_of(data)) for path in paths]
        else:
            images = list(data.test.images[:DRAWN])
            paths = [
                _write_test_image(Path(name, f"{n}.png"), image) for n, image in enumerate(images)
            ]
        done = _run(part / "predict.py", ["--json", "--", *map(str, paths)])
        if done.returncode:
            raise EnergySweepError(f"predict.py cannot read the images: {_last_line(done.stderr)}")
        answers: list[JsonDict] = json.loads(done.stdout)
    logits = OnnxRuntime().open(part / "model.onnx", 1).predict(numpy.stack(images), len(images))
    for path, pixels, expected, answer in zip(paths, images, logits, answers, strict=True):
        if hashlib.sha256(pixels.tobytes()).hexdigest() != answer["pixels_sha256"]:
            raise EnergySweepError(f"predict.py reads {path} otherwise than training did")
        off = float(numpy.abs(numpy.array(answer["logits"]) - expected).max())
        if off > TOLERANCE * max(1.0, float(numpy.abs(expected).max())):
            raise EnergySweepError(f"predict.py is {off:.2g} off the logits of {path}")
    return {"files": len(paths), "of_the_data_set": isinstance(source, FromFiles)}


def reading_of(data: Data) -> Reading:
    """How image files become what the net was trained on."""
    return data.reading or Reading(channels=data.shape[0])


def _write_test_image(path: Path, pixels: Pixels) -> Path:
    from PIL import Image

    Image.fromarray(pixels[0] if len(pixels) == 1 else pixels.transpose(1, 2, 0)).save(path)
    return path


def _run(script: Path, arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(script), *arguments]
    return subprocess.run(command, capture_output=True, text=True)


def _last_line(text: str) -> str:
    return " ".join(text.strip().splitlines()[-1:])
