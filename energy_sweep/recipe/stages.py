"""The chain of stages that a recipe needs, named by what decides them.

A work key names weights: equal keys mean bit-identical results. A cost key names joules: equal
keys mean equal cost per unit of work. Neither needs torch, so a whole grid is priced in advance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from energy_sweep.recipe.keys import VERSIONS as VERSIONS
from energy_sweep.recipe.keys import (
    Names,
    optimizer_text,
    technique_settings,
    technique_text,
    written,
)
from energy_sweep.recipe.recipe import Recipe
from energy_sweep.record import (
    Canonical,
    JsonDict,
    StageUse,
    canonical_list,
    canonical_object,
    digest,
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
    suited = recipe.suited
    during = suited.in_training
    names = Names(
        recipe,
        machine,
        fingerprint,
        sizes,
        suited.net,
        () if during is None else (technique_text(*during),),
    )
    teaching = _teacher_stages(recipe, names)
    stages = [*teaching, *_training_stages(names, taught_by=_taught_by(teaching))]
    shape, structure = list(names.acting), list[Canonical]()
    for one in suited.rounds:
        shape.append(technique_text(one.technique, one.level))
        if one.technique.restructures:
            structure.append(shape[-1])
        stages += _round_stages(names, one, shape, parent=weights_of(stages[-1]))
    export = names.export(structure)
    return (*stages, *_measuring_stages(names, shape, export, weights=weights_of(stages[-1])))


def weights_of(use: StageUse) -> str:
    """The name of the weights after a stage; those of a trunk depend on where it is left."""
    return f"{use.key}@{use.units:g}" if use.stage == "trunk" else use.key


def _training_stages(names: Names, *, taught_by: str | None = None) -> list[StageUse]:
    """The stages that train a net from its start to the recipe's horizon."""
    recipe = names.recipe
    optimizer = optimizer_text(recipe.optimizer)
    cooldown_epochs = recipe.optimizer.schedule.cooldown_epochs(recipe.epochs)
    trunk_epochs = recipe.epochs - cooldown_epochs
    batch: JsonDict = {"batch": recipe.batch, "accumulate": recipe.accumulate}
    prepare = names.shared_work("prepare", optimizer=optimizer, **batch)
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


def _in_training_settings(names: Names, taught_by: str | None) -> JsonDict:
    """What acts while the net is trained, as far as anything does."""
    if not names.acting:
        return {}
    during = names.recipe.in_training
    knows_horizon = during is not None and during[0].knows_horizon
    return {
        "acting": canonical_list(names.acting),
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


def _teacher_stages(recipe: Recipe, names: Names) -> list[StageUse]:
    """What a student's teacher takes, all of it: its training, and its answers to all images.

    Members that are trained here share their stages with whoever else trains that net.
    """
    if recipe.teacher is None or not names.acting:
        return []
    found = dict[str, StageUse]()
    for dense in recipe.teacher.recipes(recipe):
        member = replace(names, recipe=dense, model=dense.model, acting=())
        for use in _member_stages(member, recipe.teacher.stored):
            found.setdefault(use.key, use)
    return list(found.values())


def _member_stages(member: Names, stored: Any) -> list[StageUse]:
    """The stages of one net that teaches, whose answers come last."""
    if stored is None:
        uses = _training_stages(member)
        weights = weights_of(uses[-1])
    else:
        weights = stored.weights
        key = digest(["teacher", stored.name, weights])
        uses = [StageUse(stage="teacher", key=key, cost_key=key, units=1)]
    answers, cost = member.work("teacher", weights), member.cost("teacher")
    last = StageUse(stage="teacher", key=answers, cost_key=cost, units=1)
    return [*(replace(use, stage="teacher") for use in uses), last]


def _taught_by(teaching: Sequence[StageUse]) -> str | None:
    """The name of the answers that a student learns from; None where there are none."""
    asked = [use.key for use in teaching if use.cost_key == teaching[-1].cost_key]
    return digest(asked) if asked[1:] else next(iter(asked), None)


def _round_stages(
    names: Names, one: Any, shape: Sequence[Canonical], *, parent: str
) -> list[StageUse]:
    """The stages of one round; `shape` are all techniques up to and with this one."""
    settings = technique_settings(one.technique, one.level)
    if one.technique.when == "export":
        settings["runtime"] = written(names.recipe.runtime)
    compress = names.work("compress", parent, **settings)
    recover = names.work("recover", compress, epochs=one.recover_epochs)
    cost = names.cost("compress", shape=canonical_list(shape))
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
    names: Names, shape: Sequence[Canonical], export: str, *, weights: str
) -> list[StageUse]:
    """What is asked of the net that is deployed, whose shape the techniques decide."""
    recipe = names.recipe
    how: JsonDict = {"runtime": written(recipe.runtime), "batch": recipe.inference_batch}
    parts = {"compression": canonical_list(shape)} if shape else {}
    architecture = canonical_object(parts)
    graph = names.cost("evaluate", shape=architecture, **how)
    evaluate = names.work("evaluate", weights, **how)
    infer = names.shared_work("infer", shape=architecture, **how)
    return [
        StageUse(stage="export", key=export, cost_key=export, units=1),
        StageUse(stage="evaluate", key=evaluate, cost_key=graph, units=1),
        StageUse(stage="infer", key=infer, cost_key=infer, units=1),
    ]
