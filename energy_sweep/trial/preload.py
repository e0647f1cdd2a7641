"""A rehearsal before memory is capped, of all that a process loads when it first does it."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from energy_sweep.recipe import Recipe
from energy_sweep.trial.data import load_data


def preload(recipe: Recipe) -> None:
    """Train, export and run a tiny net, once per process, where a cap on memory will follow.

    An import that memory runs out in leaves libraries broken for all later trials of the process;
    and what libraries need is no configuration's need.
    """
    device = recipe.device
    if device.memory_gib is not None:
        _rehearse(
            recipe.dataset,
            recipe.optimizer,
            recipe.runtime,
            device=device.resolve(),
            threads=device.threads,
        )


@functools.lru_cache(maxsize=1)
def _rehearse(dataset: Any, optimizer: Any, runtime: Any, *, device: str, threads: int) -> None:
    data = load_data(dataset)
    count, (channels, height, width) = 2, data.shape
    module = nn.Sequential(
        nn.Conv2d(channels, 2, 1),
        nn.Softsign(),  # which torch's own exporter has to write
        nn.Flatten(),
        nn.Linear(2 * height * width, data.outputs),
    ).to(device)
    images = torch.zeros(count, *data.shape, device=device)
    labels = torch.zeros(count, dtype=torch.int64, device=device)
    functional.cross_entropy(module(images), labels).backward()
    optimizer.build(module, 0.1).step()
    with tempfile.TemporaryDirectory(prefix="energy-sweep-") as folder:
        path = Path(folder) / f"tiny{runtime.suffix}"
        runtime.export(module.cpu().eval(), data, path)
        runtime.open(path, threads).predict(data.validation.images[:count], count)
