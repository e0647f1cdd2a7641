"""A sweep in a terminal of its own: one line that moves, and what is left of it."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from benchmarks.formula import run_formula
from energy_sweep.app.main import INTERRUPTED, main

# A formula that takes a while in place of training: one sweep for each folder and terminal, in a
# fork of one process, so that what takes seconds is imported once.
SCRIPT = """
import os, sys, time
import energy_sweep.app.sweep.sweeper
from benchmarks.formula import run_formula
from energy_sweep.app.main import main

def run(*arguments, **settings):
    time.sleep({seconds})
    return run_formula(*arguments, **settings)

def sweep(folder, terminal):
    os.setsid()
    for number in (0, 1, 2):
        os.dup2(terminal, number)
    sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w", buffering=1), open(2, "w")
    os.chdir(folder)
    os._exit(main({words}, run=run))

forks = [os.fork() or sweep(*one) for one in {terminals}]
codes = [os.waitstatus_to_exitcode(os.waitpid(one, 0)[1]) for one in forks]
sys.exit(max(codes))
"""
WORDS = (
    *("-m", "meter=replay", "search/space=none", "device.plan=channels_last"),
    *("batch=32,64", "epochs=5,10"),
)
LINE = re.compile(r"\d/4 trials  [^\r\n\x1b]*")
HOME = Path(__file__).parents[3]


class Screen:
    """A pseudo-terminal of so many columns, and all that a sweep wrote there."""

    def __init__(self, columns: int) -> None:
        self._mine, self.its = pty.openpty()
        termios.tcsetwinsize(self.its, (40, columns))
        self.written = ""

    def read(self, until: str | None = None, seconds: float = 90.0) -> None:
        """Read until the text is there, or the program has ended."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and (until is None or until not in self.written):
            if select.select([self._mine], [], [], 0.2)[0]:
                try:
                    found = os.read(self._mine, 65536)
                except OSError:  # all that wrote there have ended
                    return
                if not found:
                    return
                self.written += found.decode()
        assert until is None or until in self.written, self.written[-2000:]


def begun(screens: Sequence[Screen], folders: Sequence[Path], seconds: float) -> Any:
    """The process whose forks sweep in these folders and terminals, a session each."""
    terminals = [(str(folder), one.its) for folder, one in zip(folders, screens, strict=True)]
    script = SCRIPT.format(seconds=seconds, words=list(WORDS), terminals=terminals)
    process = subprocess.Popen(
        [sys.executable, "-c", script],
        env={**os.environ, "TERM": "xterm", "PYTHONPATH": str(HOME)},
        pass_fds=[one.its for one in screens],
    )
    for one in screens:
        os.close(one.its)
    return process


@pytest.fixture(scope="module")
def screens(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Screen]:
    """The same sweep, whole, in terminals of three widths, side by side."""
    opened = {columns: Screen(columns) for columns in (80, 100, 160)}
    folders = [tmp_path_factory.mktemp(f"of{columns}") for columns in opened]
    process = begun(list(opened.values()), folders, 0.8)
    for screen in opened.values():
        screen.read()
    assert process.wait(10) == 0
    return opened


@pytest.mark.no_cover
@pytest.mark.slow
@pytest.mark.parametrize("columns", [80, 100, 160])
def test_one_line_moves_and_fits_the_terminal(screens: dict[int, Screen], columns: int) -> None:
    screen = screens[columns]
    lines = LINE.findall(screen.written)
    assert lines and all(len(line) < columns for line in lines)
    assert any("spent" in line and "estimated" in line for line in lines)
    for word in ("stages", "left", "front"):
        assert any(word in line for line in lines), word
    if columns > 100:  # a narrow one may have no room for what runs beside minutes that are left
        assert any("epochs=" in line for line in lines)
    # Lines of trials stay as they are; the live one is drawn anew below each, and once a second.
    assert len(re.findall(r"trial \d +\d/4 ", screen.written)) == 4
    assert "\x1b[?25h" in screen.written  # the cursor is there again
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", screen.written)
    assert "next:" in plain and not LINE.search(plain[plain.index("next:") :])


@pytest.mark.no_cover
@pytest.mark.slow
def test_ctrl_c_takes_the_line_away(tmp_path: Path) -> None:
    screen = Screen(100)
    process = begun([screen], [tmp_path], 1.0)
    screen.read(until="1/4 trials")
    [sweep] = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    os.kill(int(sweep), signal.SIGINT)
    screen.read()
    assert process.wait(20) == INTERRUPTED
    end = screen.written.rindex("/4 trials")
    assert "\x1b[2K" in screen.written[end:] and "\x1b[?25h" in screen.written[end:]
    assert "the same command goes on from here" in screen.written[end:]


def test_a_pipe_gets_plain_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(list(WORDS), run=run_formula) == 0
    said = capfd.readouterr()
    assert "\x1b" not in said.err + said.out and "\r" not in said.err
    assert not LINE.findall(said.err)
    assert len([line for line in said.err.splitlines() if line.startswith("trial ")]) == 4
