"""What a process knows of the records of a store: what it read and wrote, and what others put."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path

from energy_sweep.record import StageRecord
from energy_sweep.store.put_log import PutLog
from energy_sweep.store.record_files import RecordFiles


class KnownRecords:
    """Records of one kind of meter; any thread may call."""

    def __init__(self, root: Path, meter_id: str, coefficients: Mapping[str, float]) -> None:
        self.files = RecordFiles(root, meter_id, coefficients)
        self._log = PutLog(root, meter_id)
        self._guard = threading.RLock()  # of all that is here
        self._records: dict[str, StageRecord] | None = None
        self._shown: Mapping[str, StageRecord] | None = None

    def shown(self) -> Mapping[str, StageRecord]:
        """All records by key, as a mapping that stays as it is."""
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

    def get(self, key: str) -> StageRecord | None:
        """What is known of a stage; of one that is not known, the disk is asked."""
        with self._guard:
            record = self._loaded().get(key)
            return self.look(key) if record is None else record

    def look(self, key: str, *, opened: bool = False) -> StageRecord | None:
        """The record of a stage as it is on the disk now; see FileMark."""
        with self._guard:
            if self.files.is_changed(key, opened=opened):
                return self._take(key)
            return self._loaded().get(key)

    def put(self, record: StageRecord) -> None:
        """Write a record, and tell others."""
        with self._guard:
            self.files.write(record)
            self._loaded()[record.key] = record
            self._shown = None
            self._log.append(record.key)

    def damaged(self) -> tuple[Path, ...]:
        """Records that cannot be read."""
        with self._guard:
            self._loaded()
            return tuple(self.files.damaged)

    def put_aside(self, path: Path) -> Path | None:
        """Rename a record that is damaged still, and tell others; gives the new name."""
        with self._guard:
            self._take(path.parent.name)
            if path not in self.files.damaged:
                return None
            kept = self.files.put_aside(path)
            self._log.append(path.parent.name)
            return kept

    def _loaded(self) -> dict[str, StageRecord]:
        if self._records is None:
            self._log.skip()  # first, so that what is put meanwhile is taken in again
            self._records, self._shown = self.files.read_all(), None
        return self._records

    def _take(self, key: str) -> StageRecord | None:
        """Read a record anew, whatever is known of it."""
        record, known = self.files.read(key), self._loaded()
        if record is not None:
            known[key] = record
        else:
            known.pop(key, None)
        self._shown = None
        return record
