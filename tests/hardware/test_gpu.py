"""Boards through the real pynvml, on a compiled fake of its library."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from meter.fake_nvml import (
    ENERGY,
    LOST,
    NO_PERMISSION,
    NOT_LOADED,
    NOT_SUPPORTED,
    POWER,
    UUIDS,
    FakeBoard,
    FakeNvml,
)

from energy_sweep.hardware import gpu as boards
from energy_sweep.hardware.gpu import Board, BoardLost, NoPermission, NotSupported
from energy_sweep.record import BadInput

SET_LIMIT = "nvmlDeviceSetPowerManagementLimit"
UNKNOWN, VERSION_MISMATCH = 999, 18


@pytest.fixture(name="nvml")
def _nvml(tmp_path: Path) -> Iterator[FakeNvml]:
    with FakeNvml(tmp_path).preloaded() as nvml:
        yield nvml


def only() -> Board:
    (board,) = boards.all_boards()
    return board


def python(nvml: FakeNvml, code: str, *without: str) -> object:
    """What `code` prints as JSON in a process that sees these boards."""
    command = [sys.executable, "-c", f"import json, energy_sweep.hardware.gpu as boards\n{code}"]
    done = subprocess.run(
        command, env=nvml.environment(*without), capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def test_a_board_tells_what_nvml_tells(nvml: FakeNvml) -> None:
    nvml.change(counts=(1_234_567, 1_234_567 + 234_567), temperature=51)
    board = only()
    assert (board.uuid, board.name, board.index) == (UUIDS[0], "NVIDIA A100-SXM4-80GB", 0)
    assert board.whole_for is None
    assert board.joules() == 1234.567
    assert board.millijoules() == 1_234_567 + 234_567
    assert board.memory_bytes() == 80 * 2**30
    assert board.temperature_celsius() == 51.0
    assert boards.driver_version() == "580.95.05"
    assert boards.library_error() is None


def test_a_time_driven_counter_moves_in_ticks_by_what_was_drawn(nvml: FakeNvml) -> None:
    nvml.change(tick=0.05, watts=((0.0, 100.0),))
    board, seen = only(), set[int]()
    end = time.monotonic() + 0.3
    while time.monotonic() < end:
        seen.add(board.millijoules())
    steps = sorted(seen)
    assert 3 <= len(steps) <= 9
    gains = [after - before for before, after in itertools.pairwise(steps)]
    assert all(gain % 5000 in (0, 1, 4999) for gain in gains)


@pytest.mark.parametrize(
    ("facts", "instant"),
    [
        ({"instant": True, "architecture": 9, "device": 0x2330}, True),
        ({"instant": False, "architecture": 5, "device": 0x1DB4}, True),
        ({"instant": False, "architecture": 7, "device": 0x20B2}, True),
        ({"instant": False, "architecture": 7, "device": 0x2204}, False),
        ({"instant": False, "architecture": 9, "device": 0x2330}, False),
        ({"instant": False, "errors": {"nvmlDeviceGetArchitecture": NOT_SUPPORTED}}, False),
    ],
    ids=["field", "volta", "ga100", "ampere", "hopper", "unknown"],
)
def test_whether_power_is_of_the_moment(
    nvml: FakeNvml, facts: dict[str, object], instant: bool
) -> None:
    nvml.change(**facts)
    assert only().power_is_instant is instant


def test_power_of_the_moment_is_taken_where_there_is_one(nvml: FakeNvml) -> None:
    now = time.monotonic()
    nvml.change(watts=((0.0, 50.0), (now - 0.5, 300.0)), average=1.0, tick=0.001)
    assert only().watts() == 300.0
    nvml.change(instant=False)
    assert 100.0 < only().watts() < 300.0


ASK: dict[str, tuple[str, Callable[[Board], object]]] = {
    "joules": (ENERGY, Board.joules),
    "memory": ("nvmlDeviceGetMemoryInfo", Board.memory_bytes),
    "limit": ("nvmlDeviceGetPowerManagementLimit", Board.power_limit_watts),
    "default": ("nvmlDeviceGetPowerManagementDefaultLimit", Board.default_power_limit_watts),
    "range": ("nvmlDeviceGetPowerManagementLimitConstraints", Board.power_limit_range_watts),
    "set": (SET_LIMIT, lambda board: board.set_power_limit(200)),
    "processes": ("nvmlDeviceGetComputeRunningProcesses_v3", Board.compute_processes),
    "shares": ("nvmlDeviceGetProcessUtilization", lambda board: board.process_shares(0)),
    "temperature": ("nvmlDeviceGetTemperature", Board.temperature_celsius),
    "watts": (POWER, Board.watts),
}


@pytest.mark.parametrize("call", ASK)
@pytest.mark.parametrize(
    ("code", "raised"),
    [(NO_PERMISSION, NoPermission), (LOST, BoardLost), (UNKNOWN, BoardLost)],
)
def test_what_goes_wrong_names_the_board(
    nvml: FakeNvml, call: str, code: int, raised: type[Exception]
) -> None:
    function, ask = ASK[call]
    nvml.change(instant=False)
    nvml.fail(function, code, 0)
    with pytest.raises(raised, match=UUIDS[0]):
        ask(only())


def test_what_a_board_has_not_is_not_zero(nvml: FakeNvml) -> None:
    nvml.change(instant=False, errors={ENERGY: NOT_SUPPORTED, POWER: NOT_SUPPORTED})
    with pytest.raises(NotSupported, match="has no energy counter"):
        only().joules()
    with pytest.raises(NotSupported, match="has no power reading"):
        only().watts()
    nvml.fail("nvmlDeviceGetTemperature", NOT_SUPPORTED, 0)
    assert only().temperature_celsius() is None


def test_an_old_driver_lacks_functions_and_says_so(tmp_path: Path) -> None:
    nvml = FakeNvml(tmp_path, FakeBoard(processes=(7,), average=0.0))
    code = """
board, = boards.all_boards()
told = {}
for name, ask in (("joules", board.joules), ("shares", lambda: board.process_shares(0))):
    try:
        told[name] = ask()
    except boards.NotSupported as error:
        told[name] = str(error)
told.update(watts=board.watts(), pids=sorted(board.compute_processes()), mig=board.in_mig_mode())
print(json.dumps(told))
"""
    old = ("ENERGY", "FIELDS", "SHARES", "MIG", "PROCESSES_V3")
    told = python(nvml, code, *old)
    assert isinstance(told, dict)
    assert "has no energy counter, or its driver has not" in told["joules"]
    assert "has no shares of its processes" in told["shares"]
    assert (told["watts"], told["pids"], told["mig"]) == (60.0, [7], False)


def test_a_power_limit_holds_for_every_process(nvml: FakeNvml) -> None:
    board = only()
    assert board.power_limit_range_watts() == (100.0, 400.0)
    board.set_power_limit(250)
    assert board.power_limit_watts() == nvml.limit_watts() == 250.0
    assert board.default_power_limit_watts() == 400.0
    nvml.draw(100)
    assert python(nvml, "print(boards.all_boards()[0].power_limit_watts())") == 250.0


@pytest.mark.parametrize("watts", [99, 401, float("nan")])
def test_a_power_limit_out_of_range_is_refused_before_the_driver_is_asked(
    nvml: FakeNvml, watts: float
) -> None:
    with pytest.raises(BadInput, match="takes 100 W to 400 W"):
        only().set_power_limit(watts)
    assert nvml.limit_watts() == 400.0


def test_processes_and_what_they_use(nvml: FakeNvml) -> None:
    assert only().compute_processes() == frozenset()
    assert only().process_shares(time.time()) == {}
    nvml.change(processes=(11, 12), shares={11: 40, 13: 5})
    assert only().compute_processes() == {11, 12}
    assert only().process_shares(time.time() - 1) == {11: 0.4, 13: 0.05}
    assert only().process_shares(time.time() + 60) == {}


def test_without_a_driver_there_are_no_boards_and_a_reason(tmp_path: Path) -> None:
    with FakeNvml(tmp_path).preloaded():
        assert boards.library_error() is None
    assert boards.all_boards() == ()
    assert "no NVIDIA driver answers here" in (boards.library_error() or "")
    with pytest.raises(boards.BoardUnavailable, match="no NVIDIA driver"):
        boards.driver_version()


def test_a_driver_that_comes_later_is_found(tmp_path: Path) -> None:
    nvml = FakeNvml(tmp_path)
    nvml.fail("nvmlInitWithFlags", NOT_LOADED)
    code = """
import os, pathlib
first = boards.library_error(), len(boards.all_boards())
state = pathlib.Path(os.environ["FAKE_NVML"])
state.write_text(state.read_text().replace("error nvmlInitWithFlags", "was"))
print(json.dumps([*first, len(boards.all_boards())]))
"""
    told = python(nvml, code)
    assert told == ["no NVIDIA driver answers here (Driver Not Loaded)", 0, 1]


def test_a_forked_process_starts_nvml_for_itself(tmp_path: Path) -> None:
    code = """
import os
boards.all_boards()
child = os.fork()
if child == 0:
    os._exit(0 if boards.all_boards()[0].watts() == 60.0 else 1)
print(os.waitpid(child, 0)[1])
"""
    assert python(FakeNvml(tmp_path), code) == 0


def test_a_driver_updated_in_use_asks_for_a_reboot(nvml: FakeNvml) -> None:
    nvml.fail("nvmlDeviceGetCount_v2", VERSION_MISMATCH)
    assert "reboot" in (boards.library_error() or "")
    assert boards.all_boards() == ()


def test_a_machine_without_gpus_says_so(nvml: FakeNvml) -> None:
    nvml.put()
    assert boards.library_error() == "the NVIDIA driver finds no GPU"


def test_boards_that_do_not_answer_are_left_out(tmp_path: Path) -> None:
    two = [FakeBoard(uuid=UUIDS[0]), FakeBoard(uuid=UUIDS[2], pci=2)]
    with FakeNvml(tmp_path, *two).preloaded() as nvml:
        nvml.fail("nvmlDeviceGetHandleByIndex_v2", NO_PERMISSION, 0)
        assert [(board.uuid, board.index) for board in boards.all_boards()] == [(UUIDS[2], 1)]
        nvml.fail("nvmlDeviceGetUUID", LOST, 1)
        assert boards.library_error() == "the NVIDIA driver lists 2 GPUs, and none answers"
