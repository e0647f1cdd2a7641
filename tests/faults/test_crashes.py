"""Code of the user's that ends the whole process: a sweep goes on without the trial that does."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Generator
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX"),
    pytest.mark.no_cover,
    pytest.mark.slow,
]
ROOT = Path(__file__).parents[2]
SWEEP = ["-m", "meter=replay", "name=study", "search/space=none", "device=cpu", "epochs=4"]
SWEEP += ["device.plan=channels_last", "compression=none", "batch=128"]
OWN = ["model=own", "model._target_=crashing.net.Crashing", "allow=[crashing]"]
NET = """
import ctypes, os, torch
from dataclasses import dataclass
from torch import nn

ENDS = {
    "segfault": (ctypes.string_at, 0),
    "abort": (os.abort,),
    "eat": (lambda: [torch.ones(2**26) for _ in range(40)],),  # 10 GiB
}

class Net(nn.Module):
    def __init__(self, kind, classes):
        super().__init__()
        self.kind, self.calls = kind, 0
        self.flat, self.linear = nn.Flatten(), nn.Linear(64, classes)

    def forward(self, images):
        self.calls += self.training
        if self.calls > 5 and self.kind in ENDS:
            end, *words = ENDS[self.kind]
            end(*words)
        return self.linear(self.flat(images))

@dataclass(frozen=True)
class Crashing:
    name: str = "crashing"
    kind: str = "calm"
    def build(self, shape, classes):
        return Net(self.kind, classes)
"""


@pytest.fixture
def limited() -> Generator[Callable[[], object]]:
    """What a child calls to have no more than 2 GiB of memory, and to be killed above."""
    for root, name in (("memory", "memory.limit_in_bytes"), ("", "memory.max")):
        group = Path("/sys/fs/cgroup", root, f"energy_sweep-test-{os.getpid()}")
        with suppress(OSError):
            group.mkdir()
            try:
                (group / name).write_text(f"{2 * 2**30}\n")
                yield partial((group / "cgroup.procs").write_text, "0\n")
                return
            finally:
                group.rmdir()
    pytest.skip("nobody but root may limit memory")


def sweep(
    folder: Path, kinds: str, before: Callable[[], object] | None = None
) -> subprocess.CompletedProcess[str]:
    (folder / "crashing").mkdir(exist_ok=True)
    (folder / "crashing" / "net.py").write_text(NET)
    return subprocess.run(
        [sys.executable, "-m", "energy_sweep", *SWEEP, *OWN, f"+model.kind={kinds}"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{folder}", "PYTHONFAULTHANDLER": ""},
        capture_output=True,
        text=True,
        timeout=240,
        preexec_fn=before,
    )


@pytest.mark.parametrize(
    ("kind", "number", "says"),
    [
        ("segfault", signal.SIGSEGV, "Segmentation fault in forward ({net}:22)"),
        pytest.param(
            *("abort", signal.SIGABRT, "Aborted in forward ({net}:22)"),
            marks=pytest.mark.contracts,
        ),
    ],
)
def test_a_trial_that_crashes_twice_at_one_place_fails_and_the_others_go_on(
    tmp_path: Path, kind: str, number: int, says: str
) -> None:
    says = says.format(net=tmp_path / "crashing" / "net.py")
    for attempt in range(2):
        died = sweep(tmp_path, f"{kind},calm")
        assert died.returncode == -number, died.stderr
        told = f"trial 0 ended the program before ({says}), and is tried again"
        assert (told in died.stderr) == (attempt > 0), died.stderr
    check_end(tmp_path, sweep(tmp_path, f"{kind},calm"), f"2 times at the same place ({says})")


@pytest.mark.contracts
def test_what_the_system_kills_twice_for_want_of_memory_fails_and_the_others_go_on(
    tmp_path: Path, limited: Callable[[], object]
) -> None:
    says = "killed by the system for want of memory: a smaller batch= may help"
    for _ in range(2):
        died = sweep(tmp_path, "eat,calm", limited)
        assert died.returncode == -signal.SIGKILL, died.stderr
    assert f"trial 0 ended the program before ({says}), and is tried again" in died.stderr
    ended = sweep(tmp_path, "eat,calm", limited)
    check_end(tmp_path, ended, f"2 times at the same place ({says})")


def check_end(folder: Path, ended: subprocess.CompletedProcess[str], says: str) -> None:
    """The trial that crashed has failed, and the other is the front."""
    assert ended.returncode == 1, ended.stderr
    assert f"failed: it ended the program {says}; another go tries again" in ended.stderr
    assert "1 new, 1 failed" in ended.stderr
    assert "1 of 1 configurations on the front" in ended.stdout
    [result] = (folder / "outputs/study/trials").glob("*/result.json")
    assert json.loads(result.read_text())["config"]["model"]["kind"] == "calm"
