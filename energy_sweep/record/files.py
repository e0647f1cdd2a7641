"""Files are written whole or not at all; the one writer of everything that is read back."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import tempfile
import uuid
from collections.abc import Generator
from pathlib import Path

# Of the errors of the system, those that more room cures: a disk, a quota or a file limit is full.
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
READ_BYTES = 2**18
PART = ".part-"  # how the name of a file begins that is not whole yet


def write_whole(path: Path, content: str | bytes, *, durable: bool = True) -> None:
    """Replace `path` by `content` in one step, with the rights that the umask leaves.

    No reader, and no process that is killed, leaves half of it; what is `durable` is there after a
    power loss too. OSError where it cannot be written, with nothing left behind.
    """
    with replace_file(path, durable=durable) as part:
        part.write_bytes(content.encode() if isinstance(content, str) else content)


@contextlib.contextmanager
def replace_file(path: Path, *, durable: bool = True) -> Generator[Path]:
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
    except BaseException as error:
        part.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.filename in (None, str(part)):
            error.filename = str(path)  # what was asked for; a write itself names no file
        raise
    if durable:
        sync(path.parent)


def move_all(part: Path, folder: Path) -> None:
    """Move everything in `part` into `folder`, in place of what has its names there.

    All is as it was where one of them cannot be moved.
    """
    aside = tempfile.TemporaryDirectory(dir=folder, prefix=PART)
    with aside as spare, contextlib.ExitStack() as undo:
        for path in sorted(part.iterdir()):
            target, kept = folder / path.name, Path(spare, path.name)
            if target.is_dir() and not path.is_dir():
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(target))
            if os.path.lexists(target):
                os.replace(target, kept)
                undo.callback(os.replace, kept, target)
            os.replace(path, target)
            undo.callback(os.replace, target, path)
        undo.pop_all()


def read_file(path: Path | str) -> bytes:
    """The content of a file; OSError where it cannot be read, or is a pipe or a device.

    Those would be waited for, or never end.
    """
    check_kind(path)
    handle, parts = os.open(path, os.O_RDONLY), list[bytes]()
    try:
        while part := os.read(handle, READ_BYTES):
            parts.append(part)
    finally:
        os.close(handle)
    return b"".join(parts)


def check_kind(path: Path | str) -> None:
    """OSError where there is no file, or a folder, a pipe or a device."""
    mode = os.stat(path).st_mode
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(mode):
        raise OSError(errno.ENODEV, "It is a pipe or a device, and no file", str(path))


def sync(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
