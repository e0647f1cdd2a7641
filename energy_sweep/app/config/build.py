"""From a composed configuration to a Recipe of parts, each of which `parts.py` makes."""

from __future__ import annotations

import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from energy_sweep.app.config import messages, schema
from energy_sweep.app.config.kinds import of_their_kinds
from energy_sweep.app.config.parts import Trust, make_part
from energy_sweep.app.config.storage import without_password
from energy_sweep.record import BadInput, JsonDict, digest

if TYPE_CHECKING:
    from energy_sweep.recipe import Recipe

MOST_CHECKED = 10_000  # settings that are known by their identity
PARTS = ("dataset", "model", "optimizer", "compression", "runtime", "device")


def resolved(cfg: DictConfig) -> JsonDict:
    """A composed configuration as plain values of the schema's kinds, interpolations resolved,
    without Hydra's node and without the password of an address."""
    try:
        if "hydra" in cfg:
            cfg = OmegaConf.masked_copy(cfg, [str(key) for key in cfg if key != "hydra"])
        plain = OmegaConf.to_container(cfg, resolve=True, throw_on_missing=True)
        plain = of_their_kinds(typing.cast(JsonDict, plain))
    except OmegaConfBaseException as error:
        raise BadInput(messages.explain(error) or str(error)) from error
    return without_password(plain)


def build(cfg: DictConfig) -> Recipe:
    """The recipe of a composed configuration; BadInput says what to type instead."""
    return Builder().recipe(resolved(cfg))


@dataclass(slots=True)
class Builder:
    """Builds recipes, making and checking each distinct part once.

    `cure` is what to type to trust the package of a part, as `Trust` has it. Settings that several
    recipes share may be the same object, which must not change: it is known by its identity.
    """

    cure: str = "'allow=[{package}]'"
    _parts: dict[str, Any] = field(default_factory=dict[str, Any])
    _checked: dict[int, Any] = field(default_factory=dict[int, Any])
    _part_of: dict[tuple[int, int], Any] = field(default_factory=dict[tuple[int, int], Any])
    _sound: dict[tuple[Any, ...], tuple[Any, ...]] = field(
        default_factory=dict[tuple[Any, ...], tuple[Any, ...]]
    )

    def recipe(self, values: JsonDict) -> Recipe:
        """The recipe of resolved values."""
        from energy_sweep.recipe import Recipe, check_dials

        new = {key: one for key, one in values.items() if id(one) not in self._checked}
        schema.check(values, new)
        self._remember(new)
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
        check_dials(recipe)
        self._check_parts(recipe)
        return recipe

    def _remember(self, new: JsonDict) -> None:
        """Keep settings that were checked, so that nothing else gets their identity."""
        if len(self._checked) > MOST_CHECKED:
            self._checked.clear()
            self._part_of.clear()
        self._checked.update((id(one), one) for one in new.values())

    def _check_parts(self, recipe: Recipe) -> None:
        """Check what parts and level come to, unless that was done before."""
        from energy_sweep.recipe import check_parts

        parts = (recipe.device, recipe.runtime, recipe.compression, recipe.model)
        key = (*map(id, parts), recipe.batch, recipe.level, recipe.max_accuracy_loss)
        if key not in self._sound:
            check_parts(recipe)
            self._sound[key] = parts  # kept, so that nothing else gets their identities

    def _part(self, group: str, values: JsonDict) -> Any:
        key = id(values[group]), id(values["allow"])
        if key not in self._part_of:
            self._part_of[key] = self._new_part(group, values)
        return self._part_of[key]

    def _new_part(self, group: str, values: JsonDict) -> Any:
        settings = values[group]
        if not isinstance(settings, Mapping) or "_target_" not in settings:
            raise BadInput(f"{group}: its file in conf/{group} must say _target_, the part to use")
        settings = {k: v for k, v in settings.items() if k not in schema.DIALS.get(group, ())}
        if "steps" in settings:
            return self._chain(settings, values)
        return self._build_part(group, settings, values["allow"])

    def _build_part(self, group: str, settings: JsonDict, allow: list[str]) -> Any:
        key = digest([group, settings])
        if key not in self._parts:
            trust = Trust(packages=tuple(allow), cure=self.cure)
            self._parts[key] = make_part(group, settings, trust)
        return self._parts[key]

    def _chain(self, settings: JsonDict, values: JsonDict) -> Any:
        """Several compressions in a row, each with its own share of the level."""
        from energy_sweep.compression.chain import Chain, Step

        steps = list[Step]()
        for name, step in settings["steps"].items():
            place = f"compression.steps.{name}"
            for dial in ("max_accuracy_loss", *schema.TEACHING):
                if step.get(dial) is not None:
                    raise BadInput(
                        f"{place}.{dial}: type compression.{dial}, which all steps share"
                    )
            schema.check_level(f"{place}.level", level := step.get("level", 0.0))
            own = {k: v for k, v in step.items() if k not in schema.DIALS["compression"]}
            technique = self._build_part("compression", own, values["allow"])
            steps.append(Step(technique=technique, level=float(level)))
        return Chain(steps=tuple(steps))

    def _teacher(self, values: JsonDict, compression: Any) -> Any:
        """Whom a student learns from, None for what learns from nobody."""
        name = values["compression"].get("teacher")
        if not compression.wants_teacher:
            if name is not None:
                raise BadInput(
                    f"compression.teacher={name}: {compression.name} learns from no teacher:"
                    " type compression=distill"
                )
            return None
        from energy_sweep.app.config.teacher import find_teacher

        return find_teacher(
            values["compression"],
            Path(values["outputs"]),
            make=lambda settings: self._build_part("model", settings, values["allow"]),
        )


def _pretrained(values: JsonDict) -> Any:
    """The weights that `model.pretrained=STUDY/TRIAL` names, None where it names none."""
    name = values["model"].get("pretrained")
    if name is None:
        return None
    from energy_sweep.trial.training.pretrained import find

    share = values["model"].get("pretrained_share", 1.0)
    return find(Path(values["outputs"]), str(name), float(share))
