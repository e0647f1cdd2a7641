"""`make places`: the main job and the quick tests in every place where it may be installed.

For each: seconds of installing, of the main job (a sweep of 4 trials, front, choose, deploy,
predict) and of the quick tests. Exit code 1 where one failed; what is not on this machine is not
tried, which is no failure.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

from tests.places.conditions import CONDITIONS
from tests.places.install import (
    TOOLS,
    NotHere,
    build,
    install,
    make_environment,
    refusal,
    unpack_tests,
)
from tests.places.interpreters import find_python
from tests.places.place import Place, PlaceFailed

PYTHONS = ("3.11", "3.12", "3.13")  # the first is the one under every condition
TOO_OLD = "3.10"
FAILED = "FAILED"


@dataclass(kw_only=True)
class Row:
    """What became of one place; seconds of what was not done are missing."""

    name: str
    install: float | None = None
    job: float | None = None
    tests: float | None = None
    outcome: str = ""

    def __str__(self) -> str:
        spans = (self.install, self.job, self.tests)
        seconds = ("-" if span is None else f"{span:.0f}" for span in spans)
        return "".join((f"{self.name:26}", *(f"{one:>10}" for one in seconds), f"  {self.outcome}"))


HEAD = f"{'place':26}{'install s':>10}{'job s':>10}{'tests s':>10}  outcome"


def visit(place: Place, row: Row, begun: float, *, tests: bool) -> None:
    """See that it is this place, and do there what is to be done."""
    place.prove()
    row.install = time.monotonic() - begun
    row.job = place.main_job()
    place.imports()
    if tests:
        row.tests = place.quick_tests()
    row.outcome = "works"


def attempt(row: Row, work: Callable[[Row], None]) -> Row:
    """The row, with what went wrong."""
    try:
        work(row)
    except NotHere as missing:
        row.outcome = f"not tried: {missing}"
    except PlaceFailed as failed:
        row.outcome = f"{FAILED}: {failed}"
    except subprocess.CalledProcessError as failed:
        row.outcome = f"{FAILED}: {failed}\n{failed.stderr or ''}"
    print(row, flush=True)
    return row


class Places:
    """All places in turn, in one folder: an environment of each Python, the first one kept."""

    def __init__(self, folder: Path, only: list[str], *, is_kept: bool, tests: bool) -> None:
        self._folder, self._only, self._is_kept, self._tests = folder, only, is_kept, tests
        self._sdist, self._wheel = build(Path(tempfile.mkdtemp(prefix="dist-", dir=folder)))
        self._base: Place | None = None

    def rows(self) -> Iterator[Row]:
        """One row after the other."""
        for version in PYTHONS:
            name = f"Python {version}"
            is_base = version == PYTHONS[0] and any(map(self._is_asked, CONDITIONS))
            if self._is_asked(name) or is_base:
                yield attempt(Row(name=name), lambda row, one=version: self._python(one, row))
        if self._is_asked(f"Python {TOO_OLD}"):
            yield attempt(Row(name=f"Python {TOO_OLD}"), self._too_old)
        for name, condition in CONDITIONS.items():
            if self._is_asked(name):
                yield attempt(Row(name=name), lambda row, one=condition: self._under(one, row))

    def _is_asked(self, name: str) -> bool:
        return not self._only or name in self._only

    def _python(self, version: str, row: Row) -> None:
        """From the sdist with the first, from the wheel with the others."""
        python, is_first = find_python(version), version == PYTHONS[0]
        if python is None:
            raise NotHere(f"no python{version} on PATH or kept by pyenv")
        begun, package = time.monotonic(), self._sdist if is_first else self._wheel
        folder = self._folder / f"python{version}"
        row.name = f"{row.name} ({'sdist' if is_first else 'wheel'})"
        try:
            if folder.exists():  # kept: only the package may be another
                made = folder / "bin/python"
                install(made, "--force-reinstall", "--no-deps", package)
            else:
                made = make_environment(python, folder)
                install(made, package, *TOOLS)
            place = self._place(row.name, made)
            if is_first:
                self._base = place
            row.outcome = "installed"
            if self._is_asked(f"Python {version}"):
                visit(place, row, begun, tests=self._tests)
        finally:
            if not is_first and not self._is_kept:  # some gigabytes
                shutil.rmtree(folder, ignore_errors=True)

    def _place(self, name: str, python: Path) -> Place:
        """A fresh folder for the study and one of tests."""
        folder = Path(tempfile.mkdtemp(prefix="study-", dir=self._folder))
        checks = unpack_tests(self._sdist, folder / "checks")
        return Place(name=name, python=python, folder=folder, checks=checks)

    def _too_old(self, row: Row) -> None:
        python = find_python(TOO_OLD)
        if python is None:
            raise NotHere(f"no python{TOO_OLD} on PATH or kept by pyenv")
        if not refusal(python, self._wheel):
            raise PlaceFailed("pip does not refuse it")
        row.outcome = "refused by requires-python, as it should"

    def _under(self, condition: Callable, row: Row) -> None:
        if self._base is None:
            raise NotHere(f"no Python {PYTHONS[0]} to try it with")
        begun = time.monotonic()
        fresh = self._place(row.name, self._base.python)
        with condition(fresh, self._wheel) as place:
            row.name = place.name
            visit(place, row, begun, tests=self._tests)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.places", description=__doc__)
    names = [f"Python {version}" for version in (*PYTHONS, TOO_OLD)]
    parser.add_argument("--only", action="append", choices=[*names, *CONDITIONS], default=[])
    parser.add_argument("--keep", type=Path, help="a folder to work in; what lies there is used")
    parser.add_argument("--no-tests", dest="tests", action="store_false", help="the main job alone")
    asked = parser.parse_args()
    begun = time.monotonic()
    if asked.keep is not None:
        asked.keep.mkdir(parents=True, exist_ok=True)
    kept = None if asked.keep is None else nullcontext(str(asked.keep))
    with kept or tempfile.TemporaryDirectory(prefix="places-") as folder:
        Path(folder).chmod(0o755)  # another user looks at what is in it
        places = Places(
            Path(folder).resolve(), asked.only, is_kept=asked.keep is not None, tests=asked.tests
        )
        rows = list(places.rows())
    print("", HEAD, *(replace(row, outcome=row.outcome.split("\n")[0]) for row in rows), sep="\n")
    print(f"{time.monotonic() - begun:.0f} s")
    return 1 if any(row.outcome.startswith(FAILED) for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
