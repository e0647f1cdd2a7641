"""A trial by formula: it stores what a real one stores, and computes nothing."""

from __future__ import annotations

import math
from typing import Any

from energy_sweep.recipe import Recipe, replace
from energy_sweep.recipe.plan import DEFAULT_PLAN
from energy_sweep.recipe.stages import chain
from energy_sweep.record import (
    DomainEnergy,
    EnergyReading,
    Infeasible,
    Mark,
    Quality,
    StageRecord,
    StageUse,
    TrialResult,
)
from energy_sweep.store import StageStore

IMAGES = 1000
MACHINE = {"device_class": "formula"}


def run_formula(recipe: Recipe, *, store: StageStore, **_: Any) -> TrialResult:
    """Run a recipe by formula: small batches, many epochs and low levels are accurate and dear."""
    recipe = replace(recipe, plan=recipe.plan or DEFAULT_PLAN)
    uses = chain(recipe, machine=MACHINE, fingerprint="formula")
    for use in uses:
        known = store.get(use.key)
        if known is None or known.units < use.units:
            store.put(_record(use, recipe))
    if recipe.lr > 100:
        raise Infeasible("the loss diverged")
    return TrialResult(
        config=recipe.config(),
        seed=recipe.seed,
        stages=uses,
        n_validation=IMAGES,
        correct=round(IMAGES * accuracy(recipe)),
        machine=MACHINE,
    )


def accuracy(recipe: Recipe) -> float:
    """Between 0 and 1, with a best lr and a smooth loss by level."""
    lr = math.exp(-((math.log10(recipe.lr) + 1.5) ** 2) / 4)
    learnt = 1 - math.exp(-recipe.epochs / 6)
    return 0.99 * lr * learnt * (1 - 0.3 * recipe.level**3) * (1 - recipe.batch / 4096)


def _record(use: StageUse, recipe: Recipe) -> StageRecord:
    joules = 1e-4 if use.stage == "infer" else 0.1 + 2.0 / recipe.batch * (1 - recipe.level / 2)
    reading = EnergyReading(
        domains=(
            DomainEnergy(
                domain="replay",
                joules=use.units * joules,
                uncertainty_joules=0.0,
                source="formula",
                quality=Quality.ESTIMATED,
            ),
        ),
        seconds=0.0,
        contended=False,
    )
    mark = Mark(units=use.units, reading=reading)
    return StageRecord(stage=use.stage, key=use.key, cost_key=use.cost_key, marks=(mark,))
