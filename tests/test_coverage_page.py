"""docs/coverage.md: every row of the mission has a test that exists, and its commands work."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "coverage.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^python (-m .*)$", PAGE, re.M)
ROWS = re.findall(r"^\| (\d+) \|[^|]*\|([^|]*)\|", PAGE, re.M)


def test_every_row_names_a_test_that_the_list_runs() -> None:
    assert [int(number) for number, _ in ROWS] == list(range(1, 51))
    for number, tests in ROWS:
        found = re.findall(r"`(tests/[\w/]+\.py)`", tests)
        assert found, number
        for path in found:
            assert (ROOT / path).is_file(), path
            assert f"-m pytest {path}" in COMMANDS


@pytest.mark.contracts
@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_of_the_page_works(command: str, tmp_path: Path) -> None:
    words = shlex.split(command)
    is_test = words[1] == "pytest"
    done = subprocess.run(
        [sys.executable, *words, *(["-n", "0"] if is_test else [])],
        cwd=ROOT if is_test else tmp_path,
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
