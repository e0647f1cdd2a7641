"""A stage is worked on by one thread of one process; who waits says so, and may be told to stop."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from energy_sweep.record import BadInput
from energy_sweep.store import held_stage

HOLDER = """
import sys, time
from pathlib import Path
from energy_sweep.store import held_stage
with held_stage(Path(sys.argv[1]), "trunk abc"):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def held(tmp_path: Path):
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None and holder.stdout.readline() == "held\n"
        yield holder
        holder.kill()


def test_who_waits_says_for_whom_and_goes_on_when_that_one_dies(
    tmp_path: Path, held: subprocess.Popen[str], caplog: pytest.LogCaptureFixture
) -> None:
    threading.Timer(2.8, held.kill).start()
    begun = time.monotonic()
    with caplog.at_level(logging.WARNING), held_stage(tmp_path, "trunk abc"):
        assert time.monotonic() - begun > 2
        with held_stage(tmp_path, "trunk abc"):  # a thread may nest it
            pass
    [line] = [one.getMessage() for one in caplog.records]
    assert line.startswith(f"waiting for the stage trunk abc, which process {held.pid} is at for")


def test_who_waits_is_asked_whether_to_go_on(tmp_path: Path, held: subprocess.Popen[str]) -> None:
    def stop() -> None:
        raise BadInput("enough")

    with pytest.raises(BadInput, match="enough"), held_stage(tmp_path, "trunk abc", check=stop):
        raise AssertionError("unreachable")
