"""Locked files by which processes show each other that they are at work in a folder, and on what.

The system drops the lock of a process that dies, so that a claim never outlives its owner.
"""

from __future__ import annotations

import os
import re
import socket
import uuid
from pathlib import Path

from filelock import FileLock, Timeout

LOCKED, NOTE = ".lock", ".note"
GRACE_SECONDS = 5.0  # who looks for the dead holds a lock for a moment


class ProcessClaim:
    """Shows others, from `hold` until `release` or the end of the process, what is done here."""

    def __init__(self, folder: Path) -> None:
        host = re.sub(r"[^\w.-]", "_", socket.gethostname())
        self.name = f"{host}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
        self._folder = folder
        self._lock: FileLock | None = None

    def hold(self, note: str = "") -> None:
        """Hold the claim, with a note for who looks; nothing happens where it is held already."""
        if self._lock is not None:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self._folder / f"{self.name}{LOCKED}", thread_local=False)
        lock.acquire(timeout=GRACE_SECONDS)
        # Beside the lock, since to try a lock empties its file.
        (self._folder / f"{self.name}{NOTE}").write_text(note, encoding="utf-8")
        self._lock = lock

    def release(self) -> None:
        """Hold it no longer."""
        if self._lock is not None:
            _remove(self._folder / f"{self.name}{LOCKED}")
            self._lock.release()
            self._lock = None


def held_claims(folder: Path) -> dict[str, str]:
    """The notes of all claims in a folder, by their names; those of dead owners are taken away."""
    held: dict[str, str] = {}
    for path in sorted(folder.glob(f"*{LOCKED}")):
        try:
            with FileLock(path, timeout=0):
                _remove(path)
        except Timeout:
            note = path.with_suffix(NOTE)
            held[path.stem] = note.read_text(encoding="utf-8") if note.exists() else ""
    return held


def _remove(path: Path) -> None:
    path.with_suffix(NOTE).unlink(missing_ok=True)
    path.unlink(missing_ok=True)
