"""Meters to measure, their stand-in hardware, and processes to measure them in."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
RAPL, NVML, POWER = "rapl, fake tree", "nvml, fake board", "nvml power, fake board"
COUNTERS = (RAPL, NVML)


@dataclass(frozen=True)
class Subject:
    """A meter of ours: how it is opened, and the environment in which it sees its hardware."""

    name: str
    spec: Any
    environment: Mapping[str, str]


class Desk:
    """Runs jobs in processes of their own; those of peers with `peers`, where it has them."""

    def __init__(self, peers: str | None, folder: Path) -> None:
        self._peers = peers
        self._folder = folder

    def job(self, name: str, *arguments: Any, environment: Mapping[str, str] = os.environ) -> Any:
        """The result of a job of ours, or its last words under `problem`."""
        command = [sys.executable, "-m", "benchmarks.meter_jobs", name, json.dumps(arguments)]
        # Locks of windows live there: jobs that sleep at the same time are not to wait in turn.
        folder = tempfile.mkdtemp(dir=self._folder)
        return _result(command, {**environment, "TMPDIR": folder})

    def peer(self, name: str, *arguments: Any) -> Any:
        """The same of a peer."""
        if self._peers is None:
            return {"problem": "not installed"}
        script = str(ROOT / "benchmarks" / "meter_peers.py")
        return _result([self._peers, script, name, json.dumps(arguments)], os.environ)

    @contextmanager
    def rival(self) -> Iterator[None]:
        """Another program that keeps the core of `work` busy."""
        command = [sys.executable, "-m", "benchmarks.meter_jobs", "rival", "[60]"]
        rival = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
        time.sleep(0.3)
        try:
            yield
        finally:
            rival.kill()
            rival.wait()


@contextmanager
def subjects_of(folder: Path) -> Iterator[Sequence[Subject]]:
    """Our meters; the stand-in hardware of counters moves while the body runs."""
    from tests.meter.fake_nvml import ENERGY, NOT_SUPPORTED, FakeBoard, FakeNvml
    from tests.meter.fake_powercap import machine

    rapl = {"name": "rapl", "powercap": str(folder / "powercap"), "self_check": False}
    nvml = {"name": "nvml", "gpus": "visible", "self_check": False}
    for name in ("counter", "power"):
        (folder / name).mkdir()
    # Ticks short enough for a gain between any two edges, which then need not wait for one.
    counter = FakeNvml(folder / "counter", FakeBoard(tick=0.001))
    power = FakeNvml(folder / "power", FakeBoard(errors={ENERGY: NOT_SUPPORTED}))
    with machine(folder / "powercap"):
        yield (
            Subject("estimate", "estimate", os.environ),
            Subject(RAPL, rapl, os.environ),
            Subject(NVML, nvml, counter.environment()),
            Subject(POWER, nvml, power.environment()),
        )


def _result(command: Sequence[str], environment: Mapping[str, str]) -> Any:
    """The JSON of the last line of a program, or its last words under `problem`."""
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    lines = done.stdout.splitlines()
    if done.returncode:
        return {"problem": (done.stderr.splitlines() or ["died without a word"])[-1]}
    result = json.loads(lines[-1])
    return {"problem": "not installed"} if result is None else result
