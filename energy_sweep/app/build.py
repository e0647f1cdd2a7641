"""From a composed configuration to a Recipe: the one place that instantiates what it names."""

from __future__ import annotations

import dataclasses
import importlib
import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hydra.errors import HydraException
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from energy_sweep.app import messages, schema
from energy_sweep.record import BadInput, EnergySweepError, Plain, digest

if TYPE_CHECKING:
    from energy_sweep.recipe import Recipe

PARTS = ("dataset", "model", "optimizer", "compression", "runtime", "device")
# What is typed with a part, and is a dial of the recipe and not a setting of the part.
DIALS = {
    "compression": ("level", "max_accuracy_loss", "teacher"),
    "model": ("pretrained", "pretrained_share"),
}
WORDS = {int: "a whole number", float: "a number", bool: "true or false", str: "a word"}


def plain(cfg: DictConfig) -> Plain:
    """A composed configuration as plain values, interpolations resolved, without Hydra's node."""
    if "hydra" in cfg:
        cfg = OmegaConf.masked_copy(cfg, [str(key) for key in cfg if key != "hydra"])
    try:
        return typing.cast(Plain, OmegaConf.to_container(cfg, resolve=True, throw_on_missing=True))
    except OmegaConfBaseException as error:
        raise BadInput(messages.explain(error) or str(error)) from error


def build(cfg: DictConfig) -> Recipe:
    """The recipe of a composed configuration; BadInput says what to type instead."""
    return Builder().recipe(plain(cfg))


@dataclass(slots=True)
class Builder:
    """Builds recipes, making each distinct part once."""

    _parts: dict[str, Any] = field(default_factory=dict[str, Any])

    def recipe(self, values: Plain) -> Recipe:
        """The recipe of resolved values."""
        from energy_sweep.recipe import Recipe, check

        schema.check(values)
        parts = {group: self._part(group, values) for group in PARTS}
        loss = values["compression"].get("max_accuracy_loss")
        recipe = Recipe(
            **parts,
            batch=values["batch"],
            lr=float(values["lr"]),
            epochs=values["epochs"],
            seed=values["seed"],
            precision=values["precision"],
            accumulate=values["accumulate"],
            label_smoothing=float(values["label_smoothing"]),
            level=float(values["compression"].get("level", 0.0)),
            inference_batch=values["inference"]["batch"],
            pretrained=_pretrained(values),
            teacher=self._teacher(values, parts["compression"]),
            max_accuracy_loss=None if loss is None else float(loss),
        )
        check(recipe)
        return recipe

    def _part(self, group: str, values: Plain) -> Any:
        settings = values[group]
        if not isinstance(settings, Mapping) or "_target_" not in settings:
            raise BadInput(f"{group}: its file in conf/{group} must say _target_, the part to use")
        settings = {k: v for k, v in settings.items() if k not in DIALS.get(group, ())}
        if "steps" in settings:
            return self._chain(settings, values)
        return self._made(group, settings, values["allow"])

    def _made(self, group: str, settings: Plain, allow: list[str]) -> Any:
        key = digest([group, settings])
        if key not in self._parts:
            self._parts[key] = _make(group, settings, allow=allow)
        return self._parts[key]

    def _chain(self, settings: Plain, values: Plain) -> Any:
        """Several compressions in a row, each with its own share of the level."""
        from energy_sweep.compression.chain import Chain, Step

        steps = list[Step]()
        for name, step in settings["steps"].items():
            place = f"compression.steps.{name}"
            for dial in ("max_accuracy_loss", "teacher"):
                if step.get(dial) is not None:
                    raise BadInput(
                        f"{place}.{dial}: type compression.{dial}, which all steps share"
                    )
            schema.check_level(f"{place}.level", level := step.get("level", 0.0))
            own = {k: v for k, v in step.items() if k not in DIALS["compression"]}
            technique = self._made("compression", own, values["allow"])
            steps.append(Step(technique=technique, level=float(level)))
        return Chain(steps=tuple(steps))

    def _teacher(self, values: Plain, compression: Any) -> Any:
        """Whom a student learns from, None for what learns from nobody."""
        name = values["compression"].get("teacher")
        if not compression.wants_teacher:
            if name is not None:
                raise BadInput(
                    f"compression.teacher={name}: {compression.name} learns from no teacher:"
                    " type compression=distill"
                )
            return None
        from energy_sweep.app.teacher import find_teacher

        return find_teacher(
            None if name is None else str(name),
            Path(values["outputs"]),
            make=lambda settings: self._made("model", settings, values["allow"]),
        )


def _pretrained(values: Plain) -> Any:
    """The weights that `model.pretrained=STUDY/TRIAL` names, None where it names none."""
    name = values["model"].get("pretrained")
    if name is None:
        return None
    from energy_sweep.trial.pretrained import find

    share = values["model"].get("pretrained_share", 1.0)
    return find(Path(values["outputs"]), str(name), float(share))


def _make(group: str, settings: Plain, *, allow: list[str]) -> Any:
    for place, node in _targets(group, settings):
        _check_allowed(f"{place}._target_", str(node["_target_"]), allow)
        _check_types(place, node)
    try:
        part = instantiate(settings)
    except HydraException as error:
        if isinstance(error.__cause__, EnergySweepError):
            raise error.__cause__ from None
        raise BadInput(f"{group}: {error.__cause__ or error}") from error
    if not dataclasses.is_dataclass(part) or not hasattr(part, "name"):
        raise BadInput(f"{group}: {settings['_target_']} must be a frozen dataclass with a name")
    for setting, module in getattr(part, "imports", {}).items():
        _check_allowed(f"{group}.{setting}", module, allow)
    return part


def _check_allowed(setting: str, name: str, allow: list[str]) -> None:
    """Refuse to import what the user has not said to be trusted."""
    package = name.split(".")[0]
    if package not in ("energy_sweep", *allow):
        raise BadInput(
            f"{setting}={name} is outside energy_sweep: type 'allow=[{package}]' if you trust it"
        )


def _targets(place: str, node: Any) -> Iterator[tuple[str, Plain]]:
    if isinstance(node, Mapping):
        if "_target_" in node:
            yield place, dict(node)
        for key, child in node.items():
            yield from _targets(f"{place}.{key}", child)


def _check_types(place: str, node: Plain) -> None:
    module, _, name = str(node["_target_"]).rpartition(".")
    try:
        kind = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise BadInput(f"{place}._target_={node['_target_']} cannot be found: {error}") from error
    if not dataclasses.is_dataclass(kind):
        return
    hints = typing.get_type_hints(kind)
    known = [part.name for part in dataclasses.fields(kind)]
    for key, value in node.items():
        if key.startswith("_"):
            continue
        if key not in known:
            raise BadInput(f"{place}.{key} does not exist: type one of {', '.join(known)}")
        if not isinstance(value, Mapping) and not _fits(value, hints[key]):
            wanted = " or ".join(_words(hints[key]))
            raise BadInput(f"{place}.{key}={_shown(value)}: type {wanted}")


def _fits(value: Any, hint: Any) -> bool:
    kinds = _kinds(hint)
    if not all(kind in WORDS or kind is type(None) for kind in kinds):
        return True  # not a plain value: its own class has to check it
    return type(value) in kinds or (type(value) is int and float in kinds)


def _kinds(hint: Any) -> tuple[Any, ...]:
    union = typing.get_origin(hint) in (typing.Union, types.UnionType)
    return typing.get_args(hint) if union else (hint,)


def _words(hint: Any) -> list[str]:
    return ["null" if kind is type(None) else WORDS.get(kind, str(kind)) for kind in _kinds(hint)]


def _shown(value: Any) -> str:
    return "null" if value is None else str(value)
