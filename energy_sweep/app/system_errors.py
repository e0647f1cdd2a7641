"""What the system refused a program, told in one line that says what to do."""

from __future__ import annotations

import errno
import os
import sqlite3

from energy_sweep.record.files import NO_ROOM
from energy_sweep.text.terminal import escape

NO_MEMORY = ("failed to map segment from shared object", "Cannot allocate memory")
CURES = {
    errno.ENOENT: "type the name of one that is there",
    errno.ENOTDIR: "type a name that goes through folders only",
    errno.EISDIR: "type the name of a file",
    errno.ENAMETOOLONG: "type a shorter name",
    errno.EACCES: "ask its owner for the right, or type a place of yours",
    errno.EPERM: "ask its owner for the right, or type a place of yours",
    errno.ELOOP: "remove links that lead to each other",
    errno.EMFILE: "raise the limit by ulimit -n",
    errno.ENOMEM: "end other programs",
    errno.EROFS: "type a place whose disk can be written",
}


def is_out_of_memory(error: BaseException) -> bool:
    """Whether there was no memory for something, be it a library that was to be loaded."""
    return isinstance(error, MemoryError) or any(sign in str(error) for sign in NO_MEMORY)


def by_the_system(error: BaseException | None) -> OSError | None:
    """What the system refused, where that is why something failed: it, or its first cause."""
    if isinstance(error, OSError):
        return error
    found: OSError | None = None
    while error is not None:
        if isinstance(error, OSError) and error.errno in (*NO_ROOM, errno.EROFS):
            found = error
        if isinstance(error, sqlite3.OperationalError) and "disk" in str(error):
            found = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "the study's database")
        if is_out_of_memory(error):
            found = OSError(errno.ENOMEM, os.strerror(errno.ENOMEM), "the program")
        error = error.__cause__ or error.__context__
    return found


def describe(error: OSError) -> str:
    """The line for a file, or a stream, that the system refuses."""
    full = error.errno in NO_ROOM
    place = (
        error.filename2
        or error.filename
        or ("what is printed" if full else "the system refuses a part of it")
    )
    cure = "make room" if full else CURES.get(error.errno or 0, "put that right")
    said = f"{place}: {error.strerror or error}: {cure}, and type the same command again"
    return escape(" ".join(said.split()))
