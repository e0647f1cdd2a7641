"""How a run ends: not by a part of the user's, and by Ctrl-C wherever that fell."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn


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
def keep_interrupts() -> Generator[Callable[[], None]]:
    """Hand out what raises KeyboardInterrupt if Ctrl-C was typed and Python forgot it.

    What a callback of the garbage collector raises is reported and goes no further.
    """
    typed = threading.Event()

    def note(number: int, frame: FrameType | None) -> None:
        typed.set()
        signal.default_int_handler(number, frame)

    def check() -> None:
        if typed.is_set():
            raise KeyboardInterrupt

    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield check  # who started us has Ctrl-C do something else
        return
    signal.signal(signal.SIGINT, note)
    try:
        yield check
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
