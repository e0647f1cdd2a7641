"""The content-addressed store of stages: run once, metered once, kept, resumed.

A stage lives in `ROOT/ab/abcdef.../`: its record (what it was, gave and cost, one file per kind
of meter) and the files it made. Every file is written whole or not at all.
"""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from filelock import FileLock, Timeout

from energy_sweep.meter.estimate import reprice
from energy_sweep.record import (
    MEASURING_STAGES,
    TRAINING_STAGES,
    StageRecord,
    StageUse,
    from_json,
    is_digest,
    to_json,
)
from energy_sweep.record.answers import answers_in
from energy_sweep.record.files import read_file, write_whole
from energy_sweep.record.seal import Damaged, parse, seal, unseal

DEFAULT_LIMIT_BYTES = 8 * 2**30
KEPT = ("record-", "damaged-")  # how names begin of what no clearing takes away
CLAIMS = ".claims"  # a locked file for each process that works with a store


@dataclass(frozen=True, slots=True, kw_only=True)
class StageSize:
    """One line of the `stages` verb: how many of a stage there are and what they occupy."""

    stage: str
    records: int
    files: int
    bytes: int


class StoreClaim:
    """Lets others see, while it is held, that this process works with the store under `root`.

    It is held in a `with` block, or from `hold` until `release` or the end of the process.
    """

    def __init__(self, root: Path):
        self._folder = root / CLAIMS
        self._lock: FileLock | None = None

    def hold(self) -> None:
        """Hold the claim; nothing happens where it is held already."""
        if self._lock is None:
            name = f"{os.getpid()}-{uuid.uuid4().hex[:8]}.lock"
            self._folder.mkdir(parents=True, exist_ok=True)
            self._lock = FileLock(self._folder / name)
            self._lock.acquire(timeout=0)

    def release(self) -> None:
        """Hold it no longer."""
        if self._lock is not None:
            self._lock.release()
            Path(self._lock.lock_file).unlink(missing_ok=True)
            self._lock = None

    def is_held_by_any(self) -> bool:
        """Whether some process works with the store; claims of dead ones are taken away."""
        held = False
        for path in sorted(self._folder.glob("*.lock")):
            try:
                with FileLock(path, timeout=0):
                    path.unlink(missing_ok=True)
            except Timeout:
                held = True
        return held

    def __enter__(self) -> None:
        self.hold()

    def __exit__(self, *_: object) -> None:
        self.release()


class StageStore:
    """Stages under `root`, with the readings of one kind of meter (`meter_id`).

    Estimates are priced anew by today's `coefficients`, whatever they were when they were made.
    `warm` names the costs whose code this process has already run once, so that imports and
    first calls are not metered as if they were work.
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
        self.damaged: dict[Path, str] = {}  # records that cannot be read, and why
        self.unsealed: set[str] = set()  # keys of records that former versions wrote
        self._records: dict[str, StageRecord] | None = None

    def records(self) -> Mapping[str, StageRecord]:
        """All records that this kind of meter has made, by key."""
        return self._loaded()

    def _loaded(self) -> dict[str, StageRecord]:
        if self._records is None:
            name = f"record-{self.meter_id}.json"
            folders = _below(_below([self.root]))
            found = (self._read(folder, name) for folder in folders)
            self._records = {record.key: record for record in found if record is not None}
        return self._records

    def get(self, key: str) -> StageRecord | None:
        return self.records().get(key)

    def folder(self, key: str) -> Path:
        """The folder of a stage, made if it was not there."""
        path = self.root / key[:2] / key
        path.mkdir(parents=True, exist_ok=True)
        return path

    def put(self, record: StageRecord) -> StageRecord:
        """Keep a record, replacing the one under the same key."""
        path = self.folder(record.key) / f"record-{self.meter_id}.json"
        write_whole(path, json.dumps(seal(to_json(record))))
        self._loaded()[record.key] = record
        self.unsealed.discard(record.key)
        self.damaged.pop(path, None)
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
        rows: list[StageSize] = []
        by_stage: dict[str, list[StageRecord]] = {}
        for record in self.records().values():
            by_stage.setdefault(record.stage, []).append(record)
        order = (*TRAINING_STAGES, *MEASURING_STAGES)
        for stage, records in sorted(by_stage.items(), key=lambda item: order.index(item[0])):
            files = [file for record in records for file in _evictable(self.folder(record.key))]
            size = sum(file.lstat().st_size for file in files)
            rows.append(StageSize(stage=stage, records=len(records), files=len(files), bytes=size))
        return rows

    def clear(self) -> int:
        """Remove everything but the records, whose readings are paid for; gives the bytes freed."""
        return self.trim(limit_bytes=0)

    def trim(self, *, limit_bytes: int | None = None) -> int:
        """Evict the files used longest ago until the rest fits; records always stay."""
        limit = self.limit_bytes if limit_bytes is None else limit_bytes
        files = [
            (file, file.lstat()) for folder in self.root.glob("*/*") for file in _evictable(folder)
        ]
        excess = sum(stat.st_size for _, stat in files) - limit
        freed = 0
        for file, stat in sorted(files, key=lambda pair: pair[1].st_mtime):
            if freed >= excess:
                break
            file.unlink(missing_ok=True)
            freed += stat.st_size
        return freed

    def _read(self, folder: str, name: str) -> StageRecord | None:
        """The record of this name in a folder, None where there is none or it is damaged."""
        path = f"{folder}{os.sep}{name}"
        if not os.path.exists(path):
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

    def put_aside(self) -> tuple[Path, ...]:
        """Rename damaged records, so that what they stood for can be done again; gives the new
        names. Only for who works with the store alone."""
        self._loaded()
        kept = {path: path.with_name(f"damaged-{path.name}") for path in self.damaged}
        for path, new in kept.items():
            os.replace(path, new)
        self.damaged.clear()
        return tuple(kept.values())

    def _priced(self, record: StageRecord) -> StageRecord:
        marks, lost = (
            tuple(replace(m, reading=reprice(m.reading, self.coefficients)) for m in group)
            for group in (record.marks, record.lost)
        )
        return replace(record, marks=marks, lost=lost)


def _evictable(folder: Path) -> Iterator[Path]:
    """What may be evicted of a stage: plain files, in a folder that is named as one is."""
    is_link = folder.is_symlink() or folder.parent.is_symlink()
    named = folder.parent.name == folder.name[:2] and (
        is_digest(folder.name) or any(folder.glob("record-*.json"))
    )
    if named and not is_link:
        found = (file for file in folder.iterdir() if not file.name.startswith(KEPT))
        yield from (file for file in found if file.is_file() or file.is_symlink())


def _below(folders: Iterable[str | Path]) -> Iterator[str]:
    """The folders within some folders, but for those that may not be read."""
    for folder in folders:
        try:
            yield from [entry.path for entry in os.scandir(folder) if entry.is_dir()]
        except (FileNotFoundError, NotADirectoryError, PermissionError):
            continue
