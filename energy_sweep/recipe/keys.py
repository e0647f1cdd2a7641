"""The names of stages: what decides the weights that one leaves, and what decides its joules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from energy_sweep.recipe import Recipe, device_spec, images_spec, spec, without
from energy_sweep.record import JsonDict, digest, to_json

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


@dataclass(frozen=True, slots=True)
class Names:
    """Makes the keys of one net of a recipe on one machine; `acting` acts while it is trained."""

    recipe: Recipe
    machine: JsonDict
    fingerprint: str
    sizes: Sequence[int]
    model: Any
    acting: list[JsonDict] = field(default_factory=list[JsonDict])
    _base: JsonDict = field(default_factory=dict[str, Any], init=False)  # made once

    def base(self) -> JsonDict:
        """What decides both weights and cost: data, net, arithmetic, machine."""
        if self.recipe.plan is None:
            raise ValueError("stages have no names before the recipe's plan is resolved")
        if not self._base:
            made: JsonDict = {
                "data": {"fingerprint": self.fingerprint, **images_spec(self.recipe.dataset)},
                "model": spec(self.model),
                "precision": self.recipe.precision,
                "plan": to_json(self.recipe.plan),
                "device": without(device_spec(self.recipe.device), "plan"),
                "machine": self._here(),
            }
            self._base.update(made)
        return self._base

    def architecture(self, structure: Sequence[JsonDict]) -> JsonDict:
        """What decides an exported graph, but for its weights: no data, and nothing of a training.

        Arithmetic is not in it, since all nets are exported in fp32.
        """
        return {
            "images": list(self.sizes),
            "model": spec(self.model),
            "structure": list(structure),
            "machine": self._here(),
        }

    def export(self, structure: Sequence[JsonDict]) -> str:
        """The export of all nets of one architecture, however they were trained."""
        how = {"runtime": spec(self.recipe.runtime), "version": VERSIONS["export"]}
        return digest({"stage": "export", **self.architecture(structure), **how})

    def _here(self) -> JsonDict:
        return {k: self.machine.get(k) for k in ("device_class", "torch", "isa")}

    def work(self, stage: str, parent: str | None = None, **settings: Any) -> str:
        named = {"stage": stage, "version": VERSIONS[stage], "parent": parent, **settings}
        return digest({**self.base(), **named})

    def cost(self, stage: str, **settings: Any) -> str:
        return digest({**self.base(), "cost": stage, "version": VERSIONS[stage], **settings})

    def epoch_cost(self, acting: Sequence[JsonDict]) -> str:
        """The pool of epochs of this net, shaped by the techniques that act on it."""
        recipe = self.recipe
        return self.cost(
            "trunk",
            batch=recipe.batch,
            accumulate=recipe.accumulate,
            optimizer=_optimizer_terms(recipe.optimizer),
            **({"acting": list(acting)} if acting else {}),
        )


def _optimizer_terms(optimizer: Any) -> JsonDict:
    """What the cost of a step depends on: which terms its formula has, and not how large."""
    numbers = {k: v for k, v in spec(optimizer).items() if k != "lr" and isinstance(v, int | float)}
    return {"name": optimizer.name, **{key: bool(value) for key, value in numbers.items()}}
