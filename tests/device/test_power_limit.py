"""A power limit is refused before anything runs, and outlives no exception, signal or kill."""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
import textwrap
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from meter.fake_nvml import NO_FUNCTION, NO_PERMISSION, NOT_SUPPORTED, UUIDS, FakeBoard, FakeNvml

from energy_sweep.device import restore_left_limits
from energy_sweep.device.power import check_power_limit, exit_on_signals, power_limit
from energy_sweep.hardware.visible_gpus import find_board
from energy_sweep.record import BadInput

UUID = UUIDS[0]
SET = "nvmlDeviceSetPowerManagementLimit"
GET = "nvmlDeviceGetPowerManagementLimit"
HOLDER = f"""
import time
from energy_sweep.device.power import power_limit
with power_limit(("{UUID}",), 200):
    print("in force", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def nvml(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeNvml]:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    check_power_limit.cache_clear()
    with FakeNvml(tmp_path, FakeBoard(), FakeBoard(uuid=UUIDS[1], pci=2)).preloaded() as fake:
        yield fake


@pytest.fixture
def holder(nvml: FakeNvml, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process, with the limit of 200 W in force."""
    environment = {**nvml.environment(), "TMPDIR": str(tmp_path)}
    command = [sys.executable, "-c", HOLDER]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "in force\n"
    yield process
    process.kill()
    process.wait()


def notes(folder: Path) -> list[Path]:
    return sorted(folder.glob("energy_sweep-power-*.json"))


def test_a_limit_is_in_force_inside_and_set_back_outside(nvml: FakeNvml, tmp_path: Path) -> None:
    with power_limit((UUID,), 250):
        assert (nvml.limit_watts(), nvml.limit_watts(1)) == (250, 400)
        assert len(notes(tmp_path)) == 1
    assert nvml.limit_watts() == 400
    assert notes(tmp_path) == []


def test_what_was_found_is_set_back_after_an_exception_not_the_default(nvml: FakeNvml) -> None:
    nvml.change(limits=(300_000, 400_000, 100_000, 400_000))
    with pytest.raises(KeyError), power_limit((UUID,), 250):
        raise KeyError
    assert nvml.limit_watts() == 300


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_in_setting_it_back(
    nvml: FakeNvml, holder: subprocess.Popen[str], tmp_path: Path, number: signal.Signals
) -> None:
    assert nvml.limit_watts() == 200
    holder.send_signal(number)
    assert holder.wait(timeout=60) == 128 + number
    assert nvml.limit_watts() == 400
    assert notes(tmp_path) == []


def test_after_a_kill_the_next_program_goes_back_to_the_first_limit(
    nvml: FakeNvml,
    holder: subprocess.Popen[str],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    holder.kill()
    holder.wait()
    assert nvml.limit_watts() == 200
    with power_limit((UUID,), 250):
        assert nvml.limit_watts() == 250
    assert nvml.limit_watts() == 400
    assert notes(tmp_path) == []
    assert "killed" in caplog.text and "back to 400 W" in caplog.text


def test_a_limit_left_by_a_kill_is_set_back_for_one_who_wants_none(
    nvml: FakeNvml, holder: subprocess.Popen[str], tmp_path: Path
) -> None:
    holder.kill()
    holder.wait()
    restore_left_limits(find_board(UUIDS[1]))
    assert nvml.limit_watts() == 200
    restore_left_limits(find_board(UUID))
    assert nvml.limit_watts() == 400
    assert notes(tmp_path) == []


def test_a_limit_that_another_program_holds_is_left_alone(
    nvml: FakeNvml, holder: subprocess.Popen[str], caplog: pytest.LogCaptureFixture
) -> None:
    for ask in (check_power_limit, lambda *what: power_limit(*what).__enter__()):
        with pytest.raises(BadInput, match=f"process {holder.pid}.*wait for its end") as refusal:
            ask((UUID,), 250)
        assert "\n" not in str(refusal.value)
    restore_left_limits(find_board(UUID))
    assert "under a limit of 200 W" in caplog.text
    assert nvml.limit_watts() == 200
    with power_limit((UUIDS[1],), 250):
        assert nvml.limit_watts(1) == 250


def test_what_no_limit_can_be_set_on_is_refused(nvml: FakeNvml) -> None:
    check_power_limit((UUID,), 100)
    for uuids, watts, says in (
        ((), 200, "needs a GPU: type device=cuda"),
        ((UUID,), 99, "takes 100 to 400 W"),
        ((UUID,), 401, "takes 100 to 400 W"),
        (("GPU-0000",), 200, UUID),
    ):
        with pytest.raises(BadInput, match=says) as refusal:
            check_power_limit(uuids, watts)
        assert "\n" not in str(refusal.value)
    assert nvml.limit_watts() == 400


@pytest.mark.parametrize(
    ("code", "says"),
    [(NO_PERMISSION, "sudo"), (NOT_SUPPORTED, "leave it out"), (NO_FUNCTION, "leave it out")],
)
def test_a_limit_that_cannot_be_written_is_refused_by_writing_what_is_there(
    nvml: FakeNvml, tmp_path: Path, code: int, says: str
) -> None:
    nvml.fail(SET, code, 0)
    with pytest.raises(BadInput, match=says) as refusal:
        check_power_limit((UUID,), 200)
    assert "device.power_limit_watts=200" in str(refusal.value)
    assert notes(tmp_path) == []


def test_a_limit_that_was_never_set_leaves_nothing_to_set_back(
    nvml: FakeNvml, tmp_path: Path
) -> None:
    nvml.fail(SET, NO_PERMISSION, 0)
    with pytest.raises(BadInput), power_limit((UUID,), 200):
        raise AssertionError
    assert notes(tmp_path) == []


def test_a_board_that_cannot_be_set_back_is_told_of_and_left_to_the_next_program(
    nvml: FakeNvml, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(KeyError), power_limit((UUID,), 200):
        nvml.fail(SET, NO_PERMISSION, 0)
        raise KeyError  # what went wrong first is what comes out
    assert "not set back to 400 W" in caplog.text
    assert len(notes(tmp_path)) == 1
    nvml.change(errors={})
    check_power_limit((UUID,), 200)
    assert nvml.limit_watts() == 400


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"limit_watts": 9000}'])
def test_a_damaged_note_is_removed(nvml: FakeNvml, tmp_path: Path, text: str) -> None:
    (tmp_path / f"energy_sweep-power-{UUID}.json").write_text(text)
    restore_left_limits(find_board(UUID))
    assert notes(tmp_path) == []
    assert nvml.limit_watts() == 400


def test_mig_instances_share_one_limit_so_none_is_set(nvml: FakeNvml) -> None:
    nvml.change(mig=True, instances=("MIG-1111",))
    with pytest.raises(BadInput, match="share one limit"):
        check_power_limit(("MIG-1111",), 200)


def alone(code: str) -> subprocess.CompletedProcess[str]:
    """Code that sends signals to its own process, which is none of ours with threads of others."""
    begin = "import os, signal\nfrom energy_sweep.device.power import exit_on_signals\n"
    command = [sys.executable, "-c", begin + textwrap.dedent(code)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_handlers_of_signals_are_put_back_and_what_is_ignored_stays_ignored() -> None:
    done = alone(
        """
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        before = signal.getsignal(signal.SIGTERM)
        try:
            with exit_on_signals():
                os.kill(os.getpid(), signal.SIGHUP)
                os.kill(os.getpid(), signal.SIGTERM)
                signal.pause()
        except SystemExit as left:
            print(left.code)
        print(signal.getsignal(signal.SIGHUP) is signal.SIG_IGN)
        print(signal.getsignal(signal.SIGTERM) is before)
        """
    )
    assert done.stdout.split() == [str(128 + signal.SIGTERM), "True", "True"], done.stderr


def test_a_second_signal_does_not_cut_the_way_out_short() -> None:
    done = alone(
        """
        with exit_on_signals():
            try:
                os.kill(os.getpid(), signal.SIGTERM)
                signal.pause()
            finally:
                os.kill(os.getpid(), signal.SIGTERM)
                print("set back", flush=True)
        """
    )
    assert done.stdout == "set back\n" and done.returncode == 128 + signal.SIGTERM


def test_other_threads_leave_signals_alone() -> None:
    seen: list[object] = []

    def look() -> None:
        with exit_on_signals():
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert seen == [signal.getsignal(signal.SIGTERM)]
