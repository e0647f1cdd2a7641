"""The typed shape of the configuration, and the ranges that hold before anything is built."""

from __future__ import annotations

import dataclasses
import math
import re
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hydra.core.config_store import ConfigStore
from omegaconf import MISSING

from energy_sweep.front.constraints import Constraints
from energy_sweep.record import BadInput, JsonDict, Objective
from energy_sweep.record.bounds import check_share
from energy_sweep.search.budget import LIMITS, Budget
from energy_sweep.study.sampler_names import SAMPLERS as NAMES

FOLDER_NAME = re.compile(r"[^/\\.-][^/\\]{0,99}")  # not taken for a path or an option
HARDWARE = ("same", "any")
LARGEST = 2**63  # where whole numbers of databases and tensors end
SAMPLERS = ("auto", *NAMES)
GROUPS = ("dataset", "model", "optimizer", "compression", "runtime", "device", "meter")

# How a student's teacher is named, and trained where it is not yet.
TEACHING = ("teacher", "teacher_width", "teacher_epochs", "teachers")
# What is typed with a part, and is a dial of the recipe and not a setting of the part.
DIALS = {
    "compression": ("level", "max_accuracy_loss", *TEACHING),
    "model": ("pretrained", "pretrained_share"),
}


@dataclass
class InferenceSchema:
    """How the deployed network is run."""

    batch: int = MISSING


@dataclass
class ObjectiveSchema:
    """Which joules go down while accuracy goes up."""

    name: str = MISSING
    images: int = MISSING


@dataclass
class StudySchema:
    """What may join a study; `hardware` is one of `HARDWARE`."""

    hardware: str = "same"


@dataclass
class ConstraintsSchema:
    """What a configuration has to keep, by the names of `front.constraints`."""

    min_accuracy: float | None = None
    max_joules: float | None = None
    max_joules_per_image: float | None = None
    max_bytes: float | None = None
    max_latency: float | None = None


@dataclass
class SearchSchema:
    """What to try and when to stop; `space` maps names of overrides to sweep expressions."""

    trials: int | None = None
    joules: float | None = None
    seconds: float | None = None
    sampler: str = "auto"
    seed: int = 0
    slots: int | None = None
    max_failures: int = 3
    until: str | None = None
    dry_run: bool = False
    certainty: float = 0.0
    confirm: float = 0.0
    start: list[Any] = field(default_factory=list[Any])
    learn_from: str | None = None
    constraints: ConstraintsSchema | None = field(default_factory=ConstraintsSchema)
    space: dict[str, Any] = field(default_factory=dict[str, Any])


@dataclass
class Schema:
    """Everything that can be typed; the groups check their own keys when they are built."""

    name: str = MISSING
    outputs: str = MISSING
    storage: str | None = None
    stages: str | None = None
    study: StudySchema = field(default_factory=StudySchema)
    allow: list[str] = field(default_factory=list[str])
    batch: int = MISSING
    lr: float = MISSING
    epochs: int = MISSING
    seed: int = MISSING
    precision: str = MISSING
    accumulate: int = MISSING
    label_smoothing: float = MISSING
    profile: bool = MISSING
    track: str | None = None
    inference: InferenceSchema = field(default_factory=InferenceSchema)
    objective: ObjectiveSchema = field(default_factory=ObjectiveSchema)
    search: SearchSchema = field(default_factory=SearchSchema)
    dataset: Any = MISSING
    model: Any = MISSING
    optimizer: Any = MISSING
    compression: Any = MISSING
    runtime: Any = MISSING
    device: Any = MISSING
    meter: Any = MISSING


KEYS = tuple(part.name for part in dataclasses.fields(Schema))


def register() -> None:
    """Let Hydra find the schema, which conf/config.yaml names first."""
    ConfigStore.instance().store(name="schema", node=Schema, provider="energy_sweep")


def dials() -> tuple[str, ...]:
    """The names that can be typed, nested ones with dots; groups only by their own name."""
    hints = typing.get_type_hints(Schema)
    names: list[str] = []
    for name, hint in hints.items():
        if dataclasses.is_dataclass(hint):
            names += [f"{name}.{part.name}" for part in dataclasses.fields(hint)]
        else:
            names.append(name)
    return tuple(names)


def check(plain: JsonDict, new: JsonDict | None = None) -> None:
    """Raise BadInput, in one line that says what to type, for a value out of its range.

    Ranges of what a recipe is made of are checked by `recipe.check` and by the parts themselves.
    All but the `new` ones were checked before, as part of others.
    """
    new = plain if new is None else new
    _check_keys(plain)
    if plain["seed"] < 0:
        raise BadInput(f"seed={plain['seed']}: type a whole number of at least 0, such as seed=0")
    if "compression" in new:
        check_level("compression.level", plain["compression"].get("level", 0.0))
        _check_loss(plain["compression"].get("max_accuracy_loss"))
    if "search" in new:
        _check_search(plain["search"])
    if "objective" in new:
        Objective(**plain["objective"])
    _check_tracker(plain["track"])
    _one_of("study.hardware", plain["study"]["hardware"], HARDWARE)
    _check_numbers("", new)
    check_name(plain["name"])


def check_name(name: str) -> None:
    """Raise BadInput for a name that no folder of a study should have."""
    if not FOLDER_NAME.fullmatch(name) or not name.isprintable() or len(name.encode()) > 200:
        shown = name if name.isprintable() else repr(name)
        raise BadInput(f"name={shown}: type a plain folder name, such as name=first")


def _check_numbers(place: str, value: object) -> None:
    """Raise BadInput for a number that no setting can be, wherever it is typed."""
    if isinstance(value, dict | list):
        whole = typing.cast(JsonDict | list[object], value)
        parts = whole.items() if isinstance(whole, dict) else (("", part) for part in whole)
        for key, part in parts:
            _check_numbers(f"{place}.{key}".strip("."), part)
    elif isinstance(value, float) and not math.isfinite(value):
        raise BadInput(f"{place}={value:g}: type a finite number; null where none is meant")
    elif isinstance(value, int) and abs(value) >= LARGEST:
        raise BadInput(f"{place}={value}: type a smaller whole number, below 2^63")


def _check_keys(plain: Mapping[str, Any]) -> None:
    for key in plain.keys() - set(KEYS):
        raise BadInput(
            f"{key} is read by nothing: leave it out, or see --cfg job for what there is"
        )
    for key in KEYS:
        if key not in plain:
            raise BadInput(f"{key} is gone: leave ~{key} out")


def check_level(setting: str, level: object) -> None:
    """Raise BadInput for what is no share of weights that can be removed."""
    if isinstance(level, bool) or not isinstance(level, int | float) or not 0 <= level < 1:
        raise BadInput(
            f"{setting}={level}: type the share of the weights to remove, from 0 to below 1, such"
            f" as {setting}=0.5"
        )


def _check_loss(loss: object) -> None:
    if loss is None or (isinstance(loss, int | float) and not isinstance(loss, bool)):
        return
    raise BadInput(
        f"compression.max_accuracy_loss={loss}: type the share of accuracy that may be lost, such"
        " as compression.max_accuracy_loss=0.01 for a point, or null"
    )


def _check_search(search: JsonDict) -> None:
    _one_of("search.sampler", search["sampler"], SAMPLERS)
    Constraints.of(given_limits(search["constraints"]))
    Budget(**{limit: search[limit] for limit in LIMITS})
    for share in ("certainty", "confirm"):
        check_share(f"search.{share}", search[share])


def _check_tracker(track: object) -> None:
    if track not in (None, "mlflow"):
        raise BadInput(f"track={track}: type track=mlflow; export --to tells other tools")


def given_limits(settings: object) -> JsonDict:
    """The limits of a search that were typed; BadInput for what are none."""
    if settings is not None and not isinstance(settings, dict):
        raise BadInput(
            f"search.constraints={settings}: type limits by name, such as"
            " search.constraints.min_accuracy=0.9"
        )
    return {
        name: value
        for name, value in typing.cast(JsonDict, settings or {}).items()
        if value is not None
    }


def _one_of(key: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise BadInput(f"{key}={value}: type {key}={'|'.join(known)}")
