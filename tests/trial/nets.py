"""Nets of trials, for the tests of this folder."""

from __future__ import annotations

from torch import nn

from energy_sweep.meter.base import Meter
from energy_sweep.recipe import Recipe
from energy_sweep.store import StageStore
from energy_sweep.trial import deployed_trial


def trained_network(recipe: Recipe, *, meter: Meter, store: StageStore) -> nn.Module:
    """The net that a trial deploys, from the store or trained again."""
    with deployed_trial(recipe, meter=meter, store=store) as deployed:
        return deployed.network
