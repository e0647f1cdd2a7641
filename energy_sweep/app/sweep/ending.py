"""A part of the user's that ends the process ends its trial only, and nothing by a success."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager
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
