"""What the attempts at a trial that ended the process leave behind, and when they end."""

from __future__ import annotations

import sysconfig
from pathlib import Path

import pytest

from energy_sweep.app.sweep.attempts import MOST_KNOWN, MOST_UNKNOWN, Attempts, EndedProcess

CRASH = f"""Fatal Python error: Segmentation fault

Current thread 0x1 (most recent call first):
  File "{sysconfig.get_path("stdlib")}/ctypes/__init__.py", line 9 in string_at
  File "/home/me/net.py", line 12 in forward
"""


@pytest.fixture
def stage(tmp_path: Path) -> Path:
    folder = tmp_path / "ab" / "abc"
    folder.mkdir(parents=True)
    return folder


def attempts(tmp_path: Path, stage: Path) -> Attempts:
    return Attempts(tmp_path / ".attempts" / "one.json", (stage,))


def test_what_nobody_knows_is_tried_often_and_then_told(tmp_path: Path, stage: Path) -> None:
    for _ in range(MOST_UNKNOWN):
        assert attempts(tmp_path, stage).begin() == ""
    with pytest.raises(EndedProcess, match=f"{MOST_UNKNOWN} times at the same place"):
        attempts(tmp_path, stage).begin()
    assert attempts(tmp_path, stage).begin() == ""  # another go begins at the start


def test_a_crash_is_told_with_the_line_of_the_user(tmp_path: Path, stage: Path) -> None:
    for _ in range(MOST_KNOWN):
        one = attempts(tmp_path, stage)
        one.begin()
        one.said.write_text(CRASH)
    with pytest.raises(EndedProcess, match=r"Segmentation fault in forward \(/home/me/net.py:12\)"):
        attempts(tmp_path, stage).begin()


def test_who_came_further_is_not_at_the_same_place(tmp_path: Path, stage: Path) -> None:
    for epoch in range(3 * MOST_UNKNOWN):
        attempts(tmp_path, stage).begin()
        (stage / f"epoch-{epoch}").write_text("weights")
    one = attempts(tmp_path, stage)
    one.begin()
    one.forget()
    assert not one.path.exists()
