"""Printing where a terminal lacks letters, a disk is full, or the shell closed a stream."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import toy_study
from stored_study import store_study

ROOT = Path(__file__).parents[2]
VERBS = [
    *("front toy", "front toy --json", "front toy --csv", "choose toy", "report toy"),
    *("stages toy", "meters", "measure --json -- true"),
]
# Every verb in one process, since what takes long is to start one.
EACH = f"""
import sys
from energy_sweep.app.main import main
codes = [main(words.split()) for words in {VERBS!r}]
print(codes, file=sys.stderr)
"""
FULL = "what is printed: No space left on device: make room, and type the same command again"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("streams")
    store_study(folder / "outputs", "toy", toy_study.grid())
    return folder


def said(place: Path, code: str, redirection: str = "", **environment: str) -> tuple[int, str]:
    """The exit code and standard error of a program whose output goes elsewhere."""
    done = subprocess.run(
        ["sh", "-c", f"{shlex.join([sys.executable, '-c', code])} {redirection}"],
        cwd=place,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        timeout=120,
    )
    return done.returncode, done.stderr


def test_a_terminal_of_ascii_shows_every_face(place: Path) -> None:
    code, errors = said(place, EACH, PYTHONIOENCODING="ascii", LC_ALL="C", PYTHONUTF8="0")
    assert code == 0 and errors.isascii()
    assert errors.splitlines()[-1] == str([0] * len(VERBS))


def test_a_closed_output_is_no_failure(place: Path) -> None:
    code, errors = said(place, EACH, ">&- <&-")
    assert (code, errors.splitlines()[-1]) == (0, str([0] * len(VERBS)))
    assert "Traceback" not in errors


def test_nothing_is_printed_into_the_next_file_that_is_opened(place: Path) -> None:
    code = (
        "from energy_sweep.app.main import main; import os; main(['front', 'toy']);"
        "handle = os.open('mine', os.O_WRONLY | os.O_CREAT); os.write(1, b'stray');"
        "assert handle > 2"
    )
    assert said(place, code, ">&- <&-") == (0, "")
    assert (place / "mine").read_bytes() == b""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a full disk, as Linux has it")
@pytest.mark.parametrize("words", ["front toy", "measure --json -- true"])
def test_a_full_disk_is_one_line(place: Path, words: str) -> None:
    code = f"from energy_sweep.app.main import main; raise SystemExit(main({words.split()!r}))"
    assert said(place, code, ">/dev/full") == (1, f"{FULL}\n")


READ_ONLY = """
mount -t tmpfs none disk && mount -o remount,ro disk
exec {python} -m energy_sweep report toy --to disk/page.html
"""


def test_a_disk_that_is_read_only_is_not_told_to_make_room(place: Path) -> None:
    (place / "disk").mkdir(exist_ok=True)
    own = ["unshare", "--map-root-user", "--mount", "sh", "-c"]
    try:
        subprocess.run([*own, "mount -t tmpfs none disk"], cwd=place, check=True, timeout=60)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("a disk of one's own cannot be mounted here")
    script = READ_ONLY.format(python=shlex.quote(sys.executable))
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [*own, script], cwd=place, env=environment, capture_output=True, text=True, timeout=60
    )
    line = "Read-only file system: type --to with a place that can be written"
    assert (done.returncode, done.stderr) == (2, f"disk/page.html: {line}\n")
