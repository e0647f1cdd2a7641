"""Signals as a terminal leaves them: shells that start tests in the background ignore some."""

from __future__ import annotations

import os
import signal

from energy_sweep.app import patience


def pytest_configure() -> None:
    """Listen to what is ignored, since programs that tests start and stop inherit that.

    What is said on a slow machine alone is left out of what tests read, and so is the width of the
    terminal, which pytest-xdist tells its workers as COLUMNS.
    """
    patience.SECONDS = 3600.0
    os.environ.pop("COLUMNS", None)
    for number, usual in (
        (signal.SIGINT, signal.default_int_handler),
        (signal.SIGHUP, signal.SIG_DFL),
    ):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, usual)
