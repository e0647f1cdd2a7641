"""The traces published with Zeus (NSDI 2023): ShuffleNetV2 on CIFAR-100, on four kinds of GPU.

Joules of an epoch are its seconds times the mean watts of the board, by batch and power limit, each
measured once. Of accuracy the trace tells at which epoch each run first reached a multiple of .05:
after so many epochs it is at least the highest that was reached by then.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

from energy_sweep.record import BadInput

FOLDER = Path(__file__).with_name("zeus_nsdi23")
GPUS = ("v100", "a40", "p100", "rtx6000")
CHANCE = 0.01  # of 100 classes: a run that has not reached .05 yet is at least that good
EPOCHS = (10, 20, 30)

Curve = tuple[tuple[int, float], ...]  # of a run: (epoch, accuracy first reached then), in order


class Cell(NamedTuple):
    """One training: a `run` of a batch, for so many epochs, on a board limited to so many watts."""

    batch: int
    limit: int
    run: int
    epochs: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ZeusTrace:
    """What one GPU took and what was learned; `seconds` and `watts` by (batch, power limit)."""

    gpu: str
    seconds: dict[tuple[int, int], float]
    watts: dict[tuple[int, int], float]
    runs: dict[int, dict[int, Curve]]

    @staticmethod
    def of(gpu: str) -> ZeusTrace:
        """The trace of one of `GPUS`."""
        if gpu not in GPUS:
            raise BadInput(f"no trace of {gpu}: type {'|'.join(GPUS)}")
        power = {
            (int(row["batch_size"]), int(row["power_limit"])): row
            for row in _rows(f"summary_power_{gpu}.csv")
        }
        return ZeusTrace(
            gpu=gpu,
            seconds={cell: float(row["time_per_epoch"]) for cell, row in power.items()},
            watts={cell: float(row["average_power"]) for cell, row in power.items()},
            runs=_runs(),
        )

    @property
    def batches(self) -> tuple[int, ...]:
        """Those of which both joules and accuracies are known."""
        return tuple(sorted({batch for batch, _ in self.seconds} & self.runs.keys()))

    def limits(self, batch: int) -> tuple[int, ...]:
        """The power limits, in watts, that a batch was measured at; the last is the board's own."""
        return tuple(sorted(limit for one, limit in self.seconds if one == batch))

    def epoch_joules(self, batch: int, limit: int) -> float:
        """Joules of the board for one epoch."""
        return self.seconds[batch, limit] * self.watts[batch, limit]

    def accuracy(self, batch: int, run: int, epochs: float) -> float:
        """What a run had reached after so many epochs: a lower bound."""
        reached = (accuracy for epoch, accuracy in self.runs[batch][run] if epoch <= epochs)
        return max(reached, default=CHANCE)

    def mean_accuracy(self, batch: int, epochs: float) -> float:
        """The mean of `accuracy` over the runs of a batch."""
        runs = self.runs[batch]
        return sum(self.accuracy(batch, run, epochs) for run in runs) / len(runs)

    def epochs_to(self, batch: int, run: int, accuracy: float) -> int | None:
        """When a run first reached an accuracy; None where it never did."""
        return next((epoch for epoch, one in self.runs[batch][run] if one >= accuracy), None)


def grid_cells(
    trace: ZeusTrace, *, epochs: Sequence[int] = EPOCHS, limits: Sequence[int] | None = None
) -> Iterator[Cell]:
    """Every run at every batch, power limit (or only `limits`) and number of epochs."""
    for batch, limit in _settings(trace, limits):
        for run in trace.runs[batch]:
            for count in epochs:
                yield Cell(batch, limit, run, count)


def target_cells(
    trace: ZeusTrace, accuracy: float, *, limits: Sequence[int] | None = None
) -> Iterator[Cell]:
    """Every run up to the epoch where it first reached an accuracy.

    Batches of which a run never did are left out: the mean of the others would flatter them.
    """
    for batch, limit in _settings(trace, limits):
        needed = {run: trace.epochs_to(batch, run, accuracy) for run in trace.runs[batch]}
        if None not in needed.values():
            yield from (Cell(batch, limit, run, count) for run, count in needed.items() if count)


def _settings(trace: ZeusTrace, limits: Sequence[int] | None) -> Iterator[tuple[int, int]]:
    for batch in trace.batches:
        for limit in trace.limits(batch):
            if limits is None or limit in limits:
                yield batch, limit


def _rows(name: str) -> Iterator[dict[str, str]]:
    with (FOLDER / name).open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


@cache
def _runs() -> dict[int, dict[int, Curve]]:
    """When each run reached what, by batch and number of the run."""
    found: defaultdict[int, defaultdict[int, list[tuple[int, float]]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for row in _rows("summary_train.csv"):
        if row["target_epoch"] != "nan":
            reached = (int(row["target_epoch"]), float(row["target_metric"]))
            found[int(row["batch_size"])][int(row["run"])].append(reached)
    return {
        batch: {run: tuple(sorted(curve)) for run, curve in sorted(runs.items())}
        for batch, runs in found.items()
    }
