"""Who is compared: each policy by name, with what it shares and pays."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from benchmarks.search.botorch_policies import hvkg, hvkg_exact, momf, qlogehvi
from benchmarks.search.optuna_policies import sampled
from benchmarks.search.policies import lost_members, perfect, random_order
from benchmarks.search.product import ours
from benchmarks.search.runs import Policy, Run


@dataclass(frozen=True, slots=True)
class Contestant:
    """A policy; one that says something of its run goes on until it has no more to ask."""

    ask: Policy
    shared: bool = False
    pays_repeats: bool = False
    tells: Callable[[Run], dict[str, Any]] | None = None


FAST: dict[str, Contestant] = {
    "ours": Contestant(ours, shared=True, tells=lost_members),
    "random": Contestant(random_order),
    "random_shared": Contestant(random_order, shared=True),
    "optuna_tpe": Contestant(sampled("tpe", ordinal=False)),
    "optuna_tpe_multivariate": Contestant(sampled("tpe_multivariate")),
    "optuna_nsgaii": Contestant(sampled("nsgaii")),
    "hydra_optuna_sweeper": Contestant(sampled("plugin", ordinal=False), pays_repeats=True),
    "perfect": Contestant(perfect, shared=True),
}
# Repeats are free but for Hydra's plug-in: its users pay them.
SLOW: dict[str, Contestant] = {
    "optuna_gp": Contestant(sampled("gp")),
    "botorch_qlogehvi": Contestant(qlogehvi),
    "botorch_momf": Contestant(momf),
    "botorch_hvkg": Contestant(hvkg),
    "hvkg_exact": Contestant(hvkg_exact),
}
ALL = {**FAST, **SLOW}
# What is asked for and cannot be run: said in the output, never filled in.
MISSING = {
    "carbs": "not run: its authors publish no package, and the name belongs to another project",
}
BOUND = "perfect"  # knows the truth, so that none is compared to it
SHARING = ("random_shared", BOUND, "ours")
