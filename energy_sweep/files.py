"""Files are written whole or not at all; the one writer of everything that is read back."""

from __future__ import annotations

import contextlib
import os
import uuid
from collections.abc import Generator
from pathlib import Path

PART = ".part-"  # how the name of a file begins that is not whole yet


def write_whole(path: Path, content: str | bytes, *, durable: bool = True) -> None:
    """Replace `path` by `content` in one step, with the rights that the umask leaves.

    No reader, and no process that is killed, leaves half of it; what is `durable` is there after a
    power loss too. OSError where it cannot be written, with nothing left behind.
    """
    with whole(path, durable=durable) as part:
        part.write_bytes(content.encode() if isinstance(content, str) else content)


@contextlib.contextmanager
def whole(path: Path, *, durable: bool = True) -> Generator[Path]:
    """Hand out a name beside `path` for others to write, and move that file there at the end.

    The name keeps the suffix; the file is taken away where the work inside fails.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{PART}{uuid.uuid4().hex[:12]}{path.suffix}")
    try:
        yield part
        if durable:
            sync(part)
        os.replace(part, path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    if durable:
        sync(path.parent)


def sync(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
