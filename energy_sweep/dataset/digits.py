"""The 1,797 handwritten digits that scikit-learn carries: 8x8, one channel, values 0 to 16."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from energy_sweep.dataset.base import Data, Preprocessing, assemble, package_file
from energy_sweep.dataset.summary import Found
from energy_sweep.record import BadInput


@dataclass(frozen=True, slots=True, kw_only=True)
class Digits:
    """Digits at `resolution` pixels a side (None: 8); no download.

    A quarter each validates and tests: one image in 449 is .2 % of accuracy, and still coarse.
    """

    name: str = "digits"
    resolution: int | None = None
    fraction: float = 1.0
    shift: int = 0
    validation: float = 0.25
    test: float = 0.25

    def load(self) -> Data:
        """Read the file without importing scikit-learn, which takes over a second."""
        cut = Preprocessing(
            resolution=self.resolution,
            shift=self.shift,
            validation=self.validation,
            test=self.test,
            fraction=self.fraction,
        )
        path = package_file("sklearn", "datasets", "data", "digits.csv.gz")
        if path is None:
            raise BadInput("dataset=digits needs scikit-learn: type pip install scikit-learn")
        table = np.loadtxt(path, delimiter=",", dtype=np.uint8)
        return assemble(
            self.name,
            table[:, :-1].reshape(-1, 1, 8, 8),
            table[:, -1].astype(np.int64),
            classes=tuple("0123456789"),
            cut=cut,
            found=Found(source="scikit-learn"),
        )
