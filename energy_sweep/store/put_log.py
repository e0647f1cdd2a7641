"""What was put into a store, line by line, so that every process learns what others put."""

from __future__ import annotations

import os
import uuid
from pathlib import Path

from filelock import FileLock

from energy_sweep.record.files import check_kind

NAME = ".puts-"


class PutLog:
    """A line for each record that was put, of the kind of meter `meter_id`: its key, and by whom.

    It tells what is new, not what there is: a kill between a record and its line leaves the record
    to who looks at the disk.
    """

    def __init__(self, root: Path, meter_id: str) -> None:
        self._path = root / f"{NAME}{meter_id}"
        self._lock = FileLock(f"{self._path}.lock", mode=0o666)
        self._own = uuid.uuid4().hex[:12].encode()
        self._file: int | None = None  # which file it was, by its number
        self._offset = 0

    def append(self, key: str) -> None:
        """Tell all other processes of a record that was put."""
        # Over the network, two that append at once would write over each other.
        with self._lock:
            if self._path.exists():
                check_kind(self._path)
            handle = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o666)
            try:
                # A full disk, or a kill, may have left half a line.
                size = os.lseek(handle, 0, os.SEEK_END)
                whole = size == 0 or os.pread(handle, 1, size - 1) == b"\n"
                line = b"%s %s\n" % (key.encode(), self._own)
                os.write(handle, line if whole else b"\n" + line)
            finally:
                os.close(handle)

    def skip(self) -> None:
        """Take what is told by now as known."""
        self._file, self._offset = None, 0
        try:
            found = os.stat(self._path)
        except OSError:
            return
        self._file, self._offset = found.st_ino, found.st_size

    def news(self) -> list[str] | None:
        """Keys that others have put since the last look; None where the log is not what it was."""
        try:
            found = os.stat(self._path)
            if self._file is None:
                self._file = found.st_ino
            if found.st_ino != self._file or found.st_size < self._offset:
                return None
            return self._read() if found.st_size > self._offset else []
        except FileNotFoundError:
            return None if self._file is not None else []
        except OSError:  # what may not be read tells nothing, so that the disk has to
            return None

    def _read(self) -> list[str]:
        check_kind(self._path)
        with self._path.open("rb") as file:
            file.seek(self._offset)
            told = file.read()
        whole = told[: told.rfind(b"\n") + 1]
        self._offset += len(whole)
        lines = [line.split() for line in whole.splitlines()]
        others = [line[0] for line in lines if len(line) == 2 and line[1] != self._own]
        return list(dict.fromkeys(key.decode("ascii", "replace") for key in others))
