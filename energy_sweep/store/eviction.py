"""What the files of stages occupy, and which may go: everything but records, which are paid for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from energy_sweep.record import MEASURING_STAGES, TRAINING_STAGES, StageRecord, is_digest

DEFAULT_LIMIT_BYTES = 8 * 2**30
KEPT = ("record-", "damaged-", ".lock")  # how names begin of what no clearing takes away


@dataclass(frozen=True, slots=True, kw_only=True)
class StageSize:
    """One line of the `stages` verb: how many of a stage there are and what they occupy."""

    stage: str
    records: int
    files: int
    bytes: int


def sizes_by_stage(root: Path, records: Iterable[StageRecord]) -> list[StageSize]:
    """One row per stage in the order of a chain."""
    rows: list[StageSize] = []
    by_stage: dict[str, list[StageRecord]] = {}
    for record in records:
        by_stage.setdefault(record.stage, []).append(record)
    order = (*TRAINING_STAGES, *MEASURING_STAGES)
    for stage, found in sorted(by_stage.items(), key=lambda item: order.index(item[0])):
        folders = [root / record.key[:2] / record.key for record in found]
        files = [file for folder in folders for file in _evictable(folder)]
        size = sum(file.lstat().st_size for file in files)
        rows.append(StageSize(stage=stage, records=len(found), files=len(files), bytes=size))
    return rows


def evict(root: Path, limit_bytes: int) -> int:
    """Remove the files used longest ago until the rest fits; gives the bytes freed."""
    files = [(file, file.lstat()) for folder in root.glob("*/*") for file in _evictable(folder)]
    excess = sum(stat.st_size for _, stat in files) - limit_bytes
    freed = 0
    for file, stat in sorted(files, key=lambda pair: pair[1].st_mtime):
        if freed >= excess:
            break
        file.unlink(missing_ok=True)
        freed += stat.st_size
    return freed


def _evictable(folder: Path) -> Iterator[Path]:
    """What may be evicted of a stage: plain files, in a folder that is named as one is."""
    is_link = folder.is_symlink() or folder.parent.is_symlink()
    named = folder.parent.name == folder.name[:2] and (
        is_digest(folder.name) or any(folder.glob("record-*.json"))
    )
    if named and not is_link and folder.is_dir():
        found = (file for file in folder.iterdir() if not file.name.startswith(KEPT))
        yield from (file for file in found if file.is_file() or file.is_symlink())
