"""Runs a program as a shell would: its streams, its signals and its exit code stay its own."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from types import FrameType

# What a shell answers for a program that it cannot run, or that a signal ended.
NOT_FOUND, NOT_EXECUTABLE, BY_SIGNAL = 127, 126, 128
LOOK_SECONDS = 1.0
KEYS = ("SIGINT", "SIGQUIT")  # a terminal sends them to all programs in its foreground
HANDED_ON = (*KEYS, "SIGTERM", "SIGHUP")


class NotRun(Exception):
    """A program that could not be started; `code` is what a shell answers."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


def run(command: Sequence[str], look: Callable[[], object], *, first_look: float) -> int:
    """Run to the end and give the exit code, as a shell would; raises NotRun.

    `look` is called while it runs, after `first_look` seconds and then ever more rarely, until
    once a second.
    """
    with _forward_signals() as hand_on_to:
        child = _start(command)
        hand_on_to(child)
        # A thread waits, so that the end is noticed at once and signals are still handled here.
        waiting = threading.Thread(target=child.wait, daemon=True)
        waiting.start()
        pause = first_look
        while waiting.is_alive():
            waiting.join(pause)
            if waiting.is_alive():
                pause = min(2 * pause, LOOK_SECONDS)
                look()
    code = child.returncode
    return code if code >= 0 else BY_SIGNAL - code


def _start(command: Sequence[str]) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(command)
    except FileNotFoundError as error:
        missing = f"{command[0]} cannot be found: type the name or the path of a program"
        raise NotRun(missing, NOT_FOUND) from error
    except OSError as error:
        refused = f"{command[0]} cannot be run ({error.strerror}): type what runs it before it"
        raise NotRun(refused, NOT_EXECUTABLE) from error


@contextmanager
def _forward_signals() -> Generator[Callable[[subprocess.Popen[bytes]], None]]:
    """Let signals end the child that is handed in, and not the one who measures it."""
    children: list[subprocess.Popen[bytes]] = []
    early: list[int] = []

    def tell(number: int) -> None:
        with suppress(ProcessLookupError):
            children[0].send_signal(number)

    def handle(number: int, _: FrameType | None) -> None:
        if not children:
            early.append(number)
        elif signal.Signals(number).name not in KEYS or not _in_foreground():
            tell(number)  # else the child has had it from the terminal

    def hand_on_to(child: subprocess.Popen[bytes]) -> None:
        children.append(child)
        for number in early:
            tell(number)

    numbers = [getattr(signal, name) for name in HANDED_ON if hasattr(signal, name)]
    before = {number: signal.signal(number, handle) for number in numbers}
    try:
        yield hand_on_to
    finally:
        for number, handler in before.items():
            signal.signal(number, handler or signal.SIG_DFL)


def _in_foreground() -> bool:
    """Whether keys typed on the terminal reach this program, and so its children."""
    try:
        with open("/dev/tty") as terminal:
            return os.tcgetpgrp(terminal.fileno()) == os.getpgrp()
    except OSError:
        return False
