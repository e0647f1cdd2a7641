"""Workers at one device take turns, fairly, and none waits in a window for its turn."""

from __future__ import annotations

import itertools
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from energy_sweep.meter.base import Work
from energy_sweep.meter.lock import WindowLock
from energy_sweep.meter.replay import ReplayMeter
from energy_sweep.meter.turn import DeviceTurn, device_turn, pass_turn_on, without_turn

WORKER = """
import sys, time
from pathlib import Path
from energy_sweep.meter import turn
from energy_sweep.meter.turn import DeviceTurn, pass_turn_on
turn.POLL_SECONDS = 0.01  # far below what a stage takes here
folder, me = Path(sys.argv[1]), sys.argv[2]
(folder / f"ready-{me}").touch()
while not (folder / "go").exists():
    time.sleep(0.005)
mine = DeviceTurn(["cpu-0", "gpu-1"], folder=folder)
with mine.hold():
    for stage in range(12):
        start = time.monotonic()
        time.sleep(0.05)
        print(start, time.monotonic(), me, flush=True)
        pass_turn_on()
"""


@pytest.mark.no_cover
def test_turns_never_overlap_and_nobody_is_left_out(tmp_path: Path) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", WORKER, str(tmp_path), str(number)],
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(3)
    ]
    while len(list(tmp_path.glob("ready-*"))) < len(processes):
        time.sleep(0.01)
    (tmp_path / "go").touch()
    lines = [line for one in processes for line in one.communicate(timeout=120)[0].splitlines()]
    turns = sorted((float(a), float(b), who) for a, b, who in map(str.split, lines))
    assert len(turns) == 36
    for (_, end, _), (start, _, _) in itertools.pairwise(turns):
        assert end <= start
    order = [who for _, _, who in turns]
    # From when all three wait to when the first is done, nobody goes on for long before others.
    all_there = max(order.index(who) for who in "012")
    first_done = min(len(order) - 1 - order[::-1].index(who) for who in "012")
    between = order[all_there : first_done + 1]
    assert len(between) >= 12
    assert max(len([*group]) for _, group in itertools.groupby(between)) <= 2


def test_a_turn_is_had_once_and_given_to_others_by_who_only_waits(tmp_path: Path) -> None:
    order, turns = list[str](), [DeviceTurn(["cpu-0"], folder=tmp_path) for _ in range(2)]

    def other() -> None:
        with turns[1].hold():
            order.append("other")
            time.sleep(0.1)
            order.append("other")

    thread = threading.Thread(target=other)
    with turns[0].hold(), turns[1].hold():
        pass_turn_on()  # to nobody
        order.append("first")
        thread.start()
        time.sleep(0.2)
        with without_turn():
            thread.join(10)
        order.append("first")
    assert order == ["first", "other", "other", "first"]


def test_within_a_window_nobody_waits_for_a_turn(tmp_path: Path) -> None:
    holds, may_end = threading.Event(), threading.Event()

    def other() -> None:
        with DeviceTurn(["cpu-0"], folder=tmp_path).hold():
            holds.set()
            may_end.wait(10)

    thread = threading.Thread(target=other)
    thread.start()
    assert holds.wait(10)
    window, turn = (kind(["cpu-0"], folder=tmp_path) for kind in (WindowLock, DeviceTurn))
    with window.hold(), turn.hold():
        may_end.set()
    thread.join()


def test_a_meter_that_reads_no_device_has_no_turns() -> None:
    meter, work = ReplayMeter(formula=lambda _: 1.0), Work(stage="infer", images=1, parameters=1)
    with device_turn(meter), device_turn(meter), meter.window(work):
        pass_turn_on()
