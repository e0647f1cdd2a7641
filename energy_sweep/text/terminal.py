"""Text for a terminal: tables that fit it, and lines that break between words."""

from __future__ import annotations

import os
import re
import sys
import textwrap
from collections.abc import Iterable, Sequence, Set
from typing import Any, TextIO

GAP = "  "
# What moves the cursor, changes colours or turns the direction of writing.
CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")
INDENT = "    "
LEAST_WIDTH = 20
FIRST_COLUMN = re.compile(r"\s*\S+(?: \S+)*  +")


def width_of(stream: TextIO | None = None) -> int | None:
    """Characters in a line of standard output, or of `stream`; None where lines have no end.

    As with ls and git, that is what COLUMNS says, or the terminal; a pipe or a file has no width.
    """
    told = os.environ.get("COLUMNS", "")
    if told.isdecimal() and int(told) > 0:
        return max(int(told), LEAST_WIDTH)
    file: TextIO | None = sys.stdout if stream is None else stream
    if file is None:
        return None
    try:
        found = os.get_terminal_size(file.fileno()).columns if file.isatty() else 0
    except (OSError, ValueError):  # a stream without a file, or one that is closed
        return None
    return max(found, LEAST_WIDTH) if found else None


def escape(text: str) -> str:
    """Text whose control characters are shown by their numbers; lines and tabs stay."""
    return CONTROLS.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def one_line(text: str) -> str:
    """Text in one line, without any control characters."""
    return escape(text).replace("\n", "\\n").replace("\t", "\\t")


class Escaping:
    """A stream of text that writes no control characters; else it is the stream that it wraps."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write text as `escape` gives it."""
        return self._stream.write(escape(text))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def table(
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    left: Set[str] | None = None,
    fold: Sequence[str] = (),
    width: int | None = None,
) -> str:
    """Aligned columns; those that `width` has no room for follow under their row, by name.

    Columns titled in `left` are flush left, by default all that do not hold numbers. `fold` names
    columns from the least telling on; those not named follow from the right, but for the first.
    A column that says the same in each row tells even less, and is said once, below all.
    """
    rows = [[one_line(cell) for cell in row] for row in rows]
    head = [one_line(title) for title in head]
    if left is None:
        left = {name for name, *cells in zip(head, *rows, strict=True) if not _is_numeric(cells)}
    shown = _visible_columns(head, rows, fold, width)
    titles = [[head[index]] for index in shown]
    if width is not None and _total_width(head, rows, shown, whole_titles=True) > width:
        widest = [_column_width(head, rows, index, whole_title=False) for index in shown]
        titles = [_break_title(head[i], room) for i, room in zip(shown, widest, strict=True)]
    height = max(map(len, titles), default=0)
    above = [[""] * (height - len(title)) + title for title in titles]
    lines = [*zip(*above, strict=True), *([row[index] for index in shown] for row in rows)]
    flush = [head[index] in left for index in shown]
    text = _align(lines, flush)
    return "\n".join([*text[:height], *_append_hidden(text[height:], head, rows, shown, width)])


def join_parts(parts: Iterable[str], *, width: int | None = None, indent: str = INDENT) -> str:
    """Parts in a line, two spaces between them; where it is too long it goes on between parts."""
    lines = [""]
    for part in parts:
        longer = f"{lines[-1]}{GAP}{part}" if lines[-1] else part
        if width is None or not lines[-1] or len(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(f"{indent}{part}")
    return "\n".join(prose(line, width=width, indent=indent) for line in lines)


def is_constant(rows: Sequence[Sequence[str]], index: int) -> bool:
    """Whether a column says the same in each of several rows."""
    return len(rows) > 1 and len({row[index] for row in rows}) == 1


def prose(text: str, *, width: int | None = None, indent: str | None = None) -> str:
    """Lines that go on in the next one rather than in the midst of a word.

    They go on after `indent`, by default where the second column of the line begins, if it has one.
    """
    if width is None:
        return text
    return "\n".join(_fill_line(line, width, indent) for line in text.splitlines())


def _fill_line(line: str, width: int, indent: str | None) -> str:
    if len(line) <= width:
        return line
    lead = line[: len(line) - len(line.lstrip())]
    if indent is None:
        first = FIRST_COLUMN.match(line)
        column = len(first[0]) if first else 0
        fits = 0 < column <= width - LEAST_WIDTH
        indent = " " * column if fits else lead + (INDENT if first or lead else "")
    return textwrap.fill(
        line.strip(),
        width,
        initial_indent=lead,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _visible_columns(
    head: Sequence[str], rows: Sequence[Sequence[str]], fold: Sequence[str], width: int | None
) -> list[int]:
    """Indexes of the columns for which there is room, titles broken."""
    shown = list(range(len(head)))
    if width is None:
        return shown
    named = [head.index(name) for name in fold if name in head]
    order = [*named, *(index for index in reversed(shown[1:]) if index not in named)]
    order.sort(key=lambda index: not is_constant(rows, index))
    while order and _total_width(head, rows, shown, whole_titles=False) > width:
        shown.remove(order.pop(0))
    return shown


def _total_width(
    head: Sequence[str], rows: Sequence[Sequence[str]], shown: Sequence[int], *, whole_titles: bool
) -> int:
    widths = [_column_width(head, rows, index, whole_title=whole_titles) for index in shown]
    return sum(widths) + len(GAP) * (len(widths) - 1)


def _column_width(
    head: Sequence[str], rows: Sequence[Sequence[str]], index: int, *, whole_title: bool
) -> int:
    title = [head[index]] if whole_title else head[index].split()
    return max(map(len, [*title, *(row[index] for row in rows)]), default=0)


def _break_title(title: str, room: int) -> list[str]:
    return textwrap.wrap(title, max(room, 1), break_long_words=False, break_on_hyphens=False)


def _align(lines: Sequence[Sequence[str]], flush: Sequence[bool]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return [
        GAP.join(
            cell.ljust(width) if left else cell.rjust(width)
            for cell, width, left in zip(line, widths, flush, strict=True)
        ).rstrip()
        for line in lines
    ]


def _append_hidden(
    text: Sequence[str],
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    shown: Sequence[int],
    width: int | None,
) -> list[str]:
    hidden = [index for index in range(len(head)) if index not in shown]
    once = [index for index in hidden if is_constant(rows, index)]
    lines: list[str] = []
    for line, row in zip(text, rows, strict=True):
        lines.append(line)
        said = [f"{head[i]}: {row[i].strip()}" for i in hidden if i not in once and row[i]]
        if said:
            room = None if width is None else width - len(INDENT)
            lines.append(textwrap.indent(join_parts(said, width=room, indent=""), INDENT))
    if once:
        said = [f"{head[i]}: {rows[0][i]}" for i in once if rows[0][i]]
        lines.append(join_parts(["in every row", *said], width=width))
    return lines


def _is_numeric(cells: Sequence[str]) -> bool:
    return all(cell.lstrip("+-.")[:1].isdigit() or cell in ("", "-") for cell in cells)
