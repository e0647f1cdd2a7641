"""The tracer of coverage: away while others' code runs, and there for ours."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from tests.tracing import THEIRS, with_tracer, without_tracer


@pytest.fixture
def traced() -> Generator[list[str]]:
    """Names of functions that a tracer sees called."""
    seen: list[str] = []

    def tracer(frame: FrameType, event: str, argument: Any) -> None:
        seen.append(frame.f_code.co_name)

    found = sys.gettrace()
    sys.settrace(tracer)
    yield seen
    sys.settrace(found)


def ours() -> None:
    pass


def theirs() -> None:
    ours()
    with_tracer(ours)()


def broken() -> None:
    raise ValueError


def test_what_others_call_is_untraced_unless_it_is_ours(traced: list[str]) -> None:
    without_tracer(theirs)()
    assert "theirs" not in traced
    assert traced.count("ours") == 1
    ours()
    assert traced.count("ours") == 2


def test_an_error_gives_the_tracer_back(traced: list[str]) -> None:
    with pytest.raises(ValueError):
        without_tracer(broken)()
    ours()
    assert traced.count("ours") == 1


def test_without_a_tracer_nothing_changes() -> None:
    found = sys.gettrace()
    sys.settrace(None)
    try:
        without_tracer(theirs)()
        with_tracer(theirs)()
        assert sys.gettrace() is None
    finally:
        sys.settrace(found)


@pytest.mark.parametrize("module", sorted(THEIRS))
def test_each_function_of_theirs_is_there(module: str) -> None:
    loaded = importlib.import_module(module)
    for owner, names in THEIRS[module].items():
        holder = getattr(loaded, owner) if owner else loaded
        assert set(names) <= vars(holder).keys()


@pytest.mark.no_cover
def test_lines_of_ours_are_reported_that_others_import(tmp_path: Path) -> None:
    """A module of others that loads one of ours, in a process that coverage traces by itself."""
    package = tmp_path / "site-packages"
    package.mkdir()
    (package / "of_others.py").write_text("import hydra_plugins.energy_sweep\n")
    root = Path(__file__).parents[1]
    script = tmp_path / "script.py"
    script.write_text("import of_others\n")
    coverage = [sys.executable, "-m", "coverage", "run", f"--rcfile={root / 'pyproject.toml'}"]
    paths = os.pathsep.join([str(package), str(root)])
    subprocess.run(
        [*coverage, "--data-file", str(tmp_path / "data"), str(script)],
        env={**os.environ, "PYTHONPATH": paths},
        check=True,
    )
    report = subprocess.run(
        [sys.executable, "-c", REPORT, str(tmp_path)], check=True, capture_output=True, text=True
    )
    assert "hydra_plugins" in report.stdout
    assert "of_others" not in report.stdout


REPORT = """
import sys, pathlib, coverage
for path in pathlib.Path(sys.argv[1]).glob("data*"):
    data = coverage.CoverageData(str(path))
    data.read()
    print([name for name in data.measured_files() if data.lines(name)])
"""
