"""The second copy of a study: `study.jsonl`, to which each fact is appended once it is stored.

A line is an object of one entry, from the kind of a document to the sealed document itself, in the
very text that the database holds of it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from shutil import copy2
from typing import Any

from energy_sweep.record import JsonDict
from energy_sweep.record.files import read_file, write_whole
from energy_sweep.record.seal import Damaged, parse, seal
from energy_sweep.study.paths import JOURNAL, spare

STUDY, CLAIM, HELD, RESULT, TOLD, FAILED = "study", "claim", "held", "result", "told", "failed"
KINDS = (STUDY, CLAIM, HELD, RESULT, TOLD, FAILED)
OF_TRIAL = "trial"  # under this name, a document says which trial it belongs to


@dataclass(frozen=True, slots=True)
class JournalLine:
    """One document of the journal: as it is written, and as it was read, its seal unchecked."""

    kind: str
    text: str
    document: JsonDict


@dataclass(frozen=True, slots=True)
class Lines:
    """What a journal holds: lines in order, those that cannot be read by number, and its end.

    `whole_bytes` is where the last whole line ends: what a kill left of the next is no damage.
    """

    lines: tuple[JournalLine, ...] = ()
    damaged: tuple[int, ...] = ()
    whole_bytes: int = 0
    exists: bool = False


def of_trial(number: int, document: JsonDict) -> JsonDict:
    """A document of a trial, sealed."""
    return seal({**document, OF_TRIAL: number})


def read_journal(folder: Path) -> Lines:
    """All lines of a study's journal; OSError where the file cannot be read."""
    try:
        content = read_file(folder / JOURNAL)
    except FileNotFoundError:
        return Lines()
    return _lines(content)


def _lines(content: bytes) -> Lines:
    """The whole lines of what was read."""
    whole = content.rfind(b"\n") + 1
    lines: list[JournalLine] = []
    damaged: list[int] = []
    for number, raw in enumerate(content[:whole].split(b"\n")[:-1], start=1):
        line = _line(raw)
        if line is None:
            damaged.append(number)
        else:
            lines.append(line)
    return Lines(tuple(lines), tuple(damaged), whole, exists=True)


def _line(raw: bytes) -> JournalLine | None:
    try:
        text = raw.decode()
        kind = text[2 : text.index('"', 2)]
        head = _head(kind)
        inner = text[len(head) : -1]
        document: Any = parse(inner)
    except (ValueError, Damaged):
        return None
    right = kind in KINDS and text == f"{head}{inner}}}" and isinstance(document, dict)
    return JournalLine(kind, inner, document) if right else None


def _head(kind: str) -> str:
    return f'{{"{kind}": '


def _written(kind: str, document: JsonDict) -> str:
    return f"{_head(kind)}{json.dumps(document)}}}\n"


@dataclass(slots=True)
class Journal:
    """Appends to a study's journal, in turn with others, and reads what those appended."""

    path: Path
    _handle: int | None = field(default=None, init=False)
    _known_bytes: int = field(default=0, init=False)  # of the file, by what was read and written

    def begin(
        self, known: Lines, lacking: Iterable[tuple[str, JsonDict]], *, anew: bool
    ) -> Path | None:
        """Bring the file up to date; `anew` writes it all, and gives where the old one is kept.

        `lacking` are the documents that it has not, or with `anew` all that it shall have.
        """
        text = "".join(_written(kind, document) for kind, document in lacking)
        kept = None
        if anew or not known.exists:
            if known.exists:
                kept = spare(self.path)
                copy2(self.path, kept)
            write_whole(self.path, text)
            text = ""
        elif self.path.stat().st_size > known.whole_bytes:
            os.truncate(self.path, known.whole_bytes)
        self._handle = os.open(self.path, os.O_WRONLY | os.O_APPEND)
        self._known_bytes = os.fstat(self._handle).st_size
        if text:
            self._write(text, durable=True)
        return kept

    def join(self, known: Lines) -> None:
        """Append to the file of others who are writing it; `known` is what was read of it."""
        self._handle = os.open(self.path, os.O_WRONLY | os.O_APPEND)
        self._known_bytes = known.whole_bytes

    def news(self, *, in_turn: bool) -> Lines:
        """What others appended since this was asked last; nothing of what was written here.

        Nobody writes `in_turn`: half a line is then what a kill left, and is cut off.
        """
        size = self.path.stat().st_size if self.path.exists() else 0
        if size <= self._known_bytes:
            return Lines()
        with self.path.open("rb") as file:
            file.seek(self._known_bytes)
            found = _lines(file.read())
        self._known_bytes += found.whole_bytes
        if in_turn and size > self._known_bytes:
            os.truncate(self.path, self._known_bytes)
        return found

    def append(self, *documents: tuple[str, JsonDict], durable: bool = False) -> None:
        """Add sealed documents by kind, in one write; what is `durable` outlasts a power loss.

        Only in a turn, after what others appended was read.
        """
        text = "".join(_written(kind, document) for kind, document in documents)
        self._write(text, durable=durable)

    def close(self) -> None:
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def _write(self, text: str, *, durable: bool) -> None:
        if self._handle is None:
            raise ValueError("the journal was not begun")
        before, left = os.fstat(self._handle).st_size, memoryview(text.encode())
        try:
            while left:
                left = left[os.write(self._handle, left) :]
            self._known_bytes += len(text.encode())
            if durable:
                os.fsync(self._handle)
        except OSError as error:
            os.ftruncate(self._handle, before)  # no half line before the next
            raise OSError(error.errno, error.strerror, str(self.path)) from error
