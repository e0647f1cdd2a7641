"""The chain of stages that a recipe needs, named by what decides them.

A work key names weights: equal keys mean bit-identical results. A cost key names joules: equal
keys mean equal cost per unit of work. Neither needs torch, so a whole grid is priced in advance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from energy_sweep.recipe import Recipe, device_spec, images_spec, spec, without
from energy_sweep.record import JsonDict, StageUse, digest, to_json

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
class _Names:
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


def chain(
    recipe: Recipe, *, machine: JsonDict, fingerprint: str, sizes: Sequence[int] = ()
) -> tuple[StageUse, ...]:
    """The stages a trial needs, in order, with their keys and units; torch is not needed.

    `fingerprint` is that of the data, `sizes` the channels, height and width of its images, and
    its classes, by which architectures are told apart.
    `compress` and `recover` come once for each round of the compression. The keys of `infer` are
    provisional: the true ones come from the graph that was exported.
    """
    during = recipe.in_training
    names = _Names(
        recipe,
        machine,
        fingerprint,
        sizes,
        recipe.net,
        [] if during is None else [_technique_settings(*during)],
    )
    teaching = _teacher_stages(recipe, names)
    taught_by = teaching[-1].key if teaching else None
    stages = [*teaching, *_training_stages(names, taught_by=taught_by)]
    shape, structure = list(names.acting), list[JsonDict]()
    for one in recipe.rounds:
        shape.append(_technique_settings(one.technique, one.level))
        if one.technique.restructures:
            structure.append(shape[-1])
        stages += _round_stages(names, one, shape, parent=weights_of(stages[-1]))
    export = names.export(structure)
    return (*stages, *_measuring_stages(names, shape, export, weights=weights_of(stages[-1])))


def _technique_settings(technique: Any, level: float) -> JsonDict:
    return {"technique": spec(technique), "level": level}


def weights_of(use: StageUse) -> str:
    """The name of the weights after a stage; those of a trunk depend on where it is left."""
    return f"{use.key}@{use.units:g}" if use.stage == "trunk" else use.key


def _training_stages(names: _Names, *, taught_by: str | None = None) -> list[StageUse]:
    """The stages that train a net from its start to the recipe's horizon."""
    recipe = names.recipe
    optimizer = without(spec(recipe.optimizer), "lr")
    cooldown_epochs = recipe.optimizer.schedule.cooldown_epochs(recipe.epochs)
    trunk_epochs = recipe.epochs - cooldown_epochs
    batch: JsonDict = {"batch": recipe.batch, "accumulate": recipe.accumulate}
    prepare = names.work("prepare", optimizer=optimizer, **batch)
    trunk = names.work(
        "trunk",
        optimizer=optimizer,
        lr=float(recipe.lr),
        label_smoothing=float(recipe.label_smoothing),
        seed=recipe.seed,
        start=None if recipe.pretrained is None else recipe.pretrained.weights,
        **batch,
        **_in_training_settings(names, taught_by),
    )
    cooldown = names.work("cooldown", f"{trunk}@{trunk_epochs}", epochs=cooldown_epochs)
    epoch = names.epoch_cost(names.acting)
    stages = [
        StageUse(stage="prepare", key=prepare, cost_key=prepare, units=1),
        StageUse(stage="trunk", key=trunk, cost_key=epoch, units=trunk_epochs),
        StageUse(stage="cooldown", key=cooldown, cost_key=epoch, units=cooldown_epochs),
    ]
    return [*_pretraining_stages(recipe), *(stage for stage in stages if stage.units)]


def _in_training_settings(names: _Names, taught_by: str | None) -> JsonDict:
    """What acts while the net is trained, as far as anything does."""
    if not names.acting:
        return {}
    during = names.recipe.in_training
    knows_horizon = during is not None and during[0].knows_horizon
    return {
        "acting": names.acting,
        "teacher": taught_by,
        "horizon": names.recipe.epochs if knows_horizon else None,
    }


def _pretraining_stages(recipe: Recipe) -> list[StageUse]:
    """The share of another trial's training that is charged to this one."""
    source = recipe.pretrained
    if source is None or not source.share:
        return []
    key = digest(["pretrain", source.name, source.weights])
    return [StageUse(stage="pretrain", key=key, cost_key=key, units=source.share)]


def _teacher_stages(recipe: Recipe, names: _Names) -> list[StageUse]:
    """What a student's teacher takes, all of it: its training, and its answers to all images.

    A teacher that is trained here shares its stages with whoever else trains that net.
    """
    teacher = recipe.teacher
    if teacher is None or not names.acting:
        return []
    own_start = recipe if teacher.model is None else replace(recipe, pretrained=None)
    dense = replace(names, recipe=own_start, model=teacher.model or recipe.model, acting=[])
    if teacher.stored is None:
        uses, weights = _training_stages(dense), None
    else:
        weights = teacher.stored.weights
        key = digest(["teacher", teacher.stored.name, weights])
        uses = [StageUse(stage="teacher", key=key, cost_key=key, units=1)]
    answers = dense.work("teacher", weights or weights_of(uses[-1]))
    last = StageUse(stage="teacher", key=answers, cost_key=dense.cost("teacher"), units=1)
    return [*(replace(use, stage="teacher") for use in uses), last]


def _optimizer_terms(optimizer: Any) -> JsonDict:
    """What the cost of a step depends on: which terms its formula has, and not how large."""
    numbers = {k: v for k, v in spec(optimizer).items() if k != "lr" and isinstance(v, int | float)}
    return {"name": optimizer.name, **{key: bool(value) for key, value in numbers.items()}}


def _round_stages(
    names: _Names, one: Any, shape: Sequence[JsonDict], *, parent: str
) -> list[StageUse]:
    """The stages of one round; `shape` are all techniques up to and with this one."""
    settings: JsonDict = dict(shape[-1])
    if one.technique.when == "export":
        settings["runtime"] = spec(names.recipe.runtime)
    compress = names.work("compress", parent, **settings)
    recover = names.work("recover", compress, epochs=one.recover_epochs)
    cost = names.cost("compress", shape=list(shape))
    stages = [
        StageUse(stage="compress", key=compress, cost_key=cost, units=1),
        StageUse(
            stage="recover",
            key=recover,
            cost_key=names.epoch_cost(shape),
            units=one.recover_epochs,
        ),
    ]
    return [stage for stage in stages if stage.units]


def _measuring_stages(
    names: _Names, shape: Sequence[JsonDict], export: str, *, weights: str
) -> list[StageUse]:
    """What is asked of the net that is deployed, whose shape the techniques decide."""
    how: JsonDict = {"runtime": spec(names.recipe.runtime), "batch": names.recipe.inference_batch}
    architecture: JsonDict = {"compression": list(shape)} if shape else {}
    graph = names.cost("evaluate", shape=architecture, **how)
    evaluate = names.work("evaluate", weights, **how)
    infer = names.work("infer", shape=architecture, **how)
    return [
        StageUse(stage="export", key=export, cost_key=export, units=1),
        StageUse(stage="evaluate", key=evaluate, cost_key=graph, units=1),
        StageUse(stage="infer", key=infer, cost_key=infer, units=1),
    ]
