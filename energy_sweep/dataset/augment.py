"""How images lie in memory, with a margin around each, and how they are cut out of it, moved."""

from __future__ import annotations

import torch
from torch import Tensor

from energy_sweep.dataset.base import Data


class PaddedImages:
    """The layout of a data set's images: [N, C, H, W], or [N, H, W, C] where channels are last.

    Around each lies a margin of `shift` pixels. What is stored is contiguous in this order, so that
    no stride of an image of one channel is taken for that of another format.
    """

    def __init__(self, data: Data, device: torch.device, *, channels_last: bool) -> None:
        self.device, self.channels_last, self.margin = device, channels_last, data.shift
        self.channels, self.height, self.width = data.shape
        self.tall, self.wide = self.height + 2 * data.shift, self.width + 2 * data.shift
        scales = (torch.tensor(numbers, device=device) for numbers in (data.mean, data.std))
        if channels_last:  # as a whole row: to spread 3 numbers over each pixel is slow
            self._mean, self._std = (scale.repeat(self.wide) for scale in scales)
        else:
            self._mean, self._std = (scale.view(-1, 1, 1) for scale in scales)
        planes, self._pixel = (1, self.channels) if channels_last else (self.channels, 1)
        self._area = planes * self.tall * self.wide
        plane = torch.arange(planes, device=device) * (self.tall * self.wide)
        rows = torch.arange(self.height, device=device) * self.wide
        self._rows = (plane[:, None] + rows).view(-1)

    @property
    def float_bytes(self) -> int:
        """What one image takes in float32, its margin included."""
        return 4 * self.channels * self.tall * self.wide

    def zeros(self, count: int, dtype: torch.dtype) -> Tensor:
        """That many images of zeros, with their margins."""
        size = (self.tall, self.wide)
        shape = (*size, self.channels) if self.channels_last else (self.channels, *size)
        return torch.zeros((count, *shape), dtype=dtype, device=self.device)

    def fill(self, frame: Tensor, images: Tensor) -> None:
        """Put images [N, C, H, W] inside the margins of stored ones."""
        inside = self.as_images(frame)[:, :, self.margin :, self.margin :]
        inside[:, :, : self.height, : self.width].copy_(images)

    def normalise(self, frame: Tensor) -> Tensor:
        """Scale stored images in place, with margins or cut out: the same arithmetic for both."""
        rows = frame.flatten(2) if self.channels_last else frame
        count = rows.shape[-1] if self.channels_last else 1
        rows.sub_(self._mean[..., :count]).div_(self._std[..., :count])
        return frame

    def crop(self, frame: Tensor, which: Tensor, moves: Tensor) -> Tensor:
        """Images at `which`, moved down and right by `moves` [2, B] less the margin.

        Whole rows are copied, which takes a tenth of the time that indexing pixels does.
        """
        if not self.margin:
            return frame.index_select(0, which)
        pixels = frame.numel() // self._pixel
        row = self.width * self._pixel
        rows = frame.as_strided((pixels - self.width + 1, row), (self._pixel, 1))
        first = which * self._area + moves[0] * self.wide + moves[1]
        chosen = rows.index_select(0, (first[:, None] + self._rows).view(-1))
        size = (self.height, self.width)
        shape = (*size, self.channels) if self.channels_last else (self.channels, *size)
        return chosen.view(len(which), *shape)

    def flip(self, frame: Tensor, chosen: Tensor) -> Tensor:
        """Swap left and right of the stored images that are `chosen`."""
        flipped = frame.flip(2 if self.channels_last else 3)
        return torch.where(chosen.view(-1, 1, 1, 1), flipped, frame)

    def as_images(self, frame: Tensor) -> Tensor:
        """Stored images as [N, C, H, W], without moving anything."""
        return frame.permute(0, 3, 1, 2) if self.channels_last else frame
