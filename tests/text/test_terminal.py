"""Text for a terminal: what fits, what is folded, and that no word is ever broken."""

from __future__ import annotations

import fcntl
import io
import os
import pty
import struct
import termios

import pytest
import toy_study

from energy_sweep.front import PricedStudy
from energy_sweep.report import tables
from energy_sweep.text import terminal

HEAD = ("trial", "batch", "per image (estimated)", "quality", "rivals")
ROWS = (
    ("3", "32", "0.01 J", "estimated", "none"),
    ("14", "128", "0.1 J", "estimated", "1, 2 +4"),
)


@pytest.fixture(autouse=True)
def no_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)


def lines(width: int | None) -> list[str]:
    return terminal.table(HEAD, ROWS, fold=("rivals",), width=width).splitlines()


def test_a_table_is_as_wide_as_it_is_without_a_width() -> None:
    assert (
        lines(None)
        == lines(200)
        == [
            "trial  batch  per image (estimated)  quality    rivals",
            "    3     32                 0.01 J  estimated  none",
            "   14    128                  0.1 J  estimated  1, 2 +4",
        ]
    )


def test_titles_break_first() -> None:
    assert lines(50) == [
        "                per image",
        "trial  batch  (estimated)  quality    rivals",
        "    3     32       0.01 J  estimated  none",
        "   14    128        0.1 J  estimated  1, 2 +4",
    ]


def test_what_has_no_room_is_folded_the_least_telling_first() -> None:
    assert lines(40) == [
        "                per image",
        "trial  batch  (estimated)  rivals",
        "    3     32       0.01 J  none",
        "   14    128        0.1 J  1, 2 +4",
        "in every row  quality: estimated",
    ]
    assert lines(30) == [
        "                per image",
        "trial  batch  (estimated)",
        "    3     32       0.01 J",
        "    rivals: none",
        "   14    128        0.1 J",
        "    rivals: 1, 2 +4",
        "in every row",
        "    quality: estimated",
    ]


def test_lines_go_on_under_their_second_column_and_between_parts() -> None:
    assert terminal.prose("  why  one two three", width=None) == "  why  one two three"
    assert terminal.prose("  why      aaaa bbbb cccc dddd eeee", width=31).splitlines() == [
        "  why      aaaa bbbb cccc dddd",
        "           eeee",
    ]
    assert terminal.join_parts(
        ["trial 3", "batch=32 lr=0.1", "spent 12 J"], width=30
    ).splitlines() == [
        "trial 3  batch=32 lr=0.1",
        "    spent 12 J",
    ]


def test_a_word_longer_than_the_line_stays_whole() -> None:
    address = "/sys/devices/virtual/powercap/intel-rapl"
    assert address in terminal.prose(f"no counters under {address} here", width=20).split()
    assert address in terminal.table(("a", "b"), [("1", address)], width=20).split()


@pytest.mark.parametrize("width", [60, 80, 100, 140])
def test_all_of_a_study_fits_and_nothing_of_it_is_lost(width: int) -> None:
    study = toy_study.grid()
    priced = PricedStudy(study)
    whole = tables.tables(priced)
    narrow = tables.tables(priced, width=width)
    assert max(map(len, narrow.splitlines())) <= width
    pieces = {word.strip(":") for word in narrow.split()}
    assert {word.strip(":") for word in whole.split()} <= pieces


def test_a_pipe_has_no_width_and_columns_is_respected(monkeypatch: pytest.MonkeyPatch) -> None:
    assert terminal.width_of(io.StringIO()) is None
    for told, width in (("72", 72), ("0", None), ("wide", None), ("", None), ("3", 20)):
        monkeypatch.setenv("COLUMNS", told)
        assert terminal.width_of(io.StringIO()) == width


def test_a_terminal_has_its_width() -> None:
    mine, its = pty.openpty()
    with os.fdopen(its, "w") as stream, os.fdopen(mine):
        for columns, width in ((93, 93), (0, None)):
            fcntl.ioctl(stream, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
            assert terminal.width_of(stream) == width
