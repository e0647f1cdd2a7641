"""A place where the program runs, and what is done there: the main job and the quick tests."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

SWEEP = "-m batch=32,64 epochs=1 lr=0.1 compression.level=0,0.5"
PICTURE = (
    "import numpy, PIL.Image; images = numpy.load('deployed/test.npz')['images'];"
    " PIL.Image.fromarray(images[0].squeeze()).save('digit.png')"
)
# Every module, with warnings of our own code as errors; what an extra brings may be missing.
IMPORTS = """
import importlib, pkgutil, sys, warnings
warnings.filterwarnings("error", module=r"(.*\\W)?(energy_sweep|hydra_plugins)\\b")
import energy_sweep, hydra_plugins.energy_sweep
for module in pkgutil.walk_packages(energy_sweep.__path__, "energy_sweep."):
    if not module.name.endswith("__main__"):
        try:
            importlib.import_module(module.name)
        except ModuleNotFoundError as missing:
            if missing.name.partition(".")[0] == "energy_sweep":
                raise
"""
# What `Place.holds` may speak of.
SPOKEN_OF = """
import locale, os, sys, tempfile, time, energy_sweep
from energy_sweep.hardware.cpu import usable_cores
"""
# What depends on the interpreter, the user, the folders, the clock and the cores.
QUICK = [
    *("record", "hardware", "text", "deploy", "app/config/test_plain_values.py"),
    *("test_store.py", "study/test_study.py", "dataset/test_cache.py"),
    *("meter/test_window_lock.py", "meter/test_open_meter.py"),
]
SECONDS = 1800.0
SHOWN_LINES = 30


class PlaceFailed(Exception):
    """A command went wrong in a place; the words say which, and what it said."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where commands run: how they are started, with which Python, where, and what holds there."""

    name: str
    python: Path
    folder: Path
    checks: Path  # the tests, beside which there is no package: what is installed is tested
    before: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    holds: str = "True"  # an expression that is true in this place

    def run(self, words: Sequence[str], folder: Path | None = None) -> str:
        """What Python says of these words; PlaceFailed where it ends badly."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
        command = [*self.before, str(self.python), *words]
        try:
            done = subprocess.run(
                command,
                cwd=folder or self.folder,
                env={**kept, **self.environment},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                timeout=SECONDS,
            )
        except subprocess.TimeoutExpired as late:
            raise PlaceFailed(f"{' '.join(words)[:200]}: not done in {SECONDS:g} s") from late
        if done.returncode or "Traceback (most recent call last)" in done.stdout:
            last = "\n".join(done.stdout.splitlines()[-SHOWN_LINES:])
            raise PlaceFailed(f"{' '.join(words)[:200]}: exit code {done.returncode}\n{last}")
        return done.stdout

    def prove(self) -> None:
        """See that this place is what it is called, and that the package is not the checkout's."""
        self.run(["-c", f"{SPOKEN_OF}sys.exit(0 if {self.holds} else {self.holds!r})"])
        said = self.run(["-c", "import energy_sweep; print(ascii(energy_sweep.__file__))"])
        if "site-packages" not in said:
            raise PlaceFailed(f"not what is installed, but {said}")

    def main_job(self) -> float:
        """Sweep, look, choose, deploy, predict: how many seconds that took."""
        begun = time.monotonic()
        package = ("-m", "energy_sweep")
        self.run([*package, *SWEEP.split()])
        self.run([*package, "front"])
        self.run([*package, "choose", "--min-accuracy", "0.1"])
        self.run([*package, "deploy", "--to", "deployed", "--min-accuracy", "0.1"])
        self.run(["-c", PICTURE])
        said = self.run(["deployed/predict.py", "digit.png"])
        if not said.strip().splitlines()[-1].startswith("digit.png: "):
            raise PlaceFailed(f"predict.py said {said}")
        return time.monotonic() - begun

    def imports(self) -> None:
        """Every module is imported, and none of ours warns."""
        self.run(["-c", IMPORTS])

    def quick_tests(self) -> float:
        """The quick tests: how many seconds they took."""
        begun = time.monotonic()
        options = ["-m", "pytest", "-n", "2", "--dist", "worksteal", "-q", "-p", "no:cacheprovider"]
        kind = ["-m", "not contracts and not slow"]
        self.run([*options, *kind, *(f"tests/{file}" for file in QUICK)], self.checks)
        return time.monotonic() - begun
