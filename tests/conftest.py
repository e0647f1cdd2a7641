"""Signals as a terminal leaves them: shells that start tests in the background ignore some."""

from __future__ import annotations

import signal

from energy_sweep.app import patience


def pytest_configure() -> None:
    """Listen to what is ignored, since programs that tests start and stop inherit that.

    What is said on a slow machine alone is left out of what tests read.
    """
    patience.SECONDS = 3600.0
    for number, usual in (
        (signal.SIGINT, signal.default_int_handler),
        (signal.SIGHUP, signal.SIG_DFL),
    ):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, usual)
