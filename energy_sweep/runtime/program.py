"""torch's own exported programs: a network with its pixels' normalisation in one .pt2 file."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from energy_sweep.runtime.base import Mismatch

if TYPE_CHECKING:
    from torch import nn

    from energy_sweep.runtime.base import Data

CHECK_IMAGES = 8
TOLERANCE = 1e-4  # of the largest logit


def save_program(module: nn.Module, data: Data, path: Path) -> None:
    """Write `module`, norms folded, as a program for any number of uint8 images [N, C, H, W].

    Mismatch where it does not compute the logits of `module`.
    """
    import numpy as np
    import torch

    from energy_sweep.runtime.folding import Deployed, find_folds, folded, logits

    network = Deployed(folded(module, find_folds(module)), data.mean, data.std).eval()
    example = torch.zeros((2, *data.shape), dtype=torch.uint8)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        program = torch.export.export(
            network, (example,), dynamic_shapes=({0: torch.export.Dim("batch")},)
        )
    images = torch.from_numpy(np.ascontiguousarray(data.train.images[:CHECK_IMAGES]))
    with torch.no_grad():
        found = program.module()(images)
    answer = logits(module, images, mean=data.mean, std=data.std)
    difference, scale = float((found - answer).abs().max()), float(answer.abs().max())
    if not difference <= TOLERANCE * scale:
        raise Mismatch(f"logits differ by {difference:.2g}, and their largest is {scale:.2g}")
    partial = path.with_name(f"{path.stem}.{os.getpid()}.partial.pt2")
    torch.export.save(program, partial)
    os.replace(partial, path)
