"""What `benchmarks.loop` trains: nets by their files in conf/, and images drawn from a seed."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from energy_sweep.dataset.base import Data, Split

BATCH, CLASSES, SHIFT = 64, 10, 2
CONF = Path(__file__).parent.parent / "conf" / "model"


@dataclass(frozen=True)
class Case:
    """A net and its images; `people` is the least ratio over what people write (None: reported)."""

    name: str
    model: str
    shape: tuple[int, int, int]
    steps: int
    limit: float | None = None
    people: float | None = None
    dials: dict[str, Any] = field(default_factory=dict)
    batch: int = BATCH

    @property
    def data(self) -> str:
        channels, height, width = self.shape
        return f"{self.batch * self.steps} synthetic images, {height}x{width}x{channels}"

    def build(self) -> Any:
        """The model of this case; hydra is imported late, since it is no part of what is timed."""
        from hydra.utils import instantiate
        from omegaconf import OmegaConf

        from energy_sweep.app.config.schema import DIALS

        settings = OmegaConf.load(CONF / f"{self.model}.yaml")
        own = {k: v for k, v in settings.items() if k not in DIALS["model"]}
        return instantiate(own, **self.dials)

    def smaller(self) -> Case:
        """The same in a few seconds, to see that it runs; its ratios say nothing."""
        return replace(self, batch=8, steps=2)

    def load(self) -> Data:
        """Images that are one epoch of `steps` batches, the same in every process."""
        draw = np.random.default_rng(0)
        count = self.batch * self.steps
        images = draw.integers(0, 256, (count, *self.shape), dtype=np.uint8)
        split = Split(images, draw.integers(0, CLASSES, count))
        channels = self.shape[0]
        return Data(
            name="synthetic",
            train=split,
            validation=split,
            test=split,
            classes=tuple(str(label) for label in range(CLASSES)),
            mean=(127.5,) * channels,
            std=(73.9,) * channels,
            shift=SHIFT,
            fingerprint="",
        )


GREY, COLOUR = (1, 28, 28), (3, 32, 32)
CASES = (
    Case("small_cnn, width 16, 28x28x1", "small_cnn", GREY, 24, 0.95, 2.0),
    Case("small_cnn, width 32, 28x28x1", "small_cnn", GREY, 12, dials={"width": 32}),
    Case("resnet18, cifar stem", "resnet18", COLOUR, 2, 0.95, 1.7),
    Case("mobilenet_v2, cifar stem", "mobilenet_v2", COLOUR, 2, 0.95, 1.7),
    Case("efficientnet_b0, cifar stem", "efficientnet_b0", COLOUR, 2, 0.95, 1.4),
)
