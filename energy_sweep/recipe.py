"""Recipe, everything one trial is made of; and its chain of stages, named by what decides them.

A work key names weights: equal keys mean bit-identical results. A cost key names joules: equal
keys mean equal cost per unit of work. Neither needs torch, so a whole grid is priced in advance.
"""

from __future__ import annotations

import dataclasses
import hashlib
import math
from dataclasses import dataclass
from typing import Any, cast

from energy_sweep.execution import Plan
from energy_sweep.plain import code_outside
from energy_sweep.record import BadInput, Plain, StageUse, digest, to_plain

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
PRECISIONS = ("fp32", "bf16", "fp16", "tf32", "float64")
# What only a GPU trains in: a CPU emulates fp16 at a fraction of the speed, and has no tf32.
GPU_PRECISIONS = ("fp16", "tf32")
# Settings of a data set that say where to find or keep its images.
PLACES = ("root", "download", "cache", "file", "factory")


def spec(part: Any) -> Plain:
    """A part (a frozen dataclass) as plain settings; its `name` says which part it is.

    A part from elsewhere has a `class` and the `source` of it too: no version of ours tells of a
    change in its code.
    """
    return {"name": part.name, **to_plain(part), **code_outside(cast("type[object]", type(part)))}


def _images(dataset: Any) -> Plain:
    """The data set without where it comes from: its fingerprint names what is in it."""
    return {k: v for k, v in spec(dataset).items() if k not in PLACES}


def _device(device: Any) -> Plain:
    """The device as it is resolved here, so that `auto` and what it means share their stages.

    Levers that are not used are left out, and waiting, which changes neither weights nor joules.
    """
    used = {name: value for name, value in spec(device).items() if value is not None}
    return {**_without(used, "wait_below"), "name": device.resolve()}


def indexed_seed(*parts: object) -> int:
    """A 63-bit seed that depends on `parts` only: randomness is looked up, never streamed."""
    text = "/".join(str(part) for part in parts)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """The parts and numbers of one trial; parts are frozen dataclasses with a `name`.

    An update of the weights takes the gradients of `accumulate` batches; `pretrained` is where
    the weights come from, None for fresh ones. `plan` is how the net is run, None until it is
    resolved: no dial, but part of all keys, since it changes joules and the last bits of weights.
    """

    dataset: Any
    model: Any
    optimizer: Any
    compression: Any
    runtime: Any
    device: Any
    batch: int
    lr: float
    epochs: int
    seed: int = 0
    precision: str = "fp32"
    level: float = 0.0
    inference_batch: int = 64
    accumulate: int = 1
    label_smoothing: float = 0.1
    pretrained: Any = None
    plan: Plan | None = None

    @property
    def snapped_level(self) -> float:
        """The level that the technique can honour; 0 is no compression at all."""
        return float(self.compression.snap(self.level))

    def config(self) -> Plain:
        """All dials but the seed in canonical form: unused ones are dropped."""
        level = self.snapped_level
        return {
            "dataset": _images(self.dataset),
            "model": spec(self.model),
            "optimizer": _without(spec(self.optimizer), "lr"),
            "compression": spec(self.compression) if level else {"name": "none"},
            "level": level,
            "runtime": spec(self.runtime),
            "device": _device(self.device),
            "batch": self.batch,
            "lr": float(self.lr),
            "epochs": self.epochs,
            "precision": self.precision,
            "inference_batch": self.inference_batch,
            "accumulate": self.accumulate,
            "label_smoothing": float(self.label_smoothing),
            **self._origin(),
        }

    def _origin(self) -> Plain:
        source = self.pretrained
        names = ("name", "weights", "share")
        return {} if source is None else {"pretrained": {k: getattr(source, k) for k in names}}


def check(recipe: Recipe) -> None:
    """Raise BadInput, in one line that says what to type, for a recipe that cannot run."""
    for dial in ("batch", "epochs", "accumulate"):
        if getattr(recipe, dial) < 1:
            raise BadInput(f"{dial}={getattr(recipe, dial)}: type a whole number of at least 1")
    if recipe.inference_batch < 1:
        raise BadInput(f"inference.batch={recipe.inference_batch}: type at least 1")
    if not (recipe.lr > 0 and math.isfinite(recipe.lr)):
        raise BadInput(f"lr={recipe.lr}: type a positive number, such as lr=0.01")
    if not 0 <= recipe.label_smoothing < 1:
        raise BadInput(
            f"label_smoothing={recipe.label_smoothing}: type a share from 0 to below 1, "
            "such as label_smoothing=0.1"
        )
    if recipe.precision not in PRECISIONS:
        raise BadInput(f"precision={recipe.precision}: type precision={'|'.join(PRECISIONS)}")
    if recipe.precision in GPU_PRECISIONS and recipe.device.resolve() != "cuda":
        raise BadInput(
            f"precision={recipe.precision} trains on CUDA only: type precision=bf16 or device=cuda"
        )
    recipe.compression.check(recipe.level)
    recipe.device.check()
    processes = recipe.device.processes
    if recipe.batch % processes:
        raise BadInput(
            f"batch={recipe.batch}: device.processes={processes} share each batch in equal parts:"
            f" type batch={-(-recipe.batch // processes) * processes}"
        )


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
            "data": {"fingerprint": self.fingerprint, **_images(recipe.dataset)},
            "model": spec(recipe.model),
            "precision": recipe.precision,
            "plan": to_plain(recipe.plan),
            "device": _without(_device(recipe.device), "plan"),
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
    optimizer = _without(spec(recipe.optimizer), "lr")
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


def _without(settings: Plain, key: str) -> Plain:
    return {name: value for name, value in settings.items() if name != key}


def replace(recipe: Recipe, **changes: Any) -> Recipe:
    """The same recipe with some dials or parts changed."""
    return dataclasses.replace(recipe, **changes)


def of_one_process(recipe: Recipe) -> Recipe:
    """What each of a recipe's processes does by itself: its part of every batch."""
    processes = recipe.device.processes
    if processes == 1:
        return recipe
    device = dataclasses.replace(recipe.device, processes=1)
    return replace(recipe, device=device, batch=recipe.batch // processes)
