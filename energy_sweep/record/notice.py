"""How work is asked to end: between two of its pieces, where nothing of it is lost."""

from __future__ import annotations

import signal
from collections.abc import Callable, Generator
from contextlib import contextmanager


class Ended(KeyboardInterrupt):
    """A signal, `number`, other than Ctrl-C asked the program to end."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


class Notice:
    """Whether the program was asked to end, by the signal `number`.

    Who is `working` calls `check` wherever all that was done is kept, and is given time until then.
    So are jobs in other processes: `end_jobs` is called with each signal, and told whether it is
    the first.
    """

    def __init__(self) -> None:
        self.number: int | None = None
        self.is_working = False
        self.end_jobs: Callable[[bool], None] | None = None

    def check(self) -> None:
        """Raise KeyboardInterrupt, or Ended, where the program was asked to end."""
        if self.number == signal.SIGINT:
            raise KeyboardInterrupt
        if self.number is not None:
            raise Ended(self.number)

    def pass_on(self, *, first: bool) -> bool:
        """Let jobs end, and say whether there is something to give time to."""
        if self.end_jobs is None:
            return self.is_working
        self.end_jobs(first)
        return True

    @contextmanager
    def working(self) -> Generator[None]:
        """Work that looks at this from time to time."""
        self.check()
        self.is_working = True
        try:
            yield
        finally:
            self.is_working = False
