"""The measured traces published with Zeus (NSDI 2023) as a space: ShuffleNetV2 on CIFAR-100.

Axes are the batch (10), the power limit (V100: 7, A40: 9) and the epochs (8 to 60). Joules are
measured: time of an epoch times average power, for each batch and limit (one reading each). The
trace tells at which epoch each run first reached an accuracy, in steps of .05; accuracy after so
many epochs is the highest that was reached by then, over the mean of the runs: a lower bound in
small steps, not a reading at that epoch. The objective is training alone; nothing is compressed.

Its runs are of one constant schedule, so that a longer run contains the shorter: a search that
shares pays only the epochs beyond the longest so far. A limit cannot change an accuracy, and yet
each limit is trained anew, as the product does (decision 17): its joules are found by training.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from benchmarks.search.worlds import World, grid
from energy_sweep.traces import ZeusTrace

EPOCHS = (8, 12, 16, 20, 30, 45, 60)


def zeus(device: str) -> Callable[[int], World]:
    """The world of a device, v100 or a40, the same for every seed."""
    return lambda seed: _world(device)


def _world(device: str) -> World:
    trace = ZeusTrace.of(device)
    batches = list(trace.batches)
    limits = sorted({limit for batch in batches for limit in trace.limits(batch)})
    space, points = grid({"batch": batches, "epochs": EPOCHS, "device.power_limit_watts": limits})
    accuracy = np.array([trace.mean_accuracy(point["batch"], point["epochs"]) for point in points])
    each = np.array(
        [trace.epoch_joules(point["batch"], point["device.power_limit_watts"]) for point in points]
    )
    epochs = np.array([float(point["epochs"]) for point in points])
    blocks = np.diff((0, *EPOCHS))
    runs = epochs[:, None] >= np.array(EPOCHS)
    equal = np.arange(len(points)) // len(limits)
    trunk = equal // len(EPOCHS) * len(limits) + np.arange(len(points)) % len(limits)
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
        epoch_joules=each,
        inference=np.zeros(len(points)),
        window=np.zeros(len(points)),
        images=50_000,
    )
