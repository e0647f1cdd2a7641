"""A split that lives on the device: batches are cut out of it by indexing, never copied over."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from energy_sweep.dataset.augment import PaddedImages
from energy_sweep.dataset.base import Data, Split
from energy_sweep.dataset.storage import Pixels, chunks
from energy_sweep.record import BadInput

# A split that would take more than this as float32 stays in bytes: a fourth of the memory, for half
# a millisecond more per batch of 64 images of 32x32x3 on one core of a CPU.
FLOAT_BYTES = 256 * 2**20


class Batch(NamedTuple):
    """Normalised images [B, C, H, W], classes [B] and positions in the split [B].

    Labels are [B, 2] where there are two kinds of them.
    """

    images: Tensor
    labels: Tensor
    positions: Tensor


def whole_batches(images: int, batch: int) -> int:
    """How many batches there are in so many images; BadInput where there is none."""
    if batch > images:
        raise BadInput(
            f"batch={batch}: there are {images} images to train on; type batch={images} or less"
        )
    return images // batch


class OnDeviceDataset:
    """A split on the device: normalised once or, above `float_bytes`, as the bytes it came in.

    Batches are the same, bit for bit. On the CPU the bytes are those of `split.images`, of which a
    batch reads its own images alone: they may be mapped from a file.
    """

    def __init__(
        self,
        split: Split,
        data: Data,
        device: torch.device | str = "cpu",
        memory_format: torch.memory_format = torch.channels_last,
        *,
        float_bytes: int = FLOAT_BYTES,
    ) -> None:
        self.flip, self._reach = data.flip, 2 * data.shift + 1
        self.labels = torch.tensor(split.targets, device=device)
        self.classes, self.second_weight = len(data.classes), data.second_weight
        last = memory_format is torch.channels_last
        self._frame = PaddedImages(data, self.labels.device, channels_last=last)
        self._images: Tensor | Pixels
        if len(split) * self._frame.float_bytes <= float_bytes:
            self._images = self._frame.zeros(len(split), torch.float32)
            for part, images in _chunks(split.images):
                self._frame.fill(self._images[part], images)
            self._frame.normalise(self._images)
        elif self.labels.device.type == "cpu":
            self._images = np.asarray(split.images)
        else:
            self._images = self.labels.new_empty(split.images.shape, dtype=torch.uint8)
            for part, images in _chunks(split.images):
                self._images[part] = images.to(self._images.device)
        self.part = (0, 1)

    def __len__(self) -> int:
        return len(self.labels)

    def shard(self, rank: int, ranks: int) -> OnDeviceDataset:
        """The same data, of whose batches only the part of one of several ranks is cut out."""
        shared = copy.copy(self)
        shared.part = (rank, ranks)
        return shared

    def steps(self, batch: int) -> int:
        """Whole batches in an epoch; BadInput where there is none."""
        return whole_batches(len(self), batch)

    def epoch(self, batch: int, generator: torch.Generator) -> Iterator[Batch]:
        """Whole batches in a random order, each image moved at random by up to `shift` pixels and,
        where the data says `flip`, half of them mirrored.

        The generator is on the CPU whatever the device, so that both see the same order.
        """
        used = self.steps(batch) * batch
        device = self.labels.device
        order = torch.randperm(len(self), generator=generator)[:used].to(device)
        moves = torch.randint(self._reach, (2, used), generator=generator).to(device)
        mirrored = None
        if self.flip:
            mirrored = (torch.randperm(used, generator=generator) < used // 2).to(device)
        rank, ranks = self.part
        for start in range(rank * batch // ranks, used, batch):
            part = slice(start, start + batch // ranks)
            index = order[part]
            images = self._crop(index, moves[:, part])
            if mirrored is not None:
                images = self._frame.flip(images, mirrored[part])
            labels = self.labels.index_select(0, index)
            yield Batch(self._frame.as_images(images), labels, index)

    def _crop(self, index: Tensor, moves: Tensor) -> Tensor:
        """Normalised images as they are stored, each where `moves` puts it."""
        if not isinstance(self._images, Tensor):
            # A tensor over a file that is read only does not exist; a copy of a few images does.
            images = torch.from_numpy(self._images[index.numpy()])
        elif self._images.dtype is torch.uint8:
            images = self._images.index_select(0, index)
        else:
            return self._frame.crop(self._images, index, moves)
        framed = self._frame.zeros(len(index), torch.uint8)
        self._frame.fill(framed, images)
        here = torch.arange(len(index), device=index.device)
        return self._frame.normalise(self._frame.crop(framed, here, moves).float())


def _chunks(images: Pixels) -> Iterator[tuple[slice, Tensor]]:
    """All images in parts, so that no second copy of the whole is made on the way."""
    for part in chunks(images.shape):
        yield part, torch.from_numpy(np.array(images[part]))
