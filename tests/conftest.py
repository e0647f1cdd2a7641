"""Signals as a terminal leaves them: shells that start tests in the background ignore some."""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import sys
import tempfile
import uuid
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from energy_sweep.app.sweep import patience
from energy_sweep.meter import turn
from tests.tracing import untraced

if TYPE_CHECKING:
    from playwright.sync_api import Browser
    from postgres_server import PostgresServer

# One thread, before torch is imported: the threads of two workers would wait for each other, and
# tests in which threads matter set their number themselves.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# Where coverage tells processes that tests start to trace themselves.
TRACE = "COVERAGE_PROCESS_CONFIG"
CACHE = tempfile.TemporaryDirectory(prefix="energy-sweep-tests-")


def pytest_configure() -> None:
    """Listen to what is ignored, since programs that tests start and stop inherit that.

    What is said on a slow machine alone is left out of what tests read, and so is the width of the
    terminal, which pytest-xdist tells its workers as COLUMNS. The user's cache is left alone, and
    tests that run beside each other wait for windows only.
    """
    os.environ["XDG_CACHE_HOME"] = CACHE.name
    patience.SECONDS = 3600.0
    turn.FOLDER = Path(CACHE.name)
    os.environ.pop("COLUMNS", None)
    _spare_what_is_captured()
    for number, usual in (
        (signal.SIGINT, signal.default_int_handler),
        (signal.SIGHUP, signal.SIG_DFL),
    ):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, usual)


def _spare_what_is_captured() -> None:
    """Hydra closes all handlers of logging; absl's, of TensorBoard, closes its stream too.

    That would be the one in which pytest keeps what is written: it gets the real one instead.
    """
    with contextlib.suppress(ImportError):
        from absl import logging as absl

        absl.get_absl_handler().python_handler.stream = sys.__stderr__


@pytest.fixture(autouse=True)
def own_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache folder of its own for each test, so that none remembers what another found."""
    monkeypatch.setenv("XDG_CACHE_HOME", os.path.join(CACHE.name, uuid.uuid4().hex))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Processes of a test that is not traced (`no_cover`) are not traced either."""
    traced = os.environ.get(TRACE)
    if item.get_closest_marker("no_cover"):
        os.environ.pop(TRACE, None)
    try:
        return (yield)
    finally:
        if traced is not None:
            os.environ[TRACE] = traced


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Take the tracer away from a test that is not traced.

    pytest-cov stops its own, below which xdist's workers have others, which go on instead: this is
    done after that, hence `trylast`.
    """
    if not item.get_closest_marker("no_cover"):
        return (yield)
    with untraced():
        return (yield)


def pytest_collection_finish() -> None:
    """Do once what costs time again and again: see that imports are no garbage, and torch's table.

    torch makes its table of ONNX operators anew for each export.
    """
    gc.freeze()
    if "torch" not in sys.modules:
        return
    from torch.onnx._internal.exporter._registration import ONNXRegistry

    table, made = ONNXRegistry.from_torchlib, dict[int, ONNXRegistry]()

    def from_torchlib(opset_version: int = ONNXRegistry().opset_version) -> ONNXRegistry:
        if opset_version not in made:
            made[opset_version] = table(opset_version)
        copy = ONNXRegistry()
        copy._opset_version = opset_version
        copy.functions = {
            target: [*found] for target, found in made[opset_version].functions.items()
        }
        return copy

    ONNXRegistry.from_torchlib = staticmethod(from_torchlib)  # type: ignore


@pytest.fixture(scope="module")
def chromium() -> Generator[Browser]:
    """A browser, one for all tests of a module."""
    from chromium import browser

    with browser() as opened:
        yield opened


@pytest.fixture(scope="session")
def postgres_server() -> Generator[PostgresServer]:
    """A PostgreSQL server, one for all tests of a process that ask for it."""
    from postgres_server import running_server

    with running_server() as server:
        yield server


@pytest.fixture
def storage(postgres_server: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of an empty database; its password is in the environment."""
    monkeypatch.setenv("PGPASSWORD", postgres_server.password)
    return postgres_server.new_database()
