"""Whether a net can be compressed at all, asked of one that nobody has trained."""

from __future__ import annotations

import functools
from typing import Any

import torch

from energy_sweep.recipe import Recipe
from energy_sweep.training.loop import network
from energy_sweep.trial.data import load_data


def check_compressible(recipe: Recipe) -> None:
    """Raise BadInput, before a joule is spent, where a net cannot be compressed so far."""
    rounds = recipe.rounds
    if not rounds:
        return
    levels: dict[Any, float] = {}
    for one in rounds:  # what rounds of one technique do together
        levels[one.technique] = 1 - (1 - levels.get(one.technique, 0.0)) * (1 - one.level)
    _check(recipe.dataset, recipe.net, tuple((t, round(level, 9)) for t, level in levels.items()))


@functools.lru_cache(maxsize=256)
def _check(dataset: Any, model: Any, levels: tuple[tuple[Any, float], ...]) -> None:
    data = load_data(dataset)
    module = network(model, data, seed=0, device="cpu", precision="fp32")
    for technique, level in levels:
        technique.check_net(module, level, example=torch.zeros(1, *data.shape))
