"""Turns of workers at the devices of a machine, of which all that they do is a part.

A window keeps out other windows, and not the work between them: nets that are built, graphs that
are written, prices that are computed. In another's window that is a program beside it. So a
worker has its turn for all of that, and others sleep; where one waits, it is passed on between
stages.
"""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Generator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from pathlib import Path

from filelock import Timeout

from energy_sweep.meter.base import Meter
from energy_sweep.meter.lock import TURN, WindowLock, held_file, lock_files, take_file

# Who is next looks often, so that the devices are not idle for long; the others need not.
NEXT_POLL_SECONDS = 0.02
POLL_SECONDS = 0.1
WHOSE = "another worker at the same devices, and so in turns from here on"
FOLDER = Path(tempfile.gettempdir())
_TOLD: set[str] = set()  # of which locks that was said


class DeviceTurn:
    """The turn at `resources`, which a thread has once however often it asks for it.

    Who waits is next once it has the gate, and who had the turn stands behind all that wait there:
    nobody has two turns while one is waiting to be next.
    """

    def __init__(self, resources: Sequence[str], *, folder: Path | None = None) -> None:
        folder = FOLDER if folder is None else folder
        self._window = WindowLock(resources, folder=folder)
        gates, turns = (lock_files(resources, folder, prefix) for prefix in ("next-", TURN))
        self._locks = [*zip(gates, turns, strict=True)]

    @contextmanager
    def hold(self) -> Generator[None]:
        """Have the turn; within a window one is alone already, and must not wait for it."""
        if _mine.turn is not None or self._window.is_held():
            yield
            return
        self.take()
        _mine.turn = self
        try:
            yield
        finally:
            _mine.turn = None
            self.leave()

    def take(self) -> None:
        """Wait for the turn."""
        with ExitStack() as held:
            for gate, turn in self._locks:
                take_file(gate, poll=POLL_SECONDS)
                try:
                    held.enter_context(held_file(turn, WHOSE, poll=NEXT_POLL_SECONDS, told=_TOLD))
                finally:
                    gate.release()
            _mine.held = held.pop_all()

    def leave(self) -> None:
        """Let the next one have it."""
        _mine.held.close()

    @property
    def is_waited_for(self) -> bool:
        """Whether another worker is next."""
        for gate, _ in self._locks:
            try:
                take_file(gate, timeout=0, poll=POLL_SECONDS)
            except Timeout:
                return True
            gate.release()
        return False


class _Mine(threading.local):
    """The turn that this thread has, and the locks that it is made of."""

    turn: DeviceTurn | None = None
    held = ExitStack()


_mine = _Mine()


def device_turn(meter: Meter) -> AbstractContextManager[None]:
    """The turn at the devices that a meter reads; one that reads none has no turns."""
    turn: DeviceTurn | None = getattr(meter, "turn", None)
    return nullcontext() if turn is None else turn.hold()


def pass_turn_on() -> None:
    """Let another worker have its turn, where one waits for it; not to be called in a window."""
    turn = _mine.turn
    if turn is not None and turn.is_waited_for:
        turn.leave()
        turn.take()


@contextmanager
def without_turn() -> Generator[None]:
    """Let others have this thread's turn for as long as it only waits; take it again then."""
    turn = _mine.turn
    if turn is None:
        yield
        return
    turn.leave()
    _mine.turn = None
    try:
        yield
    finally:
        turn.take()
        _mine.turn = turn
