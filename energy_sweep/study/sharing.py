"""What a worker shares with the others of a study: turns to write it, and news of it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self, TypeVar

from energy_sweep.record import EnergySweepError, JsonDict
from energy_sweep.study.study_database import StudyDatabase
from energy_sweep.study.trial_book import TrialBook
from energy_sweep.study.writer import StudyWriter

T = TypeVar("T")


class TrialTaken(EnergySweepError):
    """Another worker has the trial, or the configuration, by now."""


class SharedStudy:
    """A study that this process is a worker of until it is closed; use it in a `with` block.

    Several threads may use it.
    """

    def __init__(
        self,
        *,
        database: StudyDatabase,
        writer: StudyWriter,
        book: TrialBook,
        repairs: tuple[str, ...] = (),
        is_joined: bool = False,
    ) -> None:
        self.repairs = repairs
        self.is_joined = is_joined  # others were at work on it as it was opened
        self._database = database
        self._writer = writer
        self._book = book
        self._guard = threading.RLock()
        self._changed = dict[int, None]()
        self._is_closed = False

    def refresh(self) -> tuple[int, ...]:
        """Read what others wrote; the trials that they changed since this was asked last."""
        with self._guard:
            self._catch_up(in_turn=False)
            changed = tuple(self._changed)
            self._changed.clear()
            return changed

    def others(self) -> tuple[str, ...]:
        """The other workers that live, by their names."""
        return tuple(self._database.ask(self._database.workers.living))

    def leave(self, *, unless_last: bool = False) -> bool:
        """Be a worker no more, so that nobody waits for it; False for the last, which stays one."""

        def work() -> bool:
            if unless_last and not self._database.workers.living():
                return False
            self._database.workers.leave()
            return True

        return self._transact(work)

    def close(self) -> None:
        """Write no more: others may take over what runs; the last one leaves all shown alike."""

        def work() -> None:
            for number in sorted(self._book.running):
                if self._book.holders.get(number) == self._writer.me:
                    self._writer.let_go(number)
            self._database.workers.leave()
            if not self._database.workers.living():
                self._writer.show_all()

        if self._is_closed:
            return
        self._is_closed = True
        try:
            with self._guard:
                self._database.end(self._caught_up(work))
        finally:
            self._database.workers.leave()
            self._writer.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _transact(self, work: Callable[[], T]) -> T:
        """Do what reads and writes, in a turn of this process, once all is read that is there."""

        with self._guard:
            return self._database.transact(self._caught_up(work))

    def _caught_up(self, work: Callable[[], T]) -> Callable[[], T]:
        def in_turn() -> T:
            self._catch_up(in_turn=True)
            return work()

        return in_turn

    def _catch_up(self, *, in_turn: bool) -> None:
        numbers, facts = self._book.take_in(self._writer.news(in_turn=in_turn))
        self._changed.update(dict.fromkeys(numbers))
        self._writer.count = max(self._writer.count, self._book.count)
        if facts:
            self._writer.find()

    def _keep_fact(self, name: str, fact: JsonDict) -> bool:
        """Store a fact; True where it was stored already."""
        if self._book.facts.get(name) == fact:
            return True
        self._book.facts = self._book.facts | {name: fact}
        self._writer.fact(name, self._book.facts)
        return False

    def _check_free(self, number: int) -> None:
        """TrialTaken where a trial has ended, or another worker that lives has it."""
        owner = self._book.holders.get(number)
        is_mine = owner in (None, self._writer.me)
        if not is_mine and (
            number not in self._book.running or owner in self._database.workers.living()
        ):
            raise TrialTaken(f"another worker ({owner}) took trial {number} over")
