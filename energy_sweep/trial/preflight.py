"""Whether a net of the user's is one, asked of it untrained and before a joule is spent."""

from __future__ import annotations

import functools
from typing import Any

import torch
from torch import Tensor

from energy_sweep.device.memory import OutOfMemory, infeasible_out_of_memory
from energy_sweep.recipe import Recipe
from energy_sweep.record import BadInput
from energy_sweep.training.loop import network
from energy_sweep.trial.data import load_data

IMAGES = 2


def check_model(recipe: Recipe) -> None:
    """Raise BadInput where the user's net cannot be built, or gives no logits for images.

    Nets of ours hold that by their contract suite.
    """
    if not type(recipe.model).__module__.startswith("energy_sweep."):
        _check(recipe.dataset, recipe.model)


@functools.lru_cache(maxsize=256)
def _check(dataset: Any, model: Any) -> None:
    data, kind = load_data(dataset), type(model)
    name = f"model._target_={kind.__module__}.{kind.__qualname__}"
    wanted = (IMAGES, data.outputs)
    try:
        with infeasible_out_of_memory(memory_gib=None, gpu_memory_gib=None), torch.no_grad():
            module = network(model, data, seed=0, device="cpu", precision="fp32")
            found = module.eval()(torch.zeros(IMAGES, *data.shape))
    except OutOfMemory:
        return  # the trial tells so, with the cap that it runs under
    except (Exception, SystemExit) as error:
        said = " ".join(str(error).split())[:200]
        raise BadInput(
            f"{name} fails on images {list(data.shape)}: {type(error).__name__}: {said}; mend it,"
            " or type HYDRA_FULL_ERROR=1 before the command to see where"
        ) from error
    if not isinstance(found, Tensor):
        raise BadInput(f"{name} gives a {type(found).__name__}: return a tensor of logits")
    if tuple(found.shape) != wanted:
        raise BadInput(
            f"{name} gives logits of shape {list(found.shape)} for {IMAGES} images of"
            f" {wanted[1]} classes: return {list(wanted)}"
        )
