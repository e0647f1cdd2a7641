"""The store of stages as a process has it: what it read and wrote, and what others did since."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from energy_sweep.record import StageRecord, StageUse
from energy_sweep.record.notice import Notice
from energy_sweep.store.claim import StoreClaim
from energy_sweep.store.eviction import DEFAULT_LIMIT_BYTES, StageSize, evict, sizes_by_stage
from energy_sweep.store.put_log import PutLog
from energy_sweep.store.record_files import RecordFiles


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
        self._files = RecordFiles(self.root, self.meter_id, self.coefficients)
        self._log = PutLog(self.root, self.meter_id)
        self._guard = threading.RLock()  # of all that is below, and of the two above
        self._records: dict[str, StageRecord] | None = None
        self._shown: Mapping[str, StageRecord] | None = None

    @property
    def damaged(self) -> Mapping[Path, str]:
        """Records that cannot be read, and why."""
        return self._files.damaged

    @property
    def unsealed(self) -> set[str]:
        """Keys of records that former versions wrote."""
        return self._files.unsealed

    def records(self) -> Mapping[str, StageRecord]:
        """All records that this kind of meter has made, by key, as they are known by now."""
        with self._guard:
            if self._shown is None:
                self._shown = dict(self._loaded())
            return self._shown

    def refresh(self) -> None:
        """Take in what other processes have put since the last look."""
        with self._guard:
            news = self._log.news() if self._records is not None else None
            if news is None:
                self._records = None
                self._loaded()
            for key in news or ():
                self._take(key)

    def current(self) -> Mapping[str, StageRecord]:
        """All records, those that other processes have put by now too."""
        self.refresh()
        return self.records()

    def get(self, key: str) -> StageRecord | None:
        """What is known of a stage; of one that is not known, the disk is asked."""
        with self._guard:
            record = self._loaded().get(key)
            return self._look(key) if record is None else record

    def _loaded(self) -> dict[str, StageRecord]:
        if self._records is None:
            self._log.skip()  # first, so that what is put meanwhile is taken in again
            self._records, self._shown = self._files.read_all(), None
        return self._records

    def _look(self, key: str) -> StageRecord | None:
        """The record of a stage as it is on the disk now."""
        if self._files.is_changed(key):
            return self._take(key)
        return self._loaded().get(key)

    def _take(self, key: str) -> StageRecord | None:
        """Read a record anew, whatever is known of it."""
        record, known = self._files.read(key), self._loaded()
        if record is not None:
            known[key] = record
        else:
            known.pop(key, None)
        self._shown = None
        return record

    def folder(self, key: str) -> Path:
        """The folder of a stage, made if it was not there."""
        path = self.root / key[:2] / key
        path.mkdir(parents=True, exist_ok=True)
        return path

    def put(self, record: StageRecord) -> StageRecord:
        """Keep a record, replacing the one under the same key."""
        with self._guard:
            self._files.write(record)
            self._loaded()[record.key] = record
            self._shown = None
            self._log.append(record.key)
        return record

    def put_again(self, record: StageRecord) -> StageRecord:
        """Keep the record of work that had to be done again, where its result was gone.

        What it gave is what it gave now. Its price stays that of the first time, and so does the
        pool that was in; what this time took is lost work, on the bill.
        """
        if (known := self.get(record.key)) is None:
            return self.put(record)
        lost = (*known.lost, *record.marks)
        return self.put(replace(known, outcome=record.outcome, facts=record.facts, lost=lost))

    def once(self, use: StageUse, work: Callable[[Path], StageRecord]) -> StageRecord:
        """The record of a stage; `work` does it, in its folder, where nobody has done it."""
        known = self.get(use.key)
        return known if known is not None else self.put(work(self.folder(use.key)))

    def sizes(self) -> list[StageSize]:
        """What the store holds, one row per stage in the order of a chain."""
        return sizes_by_stage(self.root, self.records().values())

    def clear(self) -> int:
        """Remove everything but the records, whose readings are paid for; gives the bytes freed."""
        return self.trim(limit_bytes=0)

    def trim(self, *, limit_bytes: int | None = None) -> int:
        """Evict the files used longest ago until the rest fits; records always stay."""
        return evict(self.root, self.limit_bytes if limit_bytes is None else limit_bytes)

    def put_aside(self) -> tuple[Path, ...]:
        """Rename damaged records, so that what they stood for can be done again; gives the new
        names. Only for who works with the store alone."""
        with self._guard:
            self._loaded()
            return tuple(self._files.put_aside(path) for path in tuple(self.damaged))
