"""An undisturbed sweep, and what the verbs truly say of it; one of each per process."""

from __future__ import annotations

import functools
import json
import mmap
import os
import re
import shutil
import signal
import struct
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.chaos.base import SWEEP, TRAINING, Ran, run_fork

DEPLOYED = ("config.yaml", "labels.json", "model.onnx")  # what deploying twice writes alike
EVENTS = ("os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.truncate", "os.link")


@dataclass(frozen=True)
class World:
    """A folder with `out/study`, how many places it could have died at, and its truth."""

    folder: Path
    events: int
    truth: dict[str, Any]
    choice: str
    said: str  # what `front` says beside its document


def front(folder: Path) -> Ran:
    return run_fork(["front", "study", "--json", "--outputs", str(folder / "out")], folder)


def choose(folder: Path) -> Ran:
    return run_fork(["choose", "study", "--outputs", str(folder / "out")], folder)


def stages(folder: Path) -> Ran:
    return run_fork(["stages", "study", "--outputs", str(folder / "out")], folder)


def report(folder: Path, target: Path) -> Ran:
    words = ["report", "study", "--outputs", str(folder / "out"), "--to", str(target)]
    return run_fork(words, folder)


def dashboard(folder: Path) -> Ran:
    """Start the dashboard, and stop it as soon as it has told its address."""
    words = ["dashboard", "study", "--outputs", str(folder / "out"), "--port", "0", "--no-browser"]
    return run_fork(words, folder, until="http://")


def deploy(folder: Path) -> Ran:
    target = folder / "deployed"
    shutil.rmtree(target, ignore_errors=True)
    words = ["deploy", "study", "--outputs", str(folder / "out"), "--to", str(target)]
    return run_fork(words, folder, seconds=TRAINING)


def deployed_files(target: Path) -> dict[str, str]:
    found = {name: target / name for name in DEPLOYED if (target / name).exists()}
    return {name: plain_text(path.read_bytes().decode("latin1")) for name, path in found.items()}


def sweep(
    folder: Path, *, before: Callable[[], Any] | None = None, kill_after: float | None = None
) -> Ran:
    words = [*SWEEP, f"outputs={folder / 'out'}"]
    return run_fork(words, folder, seconds=TRAINING, before=before, kill_after=kill_after)


def without_times(document: dict[str, Any]) -> dict[str, Any]:
    """The front's document without the percentiles of latency, which no meter replays."""
    rows = {
        kind: [
            {key: value for key, value in row.items() if not key.startswith("latency_p")}
            for row in document[kind]
        ]
        for kind in ("front", "dominated")
    }
    return {**document, **rows}


def without_spent(document: dict[str, Any]) -> dict[str, Any]:
    """The front's document without times, nor what lost work is allowed to raise."""
    document = without_times(document)
    plain = {
        key: document[key] for key in document if key not in ("spent_joules", "overhead", "growth")
    }
    plain["bill"] = {
        stage: {key: value for key, value in row.items() if not key.startswith("spent_")}
        for stage, row in document["bill"].items()
        if stage != "lost"
    }
    return plain


def plain_text(text: str) -> str:
    """Without the folder a study lies in, or was copied from."""
    root = re.escape(tempfile.gettempdir())  # first, since pages are of long lines without it
    return re.sub(root + r"[^\s\"'=]*?/out\b", "FOLDER/out", text)


class Watch:
    """Counts the moments at which files change below a folder, and dies at one of them."""

    def __init__(self, folder: Path, deadly: int = 0) -> None:
        self.folder, self.deadly = str(folder), deadly
        self.shared = mmap.mmap(-1, 8)  # seen by the parent of the fork too

    @property
    def count(self) -> int:
        return struct.unpack("q", self.shared[:8])[0]

    def tick(self, *_: Any) -> None:
        number = self.count + 1
        self.shared[:8] = struct.pack("q", number)
        if number == self.deadly:
            os.kill(os.getpid(), signal.SIGKILL)

    def start(self) -> None:
        """Listen in the child: Python's audit events, synced files and commits of databases."""
        from sqlalchemy import Engine, event

        owner, sync = os.getpid(), os.fsync

        def hear(what: str, words: tuple[Any, ...]) -> None:
            if what not in ("open", *EVENTS) or os.getpid() != owner:
                return
            if what == "open" and not (isinstance(words[2], int) and words[2] & 3):
                return
            if self.folder in str(words[0]):
                self.tick()

        def fsync(handle: Any) -> None:
            sync(handle)
            self.tick()

        os.fsync = fsync
        event.listen(Engine, "commit", self.tick)
        sys.addaudithook(hear)


@functools.cache
def world() -> World:
    """The sweep that nothing disturbed, with its verbs' answers."""
    folder = Path(tempfile.mkdtemp(prefix="truth-"))
    watch = Watch(folder / "out")
    ran = sweep(folder, before=watch.start)
    assert ran.code == 0, ran.err
    seen, chosen = front(folder), choose(folder)
    assert seen.code == chosen.code == 0, seen.err + chosen.err
    return World(
        folder=folder,
        events=watch.count,
        truth=json.loads(seen.out),
        choice=plain_text(chosen.out),
        said=seen.err,
    )


@functools.cache
def deployed_folder() -> Path:
    """What deploying from a copy of the undisturbed sweep makes: `out` stays as it was."""
    folder = Path(tempfile.mkdtemp(prefix="deployed-"))
    shutil.copytree(world().folder / "out", folder / "out")
    made = deploy(folder)
    assert made.code == 0, made.err
    return folder / "deployed"


def true_deployed() -> dict[str, str]:
    """What deploying from the undisturbed sweep writes."""
    return deployed_files(deployed_folder())


@functools.cache
def true_page() -> str:
    """What reporting on the undisturbed sweep writes, but for where it lies."""
    folder = Path(tempfile.mkdtemp(prefix="reported-"))
    shutil.copytree(world().folder / "out", folder / "out")
    made = report(folder, folder / "page.html")
    assert made.code == 0, made.err
    return page_of(folder / "page.html")


def page_of(path: Path) -> str:
    return plain_text(path.read_text(encoding="utf-8", errors="replace"))


@functools.cache
def true_stages() -> str:
    """What `stages` says of the undisturbed sweep."""
    listed = stages(world().folder)
    assert listed.code == 0, listed.err
    return plain_text(listed.out)
