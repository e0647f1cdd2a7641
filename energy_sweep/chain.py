"""The chain of stages that a recipe needs, named by what decides them.

A work key names weights: equal keys mean bit-identical results. A cost key names joules: equal
keys mean equal cost per unit of work. Neither needs torch, so a whole grid is priced in advance.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from energy_sweep.recipe import Recipe, device_spec, images_spec, spec, without
from energy_sweep.record import Plain, StageUse, digest, to_plain

# Raise a stage's number whenever its code gives other weights or another cost than before.
VERSIONS = {
    "prepare": 1,
    "trunk": 1,
    "cooldown": 1,
    "compress": 1,
    "recover": 1,
    "export": 1,
    "evaluate": 1,
    "infer": 1,
}


@dataclass(frozen=True, slots=True)
class _Names:
    """Makes the keys of one recipe on one machine."""

    recipe: Recipe
    machine: Plain
    fingerprint: str

    def base(self) -> Plain:
        """What decides both weights and cost: data, net, arithmetic, machine."""
        recipe = self.recipe
        if recipe.plan is None:
            raise ValueError("stages have no names before the recipe's plan is resolved")
        return {
            "data": {"fingerprint": self.fingerprint, **images_spec(recipe.dataset)},
            "model": spec(recipe.model),
            "precision": recipe.precision,
            "plan": to_plain(recipe.plan),
            "device": without(device_spec(recipe.device), "plan"),
            "machine": {k: self.machine.get(k) for k in ("device_class", "torch", "isa")},
        }

    def work(self, stage: str, parent: str | None = None, **settings: Any) -> str:
        named = {"stage": stage, "version": VERSIONS[stage], "parent": parent, **settings}
        return digest({**self.base(), **named})

    def cost(self, stage: str, **settings: Any) -> str:
        return digest({**self.base(), "cost": stage, "version": VERSIONS[stage], **settings})

    def architecture(self) -> Plain:
        """What decides the shape of the net that is deployed."""
        level = self.recipe.snapped_level
        return {"compression": spec(self.recipe.compression), "level": level} if level else {}


def chain(recipe: Recipe, *, machine: Plain, fingerprint: str) -> tuple[StageUse, ...]:
    """The stages a trial needs, in order, with their keys and units; torch is not needed.

    The keys of `infer` are provisional: the true ones come from the graph that was exported.
    """
    names = _Names(recipe, machine, fingerprint)
    stages = _training(recipe, names)
    if recipe.snapped_level:
        stages += _compression(recipe, names, parent=_weights(stages[-1]))
    shape, runtime = names.architecture(), spec(recipe.runtime)
    graph = names.cost("evaluate", shape=shape, runtime=runtime, batch=recipe.inference_batch)
    export = names.work("export", runtime=runtime)
    evaluate = names.work(
        "evaluate", _weights(stages[-1]), runtime=runtime, batch=recipe.inference_batch
    )
    infer = names.work("infer", shape=shape, runtime=runtime, batch=recipe.inference_batch)
    return (
        *stages,
        StageUse(stage="export", key=export, cost_key=export, units=1),
        StageUse(stage="evaluate", key=evaluate, cost_key=graph, units=1),
        StageUse(stage="infer", key=infer, cost_key=infer, units=1),
    )


def _weights(use: StageUse) -> str:
    """The name of the weights after a stage; those of a trunk depend on where it is left."""
    return f"{use.key}@{use.units:g}" if use.stage == "trunk" else use.key


def _training(recipe: Recipe, names: _Names) -> list[StageUse]:
    optimizer = without(spec(recipe.optimizer), "lr")
    cooldown_epochs = recipe.optimizer.schedule.cooldown_epochs(recipe.epochs)
    trunk_epochs = recipe.epochs - cooldown_epochs
    batch: Plain = {"batch": recipe.batch, "accumulate": recipe.accumulate}
    prepare = names.work("prepare", optimizer=optimizer, **batch)
    trunk = names.work(
        "trunk",
        optimizer=optimizer,
        lr=float(recipe.lr),
        label_smoothing=float(recipe.label_smoothing),
        seed=recipe.seed,
        start=None if recipe.pretrained is None else recipe.pretrained.weights,
        **batch,
    )
    cooldown = names.work("cooldown", f"{trunk}@{trunk_epochs}", epochs=cooldown_epochs)
    epoch = names.cost("trunk", optimizer=_terms(recipe.optimizer), **batch)
    stages = [
        StageUse(stage="prepare", key=prepare, cost_key=prepare, units=1),
        StageUse(stage="trunk", key=trunk, cost_key=epoch, units=trunk_epochs),
        StageUse(stage="cooldown", key=cooldown, cost_key=epoch, units=cooldown_epochs),
    ]
    return [*_pretraining(recipe), *(stage for stage in stages if stage.units)]


def _pretraining(recipe: Recipe) -> list[StageUse]:
    """The share of another trial's training that is charged to this one."""
    source = recipe.pretrained
    if source is None or not source.share:
        return []
    key = digest(["pretrain", source.name, source.weights])
    return [StageUse(stage="pretrain", key=key, cost_key=key, units=source.share)]


def _terms(optimizer: Any) -> Plain:
    """What the cost of a step depends on: which terms its formula has, and not how large."""
    numbers = {k: v for k, v in spec(optimizer).items() if k != "lr" and isinstance(v, int | float)}
    return {"name": optimizer.name, **{key: bool(value) for key, value in numbers.items()}}


def _compression(recipe: Recipe, names: _Names, *, parent: str) -> list[StageUse]:
    shape = names.architecture()
    compress = names.work("compress", parent, **shape)
    epochs = recipe.compression.recover_epochs
    recover = names.work("recover", compress, epochs=epochs)
    cost = names.cost(
        "trunk",
        batch=recipe.batch,
        accumulate=recipe.accumulate,
        optimizer=_terms(recipe.optimizer),
        shape=shape,
    )
    stages = [
        StageUse(
            stage="compress", key=compress, cost_key=names.cost("compress", shape=shape), units=1
        ),
        StageUse(stage="recover", key=recover, cost_key=cost, units=epochs),
    ]
    return [stage for stage in stages if stage.units]
