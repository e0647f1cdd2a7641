"""Children may die at any moment of a reading: Linux's own account of them stays exact."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress

import psutil
import pytest

from energy_sweep.meter.process.descendants import reaped_cpu_seconds
from energy_sweep.meter.process.proc import ProcDescendants, has_proc

pytestmark = pytest.mark.skipif(not has_proc(os.getpid()), reason="no such lists of children here")

# Processes that have used some 60 ms of CPU time and rest: children, or those of one that waits.
SPIN = "i=0; while [ $i -lt 60000 ]; do i=$((i+1)); done"
RESTING = f"{SPIN}; exec sleep 60"
NURSERY = f"for n in $(seq {{count}}); do ({RESTING}) & echo $!; done; wait"

Death = Callable[[], object]


def resting_children(stack: ExitStack, count: int) -> list[Death]:
    """Processes that rest, each as the way in which it dies and is waited for."""
    children = [subprocess.Popen(["sh", "-c", RESTING]) for _ in range(count)]
    for child in children:
        stack.callback(child.wait)
        stack.callback(child.kill)
    for child in children:
        rested(child.pid)
    return [lambda child=child: (child.kill(), child.wait()) for child in children]


def resting_grandchildren(stack: ExitStack, count: int) -> list[Death]:
    """The same for children of a child that lives on."""
    parent = subprocess.Popen(
        ["sh", "-c", NURSERY.format(count=count)], stdout=subprocess.PIPE, text=True
    )
    stack.callback(parent.communicate)
    stack.callback(parent.kill)
    assert parent.stdout is not None
    pids = [int(parent.stdout.readline()) for _ in range(count)]
    for pid in pids:
        stack.callback(gone, pid)
    for pid in pids:
        rested(pid)
    return [lambda pid=pid: gone(pid) for pid in pids]


def rested(pid: int) -> None:
    """Wait until a process sleeps, so that its CPU seconds stand still."""
    while psutil.Process(pid).name() != "sleep" or psutil.Process(pid).status() != "sleeping":
        time.sleep(0.005)


def gone(pid: int) -> None:
    """Kill a child of another process, which waits for it."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    while psutil.pid_exists(pid):
        time.sleep(0.001)


class Reaper:
    """Lets a process die, and be waited for, at the n-th look of the tree at the kernel."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.arm(at=0)
        for module, name in ((os, "open"), (os, "listdir"), (time, "clock_gettime")):
            monkeypatch.setattr(module, name, self._watched(getattr(module, name)))
        monkeypatch.setattr(resource, "getrusage", self._watched(resource.getrusage))

    def arm(self, *, at: int, kill: Death = lambda: None) -> None:
        self.looks, self.killed, self._at, self._kill = 0, False, at, kill

    def _watched(self, look: Callable[..., object]) -> Callable[..., object]:
        def looked(*arguments: object, **options: object) -> object:
            found = look(*arguments, **options)
            self.looks += 1
            if self.looks == self._at:
                self._kill()
                self.killed = True
            return found

        return looked


@pytest.mark.parametrize("resting", [resting_children, resting_grandchildren])
def test_a_death_at_any_moment_of_an_edge_moves_nothing(
    resting: Callable[[ExitStack, int], list[Death]], monkeypatch: pytest.MonkeyPatch
) -> None:
    count = 12
    with ExitStack() as stack:
        deaths = resting(stack, count)
        descendants = ProcDescendants(os.getpid())
        reaped = reaped_cpu_seconds()
        truth = descendants.usage().cpu_seconds
        assert truth - reaped > 0.03 * count  # else losing one would not show
        reaper = Reaper(monkeypatch)
        for turn, death in enumerate(deaths):
            reaper.arm(at=0)
            descendants.usage()
            reaper.arm(at=1 + reaper.looks * turn // count, kill=death)
            usage = descendants.usage()
            assert reaper.killed and usage.settled
            assert usage.cpu_seconds == pytest.approx(truth, abs=0.025)


def test_a_crowd_of_children_is_listed_whole() -> None:
    """The kernel hands out a list as long as this in several pieces."""
    with ExitStack() as stack:
        crowd = [subprocess.Popen(["sleep", "60"]) for _ in range(900)]
        for child in crowd:
            stack.callback(child.wait)
            stack.callback(child.kill)
        assert set(ProcDescendants(os.getpid()).pids()) == {child.pid for child in crowd}
