"""Weights that torchvision trained on ImageNet, downloaded once into torch's own folder."""

from __future__ import annotations

import contextlib
import pickle
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import torch
from torch import Tensor, nn

from energy_sweep.record import BadInput

# The first ones of each net, and not "the best": what that means changes with torchvision.
EDITION = "IMAGENET1K_V1"


def load_imagenet(module: nn.Module, name: str) -> None:
    """Give `module` those tensors of torchvision's net `name` whose names and shapes agree.

    The others, such as a classifier of other classes, stay as drawn. A net of shapes alone (on
    the device `meta`) stays as it is, so that counting downloads nothing. BadInput where the
    weights are not here and cannot be downloaded.
    """
    own = module.state_dict()
    if any(value.is_meta for value in own.values()):
        return
    # Importing torchvision takes as long as a short trial, so planning goes without.
    from torchvision.models import get_model_weights

    found = _fetch(get_model_weights(name)[EDITION])
    fitting = {n: value for n, value in found.items() if n in own and own[n].shape == value.shape}
    if not fitting:
        raise BadInput(f"model.weights=imagenet: the file does not hold the weights of {name}")
    module.load_state_dict(fitting, strict=False)


def _fetch(weights: Any) -> dict[str, Tensor]:
    """The tensors of one of torchvision's weights, from its file, which is downloaded first."""
    folder = Path(torch.hub.get_dir(), "checkpoints")
    file = folder / Path(urlparse(weights.url).path).name
    try:
        # Torch tells of a download on stdout, which is for results.
        with contextlib.redirect_stdout(sys.stderr):
            return weights.get_state_dict(
                progress=True, check_hash=True, map_location="cpu", weights_only=True
            )
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
        if file.exists():
            raise BadInput(
                f"model.weights=imagenet: {file} cannot be read: delete it, and it is downloaded"
                " again"
            ) from error
        raise BadInput(
            f"model.weights=imagenet: {weights.url} cannot be downloaded ({error}): put that file"
            f" into {folder}, or type model.weights=none"
        ) from error
