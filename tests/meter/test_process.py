"""CPU seconds of a process tree: all of them, none twice, and never fewer than before."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import psutil
import pytest

from energy_sweep.meter.process import ProcessTree, busy_seconds
from energy_sweep.meter.process.descendants import Descendants, PsutilDescendants
from energy_sweep.meter.process.proc import ProcDescendants, has_proc

# A child that uses some CPU seconds, says how many, and lives until its input ends.
CHILD = """
import sys, time
block = bytearray(b"x") * ({mib} * 2**20)
while time.process_time() < {cpu_seconds}: pass
print(time.process_time(), flush=True)
sys.stdin.read()
"""
# A child that runs a command and waits for it, or leaves it behind.
PARENT = "import subprocess, sys; subprocess.Popen(sys.argv[1:]).wait()"
LEAVER = "import subprocess, sys; subprocess.Popen(sys.argv[1:]); sys.stdin.read()"

# Where the kernel has no lists of children there is no second way to try.
WAYS: dict[str, Callable[[int], Descendants]] = {"psutil": PsutilDescendants}
if has_proc(os.getpid()):
    WAYS["proc"] = ProcDescendants


@pytest.fixture(params=WAYS, name="tree")
def _tree(request: pytest.FixtureRequest) -> ProcessTree:
    return ProcessTree(WAYS[request.param](os.getpid()))


@pytest.fixture(name="start")
def _start() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts programs in Python that end with the test."""
    with ExitStack() as stack:

        def start(*command: str) -> subprocess.Popen[str]:
            child = subprocess.Popen(
                [sys.executable, "-c", *command],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            stack.callback(child.wait)
            stack.callback(child.kill)
            return child

        yield start


Start = Callable[..., "subprocess.Popen[str]"]


def code(cpu_seconds: float, mib: int = 0) -> str:
    return CHILD.format(cpu_seconds=cpu_seconds, mib=mib)


def said(child: subprocess.Popen[str]) -> float:
    assert child.stdout is not None
    return float(child.stdout.readline())


def end(child: subprocess.Popen[str]) -> None:
    assert child.stdin is not None
    child.stdin.close()
    child.wait()


def burn(cpu_seconds: float) -> None:
    until = time.process_time() + cpu_seconds
    while time.process_time() < until:
        pass


def own_and_reaped() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + usage.ru_utime + usage.ru_stime


def test_without_children_it_is_the_time_of_this_process(tree: ProcessTree) -> None:
    before = own_and_reaped()
    first = tree.edge()
    burn(0.05)
    second = tree.edge()
    assert 0.05 <= second.cpu_seconds - first.cpu_seconds <= own_and_reaped() - before
    assert second.tick_seconds == 1e-6


@pytest.mark.no_cover
def test_a_child_counts_alive_and_dead(tree: ProcessTree, start: Start) -> None:
    before = own_and_reaped()
    child = start(code(1.0))
    used = said(child)
    own = own_and_reaped() - before
    alive = tree.edge()
    # What interpreters take to start and end is dear on a busy machine.
    assert alive.cpu_seconds - before == pytest.approx(own + used, abs=0.3)
    end(child)
    dead = tree.edge()
    assert alive.cpu_seconds <= dead.cpu_seconds <= own_and_reaped()
    assert dead.cpu_seconds - alive.cpu_seconds < 0.5
    assert dead.tick_seconds == 1e-6


@pytest.mark.no_cover
def test_grandchildren_count_alive_reaped_and_dead(tree: ProcessTree, start: Start) -> None:
    before = own_and_reaped()
    child = start(PARENT, sys.executable, "-c", code(1.5))
    used = said(child)
    alive = tree.edge().cpu_seconds - before
    # Two ticks of the machine's clock less, the interpreter between them and this test more.
    assert used - 0.02 <= alive < used + 1.0
    end(child)
    assert tree.edge().cpu_seconds == pytest.approx(own_and_reaped(), abs=0.05)


@pytest.mark.no_cover
def test_what_a_living_child_has_reaped_counts(tree: ProcessTree, start: Start) -> None:
    reaper = (
        "import subprocess, sys, time\n"
        "used = [float(subprocess.check_output([sys.executable, '-c', sys.argv[1]],"
        " stdin=subprocess.DEVNULL)) for _ in range(3)]\n"
        "print(sum(used) + time.process_time(), flush=True); sys.stdin.read()"
    )
    before = own_and_reaped()
    used = said(start(reaper, code(0.6)))
    own = own_and_reaped() - before
    edge = tree.edge()
    # Interpreters take time to end after they have said what they used.
    assert used + own - 0.05 <= edge.cpu_seconds - before <= used + own + 0.9
    assert edge.tick_seconds >= 0.02


def test_children_of_every_thread_count(tree: ProcessTree, start: Start) -> None:
    children: list[subprocess.Popen[str]] = []
    stay = threading.Event()
    spawn = [
        threading.Thread(target=lambda: children.append(start(code(0.0)))),
        threading.Thread(target=lambda: (children.append(start(code(0.0))), stay.wait())),
    ]
    for thread in spawn:
        thread.start()
    spawn[0].join()
    while len(children) < 2:
        time.sleep(0.001)
    try:
        assert tree.pids() == {os.getpid(), *(child.pid for child in children)}
    finally:
        stay.set()
        spawn[1].join()


def test_pids_are_those_of_this_process_and_its_descendants(
    tree: ProcessTree, start: Start
) -> None:
    assert tree.pids() == {os.getpid()}
    child = start(PARENT, sys.executable, "-c", code(0.0))
    said(child)
    pids = tree.pids()
    assert {os.getpid(), child.pid} < pids and len(pids) == 3
    (grandchild,) = pids - {os.getpid(), child.pid}
    assert psutil.Process(grandchild).ppid() == child.pid
    end(child)
    assert tree.pids() == {os.getpid()}


def test_memory_of_living_children_counts(tree: ProcessTree, start: Start) -> None:
    own = tree.resident_bytes()
    assert own == pytest.approx(psutil.Process().memory_info().rss, rel=0.1)
    child = start(code(0.0, mib=100))
    said(child)
    assert 100 * 2**20 < tree.resident_bytes() - own < 200 * 2**20
    assert tree.edge().resident_bytes == pytest.approx(tree.resident_bytes(), rel=0.1)
    end(child)
    assert tree.resident_bytes() - own < 50 * 2**20


def test_what_is_left_behind_stays_counted_and_hides_nothing(
    tree: ProcessTree, start: Start
) -> None:
    child = start(LEAVER, sys.executable, "-c", code(1.0))
    said(child)
    with_both = tree.edge().cpu_seconds
    child.kill()  # its own child still reads from the pipe, and is nobody's now
    child.wait()
    without = tree.edge().cpu_seconds
    assert with_both <= without < with_both + 0.5
    burn(0.1)
    assert tree.edge().cpu_seconds - without >= 0.1


def test_edges_never_fall_and_nothing_counts_twice(tree: ProcessTree) -> None:
    """Threads start and reap short children, some with children of theirs, as fast as they can."""
    stop = time.monotonic() + 1.5
    spin = "i=0; while [ $i -lt 3000 ]; do i=$((i+1)); done"
    commands = (["sh", "-c", spin], ["sh", "-c", f"({spin}); ({spin}) & wait"], ["true"])

    def spawn(index: int) -> None:
        while time.monotonic() < stop:
            subprocess.run(commands[index % len(commands)], check=True)

    threads = [threading.Thread(target=spawn, args=(index,)) for index in range(4)]
    for thread in threads:
        thread.start()
    edges: list[float] = []
    while any(thread.is_alive() for thread in threads):
        edges.append(tree.cpu_seconds())
    for thread in threads:
        thread.join()
    assert len(edges) > 5
    assert edges == sorted(edges)
    # All are reaped: whatever was counted twice, even once and long ago, would still show.
    truth = own_and_reaped()
    assert tree.cpu_seconds() == pytest.approx(truth, abs=0.02)
    assert edges[-1] <= truth


def test_the_machine_is_busy_for_as_long_as_the_kernel_says() -> None:
    def kernel() -> float:
        times = psutil.cpu_times()
        kinds = ("user", "nice", "system", "irq", "softirq", "steal")
        return sum(getattr(times, kind, 0.0) for kind in kinds)

    before = kernel()
    burn(0.05)
    busy = busy_seconds()
    burn(0.05)
    assert before <= busy <= kernel()
    assert busy_seconds() - before >= 0.05
