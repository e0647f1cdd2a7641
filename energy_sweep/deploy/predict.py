"""Say what images show: python predict.py PATH ... (needs onnxruntime, numpy, pillow)."""

from __future__ import annotations

import argparse
import glob
import hashlib
import importlib
import io
import json
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER))  # where `reader` is, as training has it
SUMS = "SHA256SUMS"
Answer = dict[str, Any]


def main(arguments: Sequence[str] | None = None) -> int:
    """Answer for every file; 0 if all could be read, else 2."""
    options = _parser().parse_args(arguments)
    if (why := find_damage(FOLDER)) is not None:
        print(f"predict.py: {why}", file=sys.stderr)
        return 2
    try:
        net = Net(FOLDER)
    except ImportError as error:
        print(f"predict.py: {error}: type pip install onnxruntime numpy pillow", file=sys.stderr)
        return 2
    everything: list[Answer] = []
    failed = False
    for answer in net.answers(options.paths, options.batch):
        if why := answer.get("error") or answer.get("note"):
            print(f"predict.py: {answer['file']}: {why}", file=sys.stderr)
        failed |= "error" in answer
        if options.json:
            everything.append(answer)
        elif "error" not in answer:
            print(f"{answer['file']}: {answer['class']} ({answer['share']:.2f})", flush=True)
    if options.json:
        print(json.dumps(everything, indent=1))
    return 2 if failed else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="predict.py",
        description="Say what images show, one line each: FILE: CLASS (share of certainty).",
        epilog="Exit codes: 0 all were read, 2 some were not (a line each says why).",
    )
    parser.add_argument(
        "paths",
        nargs="+",
        metavar="PATH",
        help="an image, a folder (all images in it and below) or a pattern such as 'scans/*.png'",
    )
    parser.add_argument("--json", action="store_true", help="all shares and logits, as JSON")
    parser.add_argument(
        "--batch", type=_count, default=64, metavar="N", help="images at once (default 64)"
    )
    return parser


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} is no number of images: type --batch 64")
    return int(text)


def find_damage(folder: Path) -> str | None:
    """Why the files that answers come from are not those that were deployed; None where they are.

    `sha256sum -c SHA256SUMS` says it of all files, this one included.
    """
    cure = f"copy the folder again, or remove {SUMS} where the change is yours"
    try:
        lines = (folder / SUMS).read_text(encoding="utf-8").splitlines()
        pairs = [line.split("  ", 1) for line in lines]
        sums = {name: total for total, name in pairs}
    except FileNotFoundError:
        print(f"predict.py: {SUMS} is gone: nobody knows if the files are whole", file=sys.stderr)
        return None
    except (OSError, ValueError) as error:
        return f"{SUMS} is damaged ({error}): deploy again, or copy the folder again"
    for name in ("labels.json", "model.onnx", *(one for one in sums if one[:7] == "reader/")):
        try:
            found = hashlib.sha256((folder / name).read_bytes()).hexdigest()
        except OSError as error:
            return f"{name}: {error.strerror}: {cure}"
        if found != sums.get(name):
            return f"{name} is damaged or was changed: {cure}"
    return None


class Net:
    """The deployed net, with the names of its classes and the way its images are read."""

    def __init__(self, folder: Path):
        import onnxruntime

        notes = json.loads((folder / "labels.json").read_text(encoding="utf-8"))
        self.reader: Any = importlib.import_module("reader")
        self.classes: list[str] = notes["classes"]
        self.height, self.width = notes["shape"][1:]
        self.reading = self.reader.Reading(**notes["reading"])
        self.session = onnxruntime.InferenceSession(folder / "model.onnx")

    def answers(self, paths: Sequence[str], batch: int) -> Iterator[Answer]:
        """What each file shows, in order, `batch` at once; or the `error` with it."""
        waiting: list[Answer] = []
        for answer in self._read(paths):
            waiting.append(answer)
            if len(waiting) == batch:
                yield from self._answer_batch(waiting)
                waiting = []
        yield from self._answer_batch(waiting)

    def _read(self, paths: Sequence[str]) -> Iterator[Answer]:
        for given in paths:
            files = self._files(given)
            if not files:
                why = "no images in it" if Path(given).is_dir() else "no such file or folder"
                yield {"file": given, "error": why}
            for path in files:
                try:
                    picture = self.reader.read(path, self.reading)
                except self.reader.Unreadable as error:
                    yield {"file": str(path), "error": f"cannot be read as an image ({error})"}
                    continue
                pixels = self.reader.resize(picture.pixels, self.height, self.width)
                note = {} if picture.odd is None else {"note": picture.odd}
                yield {"file": str(path), "pixels": pixels, **note}

    def _files(self, given: str) -> list[Path]:
        path = Path(given)
        if path.is_dir():
            return self.reader.list_images(path)
        if path.exists():
            return [path]
        found = [Path(name) for name in sorted(glob.glob(given, recursive=True))]
        return [
            file
            for path in found
            for file in (self.reader.list_images(path) if path.is_dir() else [path])
        ]

    def _answer_batch(self, waiting: list[Answer]) -> Iterator[Answer]:
        import numpy as np

        if stack := [answer["pixels"] for answer in waiting if "pixels" in answer]:
            logits = iter(np.asarray(self.session.run(["logits"], {"images": np.stack(stack)})[0]))
            for answer in waiting:
                if "pixels" in answer:
                    answer |= self._describe(next(logits), answer.pop("pixels"))
        yield from waiting

    def _describe(self, logits: Any, pixels: Any) -> Answer:
        import numpy as np

        powers = np.exp(logits - logits.max())
        shares = dict(zip(self.classes, (powers / powers.sum()).tolist(), strict=True))
        best = self.classes[logits.argmax()]
        return {
            "class": best,
            "share": shares[best],
            "shares": shares,
            "logits": logits.tolist(),
            "pixels_sha256": hashlib.sha256(pixels.tobytes()).hexdigest(),
        }


if __name__ == "__main__":
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # names of files can hold anything
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:  # whoever read has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
