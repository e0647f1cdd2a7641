"""Statistics of batch norms taken anew, once the channels that they were taken over are gone."""

from __future__ import annotations

import itertools

import torch
from torch import nn

from energy_sweep.training.loop import OnDeviceDataset


def recalibrate(
    module: nn.Module, resident: OnDeviceDataset, generator: torch.Generator, images: int = 1024
) -> None:
    """Set the statistics of batch norms anew, as plain means over about `images` images.

    Nothing else changes, and nothing at all where there is no batch norm.
    """
    norms = [part for part in module.modules() if isinstance(part, nn.modules.batchnorm._BatchNorm)]
    norms = [norm for norm in norms if norm.track_running_stats]
    if not norms:
        return
    batch = min(128, images, len(resident))
    dtype = next(module.parameters()).dtype
    modes = {part: part.training for part in module.modules()}
    momenta = {norm: norm.momentum for norm in norms}
    module.eval()
    try:
        for norm in norms:
            norm.reset_running_stats()
            norm.momentum = None
            norm.train()
        with torch.no_grad():
            for part in itertools.islice(resident.epoch(batch, generator), images // batch):
                module(part.images.to(dtype))
    finally:
        for norm, momentum in momenta.items():
            norm.momentum = momentum
        for part, mode in modes.items():
            part.training = mode
