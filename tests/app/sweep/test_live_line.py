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
from pathlib import Path

import pytest

from benchmarks.formula import run_formula
from energy_sweep.app.main import INTERRUPTED, main

# A formula that takes a while in place of training.
SCRIPT = """
import sys, time
from benchmarks.formula import run_formula
from energy_sweep.app.main import main

def run(*arguments, **settings):
    time.sleep({seconds})
    return run_formula(*arguments, **settings)

sys.exit(main(sys.argv[1:], run=run))
"""
WORDS = (
    *("-m", "meter=replay", "search/space=none", "device.plan=channels_last"),
    *("batch=32,64", "epochs=5,10"),
)
LINE = re.compile(r"\d/4 trials  [^\r\n\x1b]*")
HOME = Path(__file__).parents[3]


class Screen:
    """A sweep in a pseudo-terminal of so many columns, and all that it wrote there."""

    def __init__(self, folder: Path, columns: int, seconds: float) -> None:
        self._mine, its = pty.openpty()
        termios.tcsetwinsize(its, (40, columns))
        self.process = subprocess.Popen(
            [sys.executable, "-c", SCRIPT.format(seconds=seconds), *WORDS],
            stdin=its,
            stdout=its,
            stderr=its,
            cwd=folder,
            env={**os.environ, "TERM": "xterm", "PYTHONPATH": str(HOME)},
            start_new_session=True,
        )
        os.close(its)
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


@pytest.fixture(scope="module")
def screens(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Screen]:
    """The same sweep, whole, in terminals of three widths, side by side."""
    opened = {
        columns: Screen(tmp_path_factory.mktemp(f"of{columns}"), columns, seconds=0.8)
        for columns in (80, 100, 160)
    }
    for screen in opened.values():
        screen.read()
    return opened


@pytest.mark.no_cover
@pytest.mark.slow
@pytest.mark.parametrize("columns", [80, 100, 160])
def test_one_line_moves_and_fits_the_terminal(screens: dict[int, Screen], columns: int) -> None:
    screen = screens[columns]
    assert screen.process.wait(10) == 0
    lines = LINE.findall(screen.written)
    assert lines and all(len(line) < columns for line in lines)
    assert any("spent" in line and "estimated" in line for line in lines)
    for word in ("stages", "left", "front"):
        assert any(word in line for line in lines), word
    if columns > 80:  # a narrow one may have no room for what runs
        assert any("epochs=" in line for line in lines)
    # Lines of trials stay as they are; the live one is drawn anew below each, and once a second.
    assert len(re.findall(r"trial \d +\d/4 ", screen.written)) == 4
    assert "\x1b[?25h" in screen.written  # the cursor is there again
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", screen.written)
    assert "next:" in plain and not LINE.search(plain[plain.index("next:") :])


@pytest.mark.no_cover
@pytest.mark.slow
def test_ctrl_c_takes_the_line_away(tmp_path: Path) -> None:
    screen = Screen(tmp_path, 100, seconds=1.0)
    screen.read(until="1/4 trials")
    screen.process.send_signal(signal.SIGINT)
    screen.read()
    assert screen.process.wait(20) == INTERRUPTED
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
