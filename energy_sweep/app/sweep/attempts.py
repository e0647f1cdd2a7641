"""Trials that ended the whole process, by a crash in native code or for want of memory.

Such a trial is left as by `kill -9`, so the same command goes on with it, and is ended again. What
each attempt leaves behind says so, and how far its stages were.
"""

from __future__ import annotations

import faulthandler
import json
import re
import sys
import sysconfig
from collections.abc import Generator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from energy_sweep.record import EnergySweepError, JsonDict, digest
from energy_sweep.record.documents import read_json
from energy_sweep.record.files import read_file, write_whole
from energy_sweep.record.seal import Damaged
from energy_sweep.search import Job
from energy_sweep.text import terminal

ATTEMPTS = ".attempts"  # a folder of the store
# How often a trial may end the process without coming any further: where it is known why, and where
# nobody knows, as after a kill by hand, which says nothing of the trial.
MOST_KNOWN, MOST_UNKNOWN = 2, 5
WANT_OF_MEMORY = "killed by the system for want of memory: a smaller batch= may help"
CRASH = re.compile(r"Fatal Python error: (.+)")
VMSTAT, BOOT = Path("/proc/vmstat"), Path("/proc/sys/kernel/random/boot_id")
FRAME = re.compile(r'File "(.+)", line (\d+) in (.+)')


class EndedProcess(EnergySweepError):
    """A trial that ended the process each time it was tried."""


@contextmanager
def one_more_attempt(root: Path, number: int, job: Job) -> Generator[None]:
    """Try a trial, whose stages lie in the store at `root`.

    Raises EndedProcess where that would only end the process again.
    """
    folders = tuple(root / use.key[:2] / use.key for use in job.stages)
    attempts = Attempts(root / ATTEMPTS / f"{digest(job.identity)[:16]}.json", folders)
    if why := attempts.begin():
        said = f"trial {number} ended the program before ({why}), and is tried again"
        print(terminal.escape(said), file=sys.stderr)
    try:
        with _watched(attempts.said):
            yield
    finally:
        attempts.forget()  # whatever is raised here, the process goes on


@dataclass(frozen=True, slots=True)
class Attempts:
    """What earlier attempts at one trial left: a note at `path`, and what a crash said beside it.

    `stages` are the folders whose files show how far the trial is.
    """

    path: Path
    stages: tuple[Path, ...]

    def begin(self) -> str:
        """Note one more, and give what ended the last, if known; raises EndedProcess."""
        note = self._note()
        why = self._crash() or (WANT_OF_MEMORY if _out_of_memory_since(note) else "")
        number, progress = note.get("attempts", 0), self._progress()
        if number and note.get("progress") != progress:
            number = 1  # the last one came further before it ended
        if number >= (MOST_KNOWN if why else MOST_UNKNOWN):
            self.forget()
            how = why or "killed, and nobody knows by whom"
            raise EndedProcess(
                f"it ended the program {number} times at the same place ({how});"
                " another go tries again"
            )
        note = {"attempts": number + 1, "progress": progress, "kills": _kills()}
        with suppress(OSError):  # a note that cannot be taken is in the way of no trial
            self.path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(self.path, json.dumps(note), durable=False)
        return why

    def forget(self) -> None:
        """Remove what is noted."""
        for path in (self.path, self.said):
            with suppress(OSError):
                path.unlink(missing_ok=True)

    @property
    def said(self) -> Path:
        """Where Python writes what ended it."""
        return self.path.with_suffix(".crash")

    def _note(self) -> JsonDict:
        """What the last attempt left, where it ended the process."""
        try:
            note = read_json(self.path)
        except (OSError, Damaged):
            return {}
        return note if isinstance(note, dict) and isinstance(note.get("attempts"), int) else {}

    def _crash(self) -> str:
        """What Python saw of the crash that ended the last attempt, and where; empty if nothing."""
        try:
            said = read_file(self.said).decode(errors="replace")
        except OSError:
            return ""
        found = CRASH.search(said)
        return f"{found[1]}{_place(said)}" if found else ""

    def _progress(self) -> str:
        """What changes with every epoch and stage that is stored, and by no lock or half file."""
        files = [file for folder in self.stages for file in sorted(folder.glob("[!.]*"))]
        marks = []
        for file in files:
            with suppress(OSError):
                stat = file.stat()
                marks.append([file.parent.name, file.name, stat.st_mtime_ns, stat.st_size])
        return digest(marks)


@contextmanager
def _watched(path: Path) -> Generator[None]:
    """Have Python write down where a crash in native code ends it, unless somebody else has."""
    with ExitStack() as stack:
        with suppress(OSError):
            if not faulthandler.is_enabled():
                file = stack.enter_context(path.open("w"))
                faulthandler.enable(file, all_threads=False)
                stack.callback(faulthandler.disable)
        yield


def _place(said: str) -> str:
    """The innermost line of what the user wrote, or else of anybody's."""
    installed = tuple(sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib"))
    frames = FRAME.findall(said)
    own = [frame for frame in frames if not frame[0].startswith(installed)]
    if not frames:
        return ""
    file, line, function = (own or frames)[0]
    return f" in {function} ({file}:{line})"


def _kills() -> list[str | int] | None:
    """Which run of this machine it is, and how many processes it has killed for want of memory."""
    try:
        counts = dict(line.split() for line in VMSTAT.read_text(encoding="ascii").splitlines())
        return [BOOT.read_text(encoding="ascii").strip(), int(counts["oom_kill"])]
    except (OSError, ValueError, KeyError):
        return None


def _out_of_memory_since(note: JsonDict) -> bool:
    """Whether this machine has killed a process for want of memory since the note was taken."""
    before, now = note.get("kills"), _kills()
    return bool(before and now and before[0] == now[0] and before[1] < now[1])
