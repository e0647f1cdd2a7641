"""The store of stages: each is worked on by one at a time, whose record all others take."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from energy_sweep.record import StageRecord, StageUse
from energy_sweep.record.notice import Notice
from energy_sweep.store.claim import StoreClaim
from energy_sweep.store.eviction import DEFAULT_LIMIT_BYTES, StageSize, evict, sizes_by_stage
from energy_sweep.store.known_records import KnownRecords
from energy_sweep.store.stage_lock import held_stage

T = TypeVar("T")


class StageStore:
    """Stages under `root`, with the readings of one kind of meter (`meter_id`).

    Estimates are priced anew by today's `coefficients`, whatever they were when they were made.
    `warm` names the costs whose code this process has already run once, so that imports and
    first calls are not metered as if they were work; `notice` may ask that work to end. Any
    thread may call.
    """

    def __init__(
        self,
        root: Path | str,
        *,
        meter_id: str,
        coefficients: Mapping[str, float] | None = None,
        limit_bytes: int = DEFAULT_LIMIT_BYTES,
    ):
        self.root = Path(root)
        self.claim = StoreClaim(self.root)
        self.meter_id = meter_id[:16]
        self.coefficients = coefficients or {}
        self.limit_bytes = limit_bytes
        self.warm: set[str] = set()
        self.notice = Notice()
        self._known = KnownRecords(self.root, self.meter_id, self.coefficients)

    @property
    def damaged(self) -> Mapping[Path, str]:
        """Records that cannot be read, and why."""
        return self._known.files.damaged

    @property
    def unsealed(self) -> set[str]:
        """Keys of records that former versions wrote."""
        return self._known.files.unsealed

    def records(self) -> Mapping[str, StageRecord]:
        """All records that this kind of meter has made, by key, as they are known by now."""
        return self._known.shown()

    def refresh(self) -> None:
        """Take in what other processes have put since the last look."""
        self._known.refresh()

    def current(self) -> Mapping[str, StageRecord]:
        """All records, those that other processes have put by now too."""
        self.refresh()
        return self.records()

    def get(self, key: str) -> StageRecord | None:
        """What is known of a stage; of one that is not known, the disk is asked."""
        return self._known.get(key)

    def folder(self, key: str) -> Path:
        """The folder of a stage, made if it was not there."""
        path = self.root / key[:2] / key
        path.mkdir(parents=True, exist_ok=True)
        return path

    @contextmanager
    def alone(self, key: str, stage: str = "") -> Generator[StageRecord | None]:
        """Let nobody else work on a stage; gives its record as it is by now.

        What is put follows from what is read here, so that no mark of another process is lost.
        """
        what = f"{stage} {key[:12]}".strip()
        with held_stage(self.folder(key), what, check=self.notice.check):
            yield self._known.look(key, opened=True)

    def put(self, record: StageRecord) -> StageRecord:
        """Keep a record, replacing the one under the same key."""
        folder = self.folder(record.key)
        with held_stage(folder, f"{record.stage} {record.key[:12]}", brief=True):
            self._known.put(record)
        return record

    def once(self, use: StageUse, work: Callable[[Path], StageRecord]) -> StageRecord:
        """The record of a stage; `work` does it, in its folder, where nobody has done it."""
        if (known := self.get(use.key)) is not None:
            return known
        with self.alone(use.key, use.stage) as known:
            return known if known is not None else self.put(work(self.folder(use.key)))

    def made(
        self, use: StageUse, find: Callable[[], T | None], work: Callable[[Path], StageRecord]
    ) -> T:
        """What a stage made, as `find` gives it; `work` makes it, again where it is gone."""
        if (found := find()) is not None:
            return found
        with self.alone(use.key, use.stage):
            if (found := find()) is not None:  # by who was at it
                return found
            self.put_again(work(self.folder(use.key)))
            found = find()
        assert found is not None
        return found

    def put_again(self, record: StageRecord) -> StageRecord:
        """Keep the record of work that had to be done again, where its result was gone.

        What it gave is what it gave now. Its price stays that of the first time, and so does the
        pool that was in; what this time took is lost work, on the bill.
        """
        with self.alone(record.key, record.stage) as known:
            if known is None:
                return self.put(record)
            lost = (*known.lost, *record.marks)
            return self.put(replace(known, outcome=record.outcome, facts=record.facts, lost=lost))

    def sizes(self) -> list[StageSize]:
        """What the store holds, one row per stage in the order of a chain."""
        return sizes_by_stage(self.root, self.records().values())

    def clear(self) -> int:
        """Remove everything but the records, whose readings are paid for; gives the bytes freed."""
        return self.trim(limit_bytes=0)

    def trim(self, *, limit_bytes: int | None = None) -> int:
        """Evict the files used longest ago until the rest fits; records always stay.

        Nothing goes while others work with the store.
        """
        limit = self.limit_bytes if limit_bytes is None else limit_bytes
        with self.claim.alone() as alone:
            return evict(self.root, limit) if alone else 0

    def put_aside(self) -> tuple[Path, ...]:
        """Rename damaged records, so that what they stood for can be done again; gives the new
        names of those that no other process was faster with."""
        kept = list[Path]()
        for path in self._known.damaged():
            with held_stage(path.parent, f"in {path.parent.name[:12]}"):
                new = self._known.put_aside(path)
            kept += [] if new is None else [new]
        return tuple(kept)
