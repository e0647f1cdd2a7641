"""How a run ends: not by a part of the user's, but by Ctrl-C and by what schedulers send."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType
from typing import Any, NoReturn

from energy_sweep.record import BadInput
from energy_sweep.record.notice import Ended, Notice

SCHEDULERS = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))
# Slurm and Kubernetes kill after 30 s by default; half of that is left for the way out.
NOTICE_SECONDS = 15.0
NOTICE = "ENERGY_SWEEP_NOTICE_SECONDS"


@contextmanager
def keep_process() -> Generator[None]:
    """Let `os._exit` raise SystemExit in this process; its children still end by it.

    What ends the process from outside Python, as a crash in native code or a signal does, is not
    held up: the shell sees no success then, and the same command goes on from there.
    """
    own, leave = os.getpid(), os._exit

    def _exit(status: int) -> NoReturn:
        if os.getpid() != own:
            leave(status)
        raise SystemExit(status)

    os._exit = _exit
    try:
        yield
    finally:
        os._exit = leave


@contextmanager
def keep_signals(notice: Notice) -> Generator[None]:
    """Have Ctrl-C, and the signals of schedulers, end the program in an exception of its own.

    Ctrl-C is KeyboardInterrupt at once. SIGTERM and SIGHUP let work that is under way come to a
    place where nothing is lost, for NOTICE_SECONDS at most or until a second one; a third ends the
    process. `notice` keeps what Python forgets, as it does where a callback of the garbage
    collector raises. A signal that who started us ignores, or handles, stays theirs.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    second = threading.Timer(_seconds_of_notice(), lambda: _send(notice.number))
    second.daemon = True

    def interrupt(number: int, frame: FrameType | None) -> None:
        is_first, notice.number = notice.number is None, signal.SIGINT
        notice.pass_on(first=is_first)
        signal.default_int_handler(number, frame)

    def end(number: int, _: FrameType | None) -> None:
        is_first = notice.number is None
        notice.number = notice.number or number
        if notice.pass_on(first=is_first) and is_first:
            second.start()
            return
        for one in ours & set(SCHEDULERS):
            signal.signal(one, signal.SIG_DFL)
        raise Ended(number)

    defaults: dict[int, Any] = {signal.SIGINT: signal.default_int_handler}
    defaults |= dict.fromkeys(SCHEDULERS, signal.SIG_DFL)
    ours = {one for one, default in defaults.items() if signal.getsignal(one) == default}
    for one in ours:
        signal.signal(one, interrupt if one == signal.SIGINT else end)
    try:
        yield
    finally:
        second.cancel()
        for one in ours:
            signal.signal(one, defaults[one])


def _send(number: int | None) -> None:
    """Send this process a signal."""
    if number is not None:
        os.kill(os.getpid(), number)


def _seconds_of_notice() -> float:
    typed = os.environ.get(NOTICE, "")
    try:
        seconds = float(typed or NOTICE_SECONDS)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= threading.TIMEOUT_MAX:
        raise BadInput(f"{NOTICE}={typed}: type seconds, such as {NOTICE}={NOTICE_SECONDS:g}")
    return seconds
