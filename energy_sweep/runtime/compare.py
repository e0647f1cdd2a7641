"""Whether a file computes what its network computes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from energy_sweep.record import Infeasible
from energy_sweep.runtime.base import Mismatch

if TYPE_CHECKING:
    from torch import nn

    from energy_sweep.runtime.base import InferenceSession, RuntimeData

IMAGES = 8
TOLERANCE = 1e-4  # of the largest logit
HALF_TOLERANCE = 0.5  # 8 bits of mantissa changed .33 in an untrained ResNet-50, layer by layer


def compare(
    load: Callable[[], InferenceSession],
    module: nn.Module,
    data: RuntimeData,
    tolerance: float = TOLERANCE,
) -> None:
    """Raise Mismatch unless what `load` loads gives the logits of `module` on real images.

    Infeasible where the network's own logits are not finite.
    """
    import torch

    from energy_sweep.runtime.folding import logits

    images = np.ascontiguousarray(data.train.images[:IMAGES])
    answer = logits(module, torch.from_numpy(images), mean=data.mean, std=data.std).numpy()
    if not np.isfinite(answer).all():
        raise Infeasible("the trained network gives logits that are not finite")
    try:
        found = load().predict(images, len(images))
    except Exception as error:  # ONNX Runtime has no base class of its own errors
        raise Mismatch(f"the graph does not run: {error}") from error
    if found.shape != answer.shape:
        raise Mismatch(f"the graph gives logits {found.shape}, the network {answer.shape}")
    difference = float(np.abs(found - answer).max(initial=0))
    scale = float(np.abs(answer).max(initial=0))
    if not difference <= tolerance * scale:
        raise Mismatch(f"logits differ by {difference:.2g}, and their largest is {scale:.2g}")
