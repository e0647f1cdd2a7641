"""What can stand in the way of a path: rights, owners, links, files of another kind; and back."""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

NOBODY = 65534
MEMORY = 3 * 2**30  # bytes more than there are addresses yet: /dev/zero has no end
OF_FOLDERS = ("closed", "read-only", "another's", "file", "dangling", "loop", "fifo", "proc")
OF_FILES = (
    *("closed", "read-only", "another's", "folder", "dangling", "loop", "fifo"),
    *("endless", "full device"),
)
LINKS = {
    "dangling": "/nowhere/at/all",
    "proc": "/proc",
    "endless": "/dev/zero",
    "full device": "/dev/full",
}
MODES = {"closed": 0o000, "read-only": 0o555}
# Root's rights to pass by modes: CAP_CHOWN, DAC_OVERRIDE, DAC_READ_SEARCH and FOWNER of Linux.
PASSES = (0, 1, 2, 3)
DROP_BOUND, VERSION = 24, 0x20080522


def obstruct(path: Path, obstacle: str, spare: Path) -> Callable[[], None]:
    """Put an obstacle where `path` is, or would be; gives how to take it away again.

    What was there waits at `spare`.
    """
    if obstacle in MODES or obstacle == "another's":
        return _forbid(path, obstacle)
    kept = os.path.lexists(path)
    if kept:
        os.rename(path, spare)
    if obstacle == "file":
        path.write_text("this is no folder\n")
    elif obstacle == "folder":
        path.mkdir()
    elif obstacle == "fifo":
        os.mkfifo(path)
    else:
        path.symlink_to(path.name if obstacle == "loop" else LINKS[obstacle])

    def undo() -> None:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
        if kept:
            os.rename(spare, path)

    return undo


def _forbid(path: Path, obstacle: str) -> Callable[[], None]:
    """Leave a path as it is, without the right to it."""
    made = not path.exists()
    if made:
        path.touch() if path.suffix else path.mkdir(parents=True)
    before = path.stat()
    if obstacle == "another's":
        os.chown(path, NOBODY, NOBODY)
        path.chmod(0o755 if path.is_dir() else 0o600)
    else:
        path.chmod(MODES[obstacle] & (0o777 if path.is_dir() else 0o666))

    def undo() -> None:
        with contextlib.suppress(PermissionError, FileNotFoundError):  # it may be put aside
            os.chown(path, before.st_uid, before.st_gid)
            path.chmod(before.st_mode & 0o7777)

    return undo


def obey_modes() -> None:
    """Let this process, and what it starts, be bound by modes though it is root's."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    if os.geteuid():
        return
    library = ctypes.CDLL(None, use_errno=True)
    for number in PASSES:
        library.prctl(DROP_BOUND, number, 0, 0, 0)
    head = (ctypes.c_uint32 * 2)(VERSION, 0)
    sets = (ctypes.c_uint32 * 6)()
    lost = sum(1 << number for number in PASSES)
    if library.capget(head, sets) == 0:
        for place in range(3):  # effective, permitted, inheritable
            sets[place] &= ~lost
        library.capset(head, sets)


def can_own_otherwise() -> bool:
    """Whether files can be given to another user here."""
    return os.geteuid() == 0


def surrounded(what: str, folder: Path) -> Callable[[], None]:
    """What the child changes of its surroundings."""
    closed = folder / "around"
    closed.mkdir(mode=0o000)
    file = folder / "no folder"
    file.write_text("")

    def before() -> None:
        obey_modes()
        tempfile.tempdir = None
        name, _, state = what.partition(" is ")
        values = {"closed": str(closed), "no folder": str(file), "not there": f"{closed}/none"}
        if what == "here is gone":
            gone = folder / "gone"
            gone.mkdir()
            os.chdir(gone)
            gone.rmdir()
        elif what == "here is closed":
            handle = os.open(closed, os.O_PATH)
            closed.chmod(0o700)
            os.fchdir(handle)
            closed.chmod(0o000)
        elif state == "not set":
            os.environ.pop(name, None)
        else:
            os.environ[name] = values[state]
            if name == "HOME":
                os.environ.pop("XDG_CACHE_HOME", None)

    return before
