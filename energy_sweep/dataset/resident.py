"""A split that lives on the device: batches are cut out of it by indexing, never copied over."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from energy_sweep.dataset.base import Data, Split
from energy_sweep.record import BadInput


class Batch(NamedTuple):
    """Normalised images [B, C, H, W], classes [B] and positions in the split [B]."""

    images: Tensor
    labels: Tensor
    positions: Tensor


class Resident:
    """A split on the device, normalised once; batches are cut out of it by indexing."""

    def __init__(
        self,
        split: Split,
        data: Data,
        device: torch.device | str = "cpu",
        memory_format: torch.memory_format = torch.channels_last,
    ) -> None:
        self.shift = data.shift
        self.channels_last = memory_format is torch.channels_last
        images = torch.tensor(split.images).float()
        mean, std = (torch.tensor(m).view(-1, 1, 1) for m in (data.mean, data.std))
        images = functional.pad(images, (self.shift,) * 4).sub_(mean).div_(std).to(device)
        self.images = images.permute(0, 2, 3, 1).contiguous() if self.channels_last else images
        self.labels = torch.tensor(split.labels, device=device)
        self.side = data.shape[1:]
        self.part = (0, 1)

    def __len__(self) -> int:
        return len(self.labels)

    def share(self, rank: int, ranks: int) -> Resident:
        """The same data, of whose batches only the part of one of several ranks is cut out."""
        shared = copy.copy(self)
        shared.part = (rank, ranks)
        return shared

    def steps(self, batch: int) -> int:
        """Whole batches in an epoch; BadInput where there is none."""
        if batch > len(self):
            raise BadInput(
                f"batch={batch}: there are {len(self)} images to train on; "
                f"type batch={len(self)} or less"
            )
        return len(self) // batch

    def epoch(self, batch: int, generator: torch.Generator) -> Iterator[Batch]:
        """Whole batches in a random order, each image moved at random by up to `shift` pixels.

        The generator is on the CPU whatever the device, so that both see the same order.
        """
        used = self.steps(batch) * batch
        device = self.labels.device
        order = torch.randperm(len(self), generator=generator)[:used].to(device)
        reach = 2 * self.shift + 1
        moves = torch.randint(reach, (2, used), generator=generator).to(device)
        rank, ranks = self.part
        for start in range(rank * batch // ranks, used, batch):
            end = start + batch // ranks
            index = order[start:end]
            if self.shift:
                images = self._moved(index, moves[:, start:end])
            else:
                images = self.images.index_select(0, index)
            if self.channels_last:
                images = images.permute(0, 3, 1, 2)
            yield Batch(images, self.labels.index_select(0, index), index)

    def _moved(self, index: Tensor, moves: Tensor) -> Tensor:
        height, width = (torch.arange(side, device=index.device) for side in self.side)
        rows, columns = (moves[0, :, None] + height), (moves[1, :, None] + width)
        if self.channels_last:
            return self.images[index[:, None, None], rows[:, :, None], columns[:, None, :]]
        channels = torch.arange(self.images.shape[1], device=index.device)[:, None, None]
        image = index[:, None, None, None]
        return self.images[image, channels, rows[:, None, :, None], columns[:, None, None, :]]
