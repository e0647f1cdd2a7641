"""What the stored studies of an experiment say of its claims, and that of several machines."""

from __future__ import annotations

import importlib.metadata
import json
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from energy_sweep.app import stored_study
from energy_sweep.app.experiment.preset import Preset
from energy_sweep.record import BadInput, JsonDict
from energy_sweep.record.files import read_file
from energy_sweep.study.paths import is_study

if TYPE_CHECKING:
    from energy_sweep.front import PricedStudy
    from energy_sweep.front.effects.claims import ClaimVerdict

KEYS = ("experiment", "size", "machine", "meter", "versions", "claims")
PACKAGES = ("energy-sweep", "torch", "torchvision", "onnxruntime", "numpy", "scipy")
METER = ("sources", "domains", "coefficients", "repeatability")
MACHINE = ("device_class", "cpu", "cores", "gpu", "driver", "torch", "isa")


@dataclass(frozen=True, kw_only=True, eq=False)
class StoredVerdict:
    """The studies of an experiment that were run, by sweep, and what they say of each claim."""

    preset: Preset
    size: str
    studies: dict[str, PricedStudy]
    verdicts: tuple[ClaimVerdict, ...]

    @property
    def document(self) -> JsonDict:
        """What JSON, and a file to share, say: no names of users, folders or hosts."""
        first = next(iter(self.studies.values())).study
        return {
            "experiment": self.preset.name,
            "size": self.size,
            "source": self.preset.source,
            "machine": {name: first.machine.get(name) for name in MACHINE},
            "meter": {
                **{name: getattr(first.meter, name) for name in METER},
                "quality": first.meter.quality.value,
            },
            "versions": {name: _version(name) for name in PACKAGES},
            "studies": {
                name: {"trials": len(one.study.trials), "spent_joules": one.spent_joules}
                for name, one in self.studies.items()
            },
            "claims": [one.document for one in self.verdicts],
        }


def chosen_size(preset: Preset, typed: str | None, outputs: Path) -> str:
    """The size that was typed, else the largest of which something was run."""
    if typed is not None:
        preset.size(typed)
        return typed
    sizes = [name for name in reversed(list(preset.sizes)) if _stored(preset, name, outputs)]
    return sizes[0] if sizes else next(iter(preset.sizes))


def stored_verdict(preset: Preset, size: str, arguments: Namespace) -> StoredVerdict:
    """By what is stored; BadInput where nothing is."""
    from energy_sweep.front.effects.judging import Judge
    from energy_sweep.record import Objective

    found = _stored(preset, size, arguments.outputs)
    if not found:
        raise BadInput(
            f"nothing of {preset.name} was run at size {size}: type experiment"
            f" {_typed(preset)} --size {size}"
        )
    studies: dict[str, PricedStudy] = {}
    for sweep, name in found.items():
        priced = stored_study.load_named(name, arguments).priced
        if priced.configurations:
            studies[sweep] = priced.by(Objective(name="training"))
    if not studies:
        raise BadInput(f"no trial of {preset.name} has a result yet: let its sweeps run on")
    verdicts = Judge(studies).verdicts(preset.claims)
    return StoredVerdict(preset=preset, size=size, studies=studies, verdicts=verdicts)


def shared_file(path: Path) -> JsonDict:
    """What `verdict --share` wrote; BadInput for anything else."""
    try:
        found: Any = json.loads(read_file(path))
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror}: type the path of a shared file") from error
    except ValueError:
        found = None
    is_shared = isinstance(found, dict) and all(key in found for key in KEYS)
    claims: Any = cast(JsonDict, found)["claims"] if is_shared else None
    if not isinstance(claims, list) or not all(_is_claim(one) for one in cast(list[Any], claims)):
        raise BadInput(f"{path} was not written by verdict --share: type a file that was")
    return cast(JsonDict, found)


def check_same_experiment(documents: Sequence[JsonDict]) -> None:
    """BadInput where some are of another experiment, whose claims are others."""
    names = list(dict.fromkeys(str(one["experiment"]) for one in documents))
    if len(names) > 1:
        raise BadInput(f"{' and '.join(names)} make other claims: type files of one experiment")


def _is_claim(found: Any) -> bool:
    return isinstance(found, dict) and {"claim", "answer"} <= cast(JsonDict, found).keys()


def _typed(preset: Preset) -> str:
    from energy_sweep.app.experiment.preset import known_presets

    return preset.name if preset.name in known_presets() else str(preset.path)


def _stored(preset: Preset, size: str, outputs: Path) -> dict[str, str]:
    """The studies that were begun, by sweep."""
    names = {one.name: preset.study(one.name, size) for one in preset.size(size).sweeps}
    return {sweep: name for sweep, name in names.items() if is_study(outputs / name)}


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None
