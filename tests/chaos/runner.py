"""The parts of every kind of fault, spread over processes, and the table of what came of them."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from tempfile import TemporaryDirectory

import pytest

from tests.chaos.base import Tally, warm

# Each module's `run(seed, count)` gives a Tally; the second number is how many cases there must be.
# Lines compute in the worker itself, after which its forks hang in torch's threads: they come last.
KINDS = {"kills": 200, "workers": 60, "damages": 1000, "disks": 40, "folders": 120, "lines": 3000}
PARTS = {"kills": 10, "workers": 4, "damages": 10, "disks": 2, "folders": 2, "lines": 4}


def run_part(name: str, seed: int, count: int) -> Tally:
    """One part of a kind."""
    return importlib.import_module(f"tests.chaos.{name}").run(seed, count)


def run_kinds(
    names: Sequence[str], *, seed: int, scale: float, processes: int = 2
) -> dict[str, list[Tally]]:
    """The tallies of every kind asked for; parts are seeded by their place."""
    found: dict[str, list[Tally]] = {name: [] for name in names}
    # Each worker is a fresh process that warms up and forks; the parts of a kind share nothing.
    with (
        _scratch(),
        ProcessPoolExecutor(
            processes, mp_context=get_context("spawn"), initializer=warm
        ) as workers,
    ):
        waiting = []
        for name in sorted(names, key=list(KINDS).index):
            parts = PARTS[name] if scale >= 0.5 else 1
            each = max(1, round(KINDS[name] * scale / parts))
            for part in range(parts):
                place = seed * 1000 + part
                waiting.append((name, place, workers.submit(run_part, name, place, each)))
        for name, place, future in waiting:
            tally = future.result()
            found[name].append(tally)
            print(f"{name} seed {place}: {tally.tried} tried, {tally.bad} bad", flush=True)
            for line in tally.lines:
                print(f"  {line}", flush=True)
    return found


@contextmanager
def _scratch() -> Iterator[None]:
    """A folder for all that workers write, which goes when they do."""
    with TemporaryDirectory(prefix="chaos-") as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", folder)
        yield


def table(found: dict[str, list[Tally]]) -> str:
    """One line per kind of fault."""
    columns = ("tried", "same", "named", "tracebacks", "hangs", "silent_wrong")
    lines = ["".join((f"{'fault':10}", *(f"{column:>14}" for column in columns)))]
    for name, tallies in found.items():
        sums = [sum(getattr(tally, column) for tally in tallies) for column in columns]
        lines.append("".join((f"{name:10}", *(f"{number:>14}" for number in sums))))
    return "\n".join(lines)
