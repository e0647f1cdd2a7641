"""The records of stages as files: written whole and sealed, read back or named as damaged."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from energy_sweep.meter.estimate import reprice
from energy_sweep.record import (
    MEASURING_STAGES,
    TRAINING_STAGES,
    StageRecord,
    from_json,
    to_json,
)
from energy_sweep.record.answers import answers_in
from energy_sweep.record.files import read_file, write_whole
from energy_sweep.record.seal import Damaged, parse, seal, unseal

NO_WAIT = getattr(os, "O_NONBLOCK", 0)  # for who would be at the other end of a pipe


class FileMark(NamedTuple):
    """What tells a file from the one that it replaced."""

    modified: int
    size: int
    number: int

    @classmethod
    def of(cls, path: str | Path, *, opened: bool = False) -> FileMark | None:
        """The mark of a file, None where there is none.

        Over a network it may be some seconds old; of a file that is `opened` for it, it is not.
        """
        try:
            if not opened:
                found = os.stat(path)
            else:
                handle = os.open(path, os.O_RDONLY | NO_WAIT)
                found = os.fstat(handle)
                os.close(handle)
        except OSError:
            return None
        return cls(found.st_mtime_ns, found.st_size, found.st_ino)


class RecordFiles:
    """The records under `root` that the kind of meter `meter_id` has made.

    `damaged` are files that cannot be read, and why; `unsealed` keys of records that former
    versions wrote. Estimates are priced anew by today's `coefficients`.
    """

    def __init__(self, root: Path, meter_id: str, coefficients: Mapping[str, float]) -> None:
        self.root, self.name, self.coefficients = root, f"record-{meter_id}.json", coefficients
        self.damaged: dict[Path, str] = {}
        self.unsealed: set[str] = set()
        self._marks: dict[str, FileMark] = {}

    def path(self, key: str) -> Path:
        """Where the record of a stage lies."""
        return self.root / key[:2] / key / self.name

    def write(self, record: StageRecord) -> None:
        """Replace the record of a stage."""
        path = self.path(record.key)
        write_whole(path, json.dumps(seal(to_json(record))))
        self.unsealed.discard(record.key)
        self.damaged.pop(path, None)
        self._remember(record.key, path)

    def read_all(self) -> dict[str, StageRecord]:
        """All records, by key."""
        self.damaged.clear()
        self.unsealed.clear()
        self._marks.clear()
        found = (self._read(folder) for folder in _below(_below([self.root])))
        return {record.key: record for record in found if record is not None}

    def is_changed(self, key: str, *, opened: bool = False) -> bool:
        """Whether the file of a record is another than was written or read last; see FileMark."""
        # A key that is no name would lead out of the store.
        is_name = re.fullmatch(r"[\w-]+", key) is not None
        return is_name and FileMark.of(self.path(key), opened=opened) != self._marks.get(key)

    def read(self, key: str) -> StageRecord | None:
        """The record of a stage; None where there is none or it is damaged."""
        self.damaged.pop(self.path(key), None)
        self.unsealed.discard(key)
        self._marks.pop(key, None)
        return self._read(str(self.path(key).parent))

    def put_aside(self, path: Path) -> Path:
        """Rename a damaged record, so that what it stood for can be done again."""
        kept = path.with_name(f"damaged-{path.name}")
        os.replace(path, kept)
        del self.damaged[path]
        self._marks.pop(path.parent.name, None)
        return kept

    def _remember(self, key: str, path: str | Path) -> bool:
        mark = FileMark.of(path)
        if mark is not None:
            self._marks[key] = mark
        return mark is not None

    def _read(self, folder: str) -> StageRecord | None:
        path = f"{folder}{os.sep}{self.name}"
        # The mark comes first: of a file that is replaced meanwhile, the next look sees another.
        if not self._remember(os.path.basename(folder), path):
            return None
        try:
            document, is_sealed = unseal(parse(read_file(path).decode()))
            record = from_json(StageRecord, document)
            if not folder.endswith(f"{os.sep}{record.key}"):
                raise Damaged(f"it is that of stage {record.key[:12]}")
            if not is_sealed:
                self.unsealed.add(record.key)
            if record.stage not in (*TRAINING_STAGES, *MEASURING_STAGES):
                raise Damaged("it is of no stage that there is")
            answers_in(record.facts)  # which sees whether they are as many as it says
            return self._priced(record) if self.coefficients else record
        except (OSError, ValueError, TypeError, KeyError, AttributeError, Damaged) as error:
            self.damaged[Path(path)] = " ".join(str(error).split()) or type(error).__name__
            return None

    def _priced(self, record: StageRecord) -> StageRecord:
        marks, lost = (
            tuple(replace(m, reading=reprice(m.reading, self.coefficients)) for m in group)
            for group in (record.marks, record.lost)
        )
        return replace(record, marks=marks, lost=lost)


def _below(folders: Iterable[str | Path]) -> Iterator[str]:
    """The folders within some folders, but for hidden ones and those that may not be read."""
    for folder in folders:
        try:
            found = [entry for entry in os.scandir(folder) if entry.name[0] != "."]
            yield from [entry.path for entry in found if entry.is_dir()]
        except (FileNotFoundError, NotADirectoryError, PermissionError):
            continue
