"""The names of stages: what decides the weights that one leaves, and what decides its joules.

What many recipes share is written once, by which object it is, and so is every key of it.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from energy_sweep.recipe.recipe import Recipe, device_spec, images_spec, spec, without
from energy_sweep.record import (
    Canonical,
    JsonDict,
    canonical,
    canonical_list,
    canonical_object,
    digest,
    to_json,
)
from energy_sweep.record.identity_cache import by_identity

# Raise a stage's number whenever its code gives other weights or another cost than before.
VERSIONS = {
    "prepare": 1,
    "trunk": 1,
    "cooldown": 1,
    "teacher": 1,
    "compress": 4,
    "recover": 1,
    "export": 3,
    "evaluate": 3,
    "infer": 2,
}


Base = tuple[tuple[str, Canonical], ...]  # what decides both weights and cost, written


@dataclass(frozen=True, slots=True)
class Names:
    """Makes the keys of one net of a recipe on one machine; `acting` acts while it is trained, and
    the `base` decides both weights and cost: data, net, arithmetic, machine."""

    recipe: Recipe
    machine: JsonDict
    fingerprint: str
    sizes: Sequence[int]
    model: Any
    acting: tuple[Canonical, ...] = ()
    base: Base = field(init=False)

    def __post_init__(self) -> None:
        recipe = self.recipe
        if recipe.plan is None:
            raise ValueError("stages have no names before the recipe's plan is resolved")
        net = (self.model, recipe.precision, recipe.plan, recipe.device)
        base = _base(recipe.dataset, self.fingerprint, *net, self.machine)
        object.__setattr__(self, "base", base)

    def export(self, structure: Sequence[Canonical]) -> str:
        """The export of all nets of one architecture, however they were trained.

        What decides an exported graph, but for its weights: no data, and nothing of a training.
        Arithmetic is not in it, since all nets are exported in fp32.
        """
        return _shared_key(
            (),
            stage="export",
            images=canonical(list(self.sizes)),
            model=written(self.model),
            structure=canonical_list(structure),
            machine=_here(self.machine),
            runtime=written(self.recipe.runtime),
            version=VERSIONS["export"],
        )

    def work(self, stage: str, parent: str | None = None, **settings: Any) -> str:
        named = {"stage": stage, "version": VERSIONS[stage], "parent": parent, **settings}
        return digest(canonical_object({**dict(self.base), **named}))

    def shared_work(self, stage: str, **settings: Any) -> str:
        """The same of what goes on from no other stage, whose settings are whole numbers and texts:
        so many recipes share its key that it is kept."""
        version = VERSIONS[stage]
        return _shared_key(self.base, stage=stage, version=version, parent=None, **settings)

    def cost(self, stage: str, **settings: Any) -> str:
        """The pool of a stage, as far as whole numbers and texts decide it."""
        return _shared_key(self.base, cost=stage, version=VERSIONS[stage], **settings)

    def epoch_cost(self, acting: Sequence[Canonical]) -> str:
        """The pool of epochs of this net, shaped by the techniques that act on it."""
        recipe = self.recipe
        return self.cost(
            "trunk",
            batch=recipe.batch,
            accumulate=recipe.accumulate,
            optimizer=_optimizer_terms(recipe.optimizer),
            **({"acting": canonical_list(acting)} if acting else {}),
        )


@functools.lru_cache(maxsize=65_536, typed=True)
def _shared_key(base: Base, **settings: Any) -> str:
    return digest(canonical_object({**dict(base), **settings}))


@by_identity
def _base(
    dataset: Any,
    fingerprint: str,
    model: Any,
    precision: str,
    plan: Any,
    device: Any,
    machine: JsonDict,
) -> Base:
    parts = {
        "data": canonical({"fingerprint": fingerprint, **images_spec(dataset)}),
        "model": written(model),
        "precision": canonical(precision),
        "plan": canonical(to_json(plan)),
        "device": canonical(without(device_spec(device), "plan")),
        "machine": _here(machine),
    }
    return tuple(parts.items())


@by_identity
def _here(machine: JsonDict) -> Canonical:
    return canonical({k: machine.get(k) for k in ("device_class", "torch", "isa")})


@by_identity
def written(part: Any) -> Canonical:
    return canonical(spec(part))


@by_identity
def technique_text(technique: Any, level: float) -> Canonical:
    return canonical_object(technique_settings(technique, level))


def technique_settings(technique: Any, level: float) -> JsonDict:
    return {"technique": written(technique), "level": level}


@by_identity
def optimizer_text(optimizer: Any) -> Canonical:
    return canonical(without(spec(optimizer), "lr"))


@by_identity
def _optimizer_terms(optimizer: Any) -> Canonical:
    """What the cost of a step depends on: which terms its formula has, and not how large."""
    numbers = {k: v for k, v in spec(optimizer).items() if k != "lr" and isinstance(v, int | float)}
    terms = {"name": optimizer.name, **{key: bool(value) for key, value in numbers.items()}}
    return canonical(terms)
