"""The measured traces published with Zeus (NSDI 2023) as a space: ShuffleNetV2 on CIFAR-100.

Axes are the batch (10), the power limit (V100: 7, A40: 9) and the epochs (8 to 60). Joules are
measured: time of an epoch times average power, for each batch and limit (one reading each). The
trace tells at which epoch each run first reached an accuracy, in steps of .05; accuracy after so
many epochs is the highest that was reached by then, over the mean of the runs: a lower bound in
small steps, not a reading at that epoch. The objective is training alone; nothing is compressed.

Its runs are of one constant schedule, so that a longer run contains the shorter: a search that
shares pays only the epochs beyond the longest so far. A limit cannot change an accuracy, so one
training answers all limits, whose joules are known of windows of a twentieth of an epoch each,
which the price list pays.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.search.worlds import World, grid
from energy_sweep.record import JsonDict

TRACES = Path(__file__).parents[3] / "shared" / "data" / "zeus_nsdi23"
SELECTED = {"dataset": "cifar100", "network": "shufflenetv2", "optimizer": "adadelta"}
EPOCHS = (8, 12, 16, 20, 30, 45, 60)
WINDOW = 0.05  # epochs

Curves = dict[int, list[list[tuple[float, float]]]]  # by batch, of each run: (epoch, accuracy)


def available() -> bool:
    return (traces() / "summary_train.csv").exists()


def traces() -> Path:
    """The folder of traces: beside the checkout, or in the shared folder of this workplace."""
    import os

    return Path(os.environ.get("ENERGY_SWEEP_TRACES", TRACES))


def zeus(device: str) -> Callable[[int], World]:
    """The world of a device, v100 or a40, the same for every seed."""
    return lambda seed: _world(device)


def _world(device: str) -> World:
    epoch_joules = {
        (int(row["batch_size"]), int(row["power_limit"])): float(row["time_per_epoch"])
        * float(row["average_power"])
        for row in _rows(f"summary_power_{device}.csv")
    }
    curves = _curves()
    batches = sorted(set(curves) & {batch for batch, _ in epoch_joules})
    limits = sorted({limit for _, limit in epoch_joules})
    space, points = grid({"batch": batches, "epochs": EPOCHS, "device.power_limit_watts": limits})
    accuracy = np.array([_accuracy(curves[point["batch"]], point["epochs"]) for point in points])
    each = np.array(
        [epoch_joules[point["batch"], point["device.power_limit_watts"]] for point in points]
    )
    epochs = np.array([float(point["epochs"]) for point in points])
    blocks = np.diff((0, *EPOCHS))
    runs = epochs[:, None] >= np.array(EPOCHS)
    equal = np.arange(len(points)) // len(limits)
    trunk = equal // len(EPOCHS)
    return World(
        name=f"zeus_{device}",
        space=space,
        points=points,
        accuracy=accuracy,
        joules=epochs * each,
        stages=trunk[:, None] * len(EPOCHS) + np.arange(len(EPOCHS)),
        stage_joules=runs * blocks * each[:, None],
        trunk=trunk,
        equal=equal,
        price_list=WINDOW
        * sum(epoch_joules[batch, limit] for batch in batches for limit in limits),
        levers=("device.power_limit_watts",),
    )


def _rows(name: str) -> list[JsonDict]:
    with (traces() / name).open() as file:
        return [
            dict(row)
            for row in csv.DictReader(file)
            if all(row[key] == value for key, value in SELECTED.items())
        ]


def _curves() -> Curves:
    """When each run first reached each accuracy, of runs at the trace's one lr."""
    runs = defaultdict[tuple[int, str], list[tuple[float, float]]](list)
    for row in _rows("summary_train.csv"):
        if row["target_epoch"] != "nan":
            reached = (float(row["target_epoch"]), float(row["target_metric"]))
            runs[int(row["batch_size"]), row["run"]].append(reached)
    curves: Curves = defaultdict(list)
    for (batch, _), curve in runs.items():
        curves[batch].append(curve)
    return dict(curves)


def _accuracy(curves: list[list[tuple[float, float]]], epochs: int) -> float:
    reached = [
        max((accuracy for epoch, accuracy in curve if epoch <= epochs), default=0.01)
        for curve in curves
    ]
    return float(np.mean(reached))
