"""Recipe: everything one trial is made of, as plain parts and numbers."""

from __future__ import annotations

import dataclasses
import hashlib
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, cast

from energy_sweep.recipe.plan import Plan
from energy_sweep.recipe.suited import SuitedCompression, suit_to_runtime
from energy_sweep.record import BadInput, JsonDict, to_json
from energy_sweep.record.identity_cache import by_identity
from energy_sweep.record.serialize import code_outside

PRECISIONS = ("fp32", "bf16", "fp16", "tf32", "float64")
# What only a GPU trains in: a CPU emulates fp16 at a fraction of the speed, and has no tf32.
GPU_PRECISIONS = ("fp16", "tf32")
# Settings of a data set that say where to find or keep its images.
PLACES = ("root", "download", "cache", "file", "factory")
# What each part of a recipe may be, for who hands in its name.
PARTS = {
    "dataset": "energy_sweep.dataset.digits.Digits()",
    "model": "energy_sweep.model.small_cnn.SmallCNN()",
    "optimizer": "energy_sweep.optimizer.SGD()",
    "compression": "energy_sweep.compression.NoCompression()",
    "runtime": "energy_sweep.runtime.onnxruntime.OnnxRuntime()",
    "device": "energy_sweep.device.Device()",
}
# Dials of a device that change neither weights nor joules.
IDLE_DIALS = ("wait_below", "remember")
NUMBERS = {"batch": 64, "lr": 0.05, "epochs": 10, "seed": 0, "level": 0.5, "inference_batch": 64}


@by_identity
def spec(part: Any) -> JsonDict:
    """A part (a frozen dataclass) as plain settings; its `name` says which part it is.

    A part from elsewhere has a `class` and the `source` of it too: no version of ours tells of a
    change in its code.
    """
    return {"name": part.name, **to_json(part), **code_outside(cast("type[object]", type(part)))}


@by_identity
def images_spec(dataset: Any) -> JsonDict:
    """The data set without where it comes from: its fingerprint names what is in it."""
    return {k: v for k, v in spec(dataset).items() if k not in PLACES}


@by_identity
def device_spec(device: Any) -> JsonDict:
    """The device as it is resolved here, so that `auto` and what it means share their stages.

    Levers that are not used are left out, and what changes neither weights nor joules: waiting, and
    whether earlier studies are remembered.
    """
    used = {name: value for name, value in spec(device).items() if value is not None}
    kept = {name: value for name, value in used.items() if name not in IDLE_DIALS}
    return {**kept, "name": device.resolve()}


def indexed_seed(*parts: object) -> int:
    """A 63-bit seed that depends on `parts` only: randomness is looked up, never streamed."""
    text = "/".join(str(part) for part in parts)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """The parts and numbers of one trial; parts are frozen dataclasses with a `name`.

    An update of the weights takes the gradients of `accumulate` batches; `pretrained` is where
    the weights come from, None for fresh ones; `teacher` is the net that a student learns from. A
    compressed net whose accuracy is more than `max_accuracy_loss` below the dense one's is
    infeasible. `plan` is how the net is run, None until it is
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
    teacher: Any = None
    max_accuracy_loss: float | None = None
    plan: Plan | None = None

    def __post_init__(self) -> None:
        for name, example in PARTS.items():
            part = getattr(self, name)
            if isinstance(part, type) or not hasattr(part, "name"):
                raise BadInput(
                    f"Recipe({name}={_part_text(part)}): hand in the part itself, such as {example}"
                    " (names are words of the command line)"
                )
        for name, example in NUMBERS.items():
            value, kind = getattr(self, name), Integral if isinstance(example, int) else Real
            if type(value) is type(example):
                continue
            if isinstance(value, bool) or not isinstance(value, kind):
                raise BadInput(f"Recipe({name}={value!r}): hand in a number, such as {example}")

    @property
    def effective_level(self) -> float:
        """The level that the technique can honour; 0 is no compression at all."""
        return self.suited.level

    @property
    def effective_compression(self) -> Any:
        """The compression as it is done: suited to the runtime, each step with its own level."""
        return self.suited.compression

    @property
    def net(self) -> Any:
        """The model part that is built and trained: the model itself, or a student."""
        return self.suited.net

    @property
    def in_training(self) -> Any:
        """The technique that acts while the net is trained, and its level; None where none does."""
        return self.suited.in_training

    @property
    def rounds(self) -> Any:
        """What is done to the trained net, round by round."""
        return self.suited.rounds

    @property
    def suited(self) -> SuitedCompression:
        """The compression as it is done."""
        return suit_to_runtime(self.compression, self.level, self.model, self.runtime)

    def config(self) -> JsonDict:
        """All dials but the seed in canonical form: unused ones are dropped."""
        suited = self.suited
        level = suited.level
        return {
            "dataset": images_spec(self.dataset),
            "model": spec(self.model),
            "optimizer": without(spec(self.optimizer), "lr"),
            "compression": spec(suited.compression) if level else {"name": "none"},
            "level": level,
            "runtime": spec(self.runtime),
            "device": device_spec(self.device),
            "batch": self.batch,
            "lr": float(self.lr),
            "epochs": self.epochs,
            "precision": self.precision,
            "inference_batch": self.inference_batch,
            "accumulate": self.accumulate,
            "label_smoothing": float(self.label_smoothing),
            **self._optional_dials(),
        }

    def _optional_dials(self) -> JsonDict:
        """What most recipes do without."""
        found, source = JsonDict(), self.pretrained
        if source is not None:
            found["pretrained"] = {k: getattr(source, k) for k in ("name", "weights", "share")}
        if self.teacher is not None and self.in_training is not None:
            found["teacher"] = self.teacher.spec(self)
        if self.max_accuracy_loss is not None and self.effective_level:
            found["max_accuracy_loss"] = float(self.max_accuracy_loss)
        return found


def _part_text(part: Any) -> str:
    return part.__name__ if isinstance(part, type) else repr(part)


def without(settings: JsonDict, key: str) -> JsonDict:
    """Settings but one."""
    return {name: value for name, value in settings.items() if name != key}


def replace(recipe: Recipe, **changes: Any) -> Recipe:
    """The same recipe with some dials or parts changed."""
    return dataclasses.replace(recipe, **changes)


def of_one_process(recipe: Recipe) -> Recipe:
    """What each of a recipe's processes does by itself, batch by batch: its part of every batch."""
    processes = recipe.device.processes
    device = dataclasses.replace(recipe.device, processes=1)
    return replace(recipe, device=device, batch=recipe.batch // processes, accumulate=1)
