"""Signals as a terminal leaves them: shells that start tests in the background ignore some."""

from __future__ import annotations

import signal


def pytest_configure() -> None:
    """Listen to what is ignored, since programs that tests start and stop inherit that."""
    for number, usual in (
        (signal.SIGINT, signal.default_int_handler),
        (signal.SIGHUP, signal.SIG_DFL),
    ):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, usual)
