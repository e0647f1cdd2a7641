"""Golden values: keys, weights and joules of a few recipes, to be found again by the same code.

`python -m tests.trial.golden` writes them anew, and refuses where weights or costs changed while
their key did not: that is what the numbers in `recipe.stages.VERSIONS` are for.
"""

from __future__ import annotations

import dataclasses
import hashlib
import importlib.metadata
import json
import math
import platform
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from energy_sweep.compression import Chain, Distill, Magnitude, NoCompression, Prune, Quantize, Step
from energy_sweep.dataset.digits import Digits
from energy_sweep.device import Device
from energy_sweep.hardware.cpu import CPUINFO
from energy_sweep.meter import meter_id
from energy_sweep.meter.base import Meter, Work
from energy_sweep.meter.replay import ReplayMeter
from energy_sweep.model.small_cnn import SmallCNN
from energy_sweep.model.state import load
from energy_sweep.optimizer import SGD, AdamW
from energy_sweep.optimizer.schedule import OneCycle
from energy_sweep.recipe import Recipe
from energy_sweep.recipe.plan import PLANS
from energy_sweep.recipe.stages import chain
from energy_sweep.record import JsonDict, StageRecord, StageUse, from_json, to_json
from energy_sweep.runtime.onnxruntime import OnnxRuntime
from energy_sweep.store import StageStore
from energy_sweep.trial import Teacher, deployed_trial, load_data, run_trial

FILE = Path(__file__).with_name("golden.json")
# Keys name the machine, and are to be the same on all of ours.
MACHINE = {"device_class": "any", "torch": "any", "isa": "any"}
LAYOUT = "channels_last"
EPOCHS_COST = ("trunk", "cooldown", "recover")  # whose joules are pooled as those of a trunk
SAME_JOULES = 1e-9
SAME_NORM = 0.05  # where another processor or torch rounds otherwise


def formula(work: Work) -> float:
    """Joules of the work of a net."""
    return 1e-5 * work.images * work.parameters


def _recipe(**changes: Any) -> Recipe:
    settings: dict[str, Any] = {
        "dataset": Digits(),
        "model": SmallCNN(width=8, depth=2),
        "optimizer": SGD(),
        "compression": NoCompression(),
        "runtime": OnnxRuntime(),
        "device": Device(name="cpu", threads=1, plan=LAYOUT),
        "batch": 128,
        "lr": 0.05,
        "epochs": 2,
    }
    return Recipe(**(settings | changes))


def recipes() -> dict[str, Recipe]:
    """What has golden values, by name; nothing in them is left to the processor to choose."""
    smaller = Magnitude(recover_epochs=1), Prune(recover_epochs=1, channel_multiple=4)
    return {
        "trunk": _recipe(epochs=3),
        "one_cycle": _recipe(optimizer=AdamW(schedule=OneCycle()), lr=0.01),
        "chain": _recipe(
            compression=Chain(steps=tuple(Step(technique=one) for one in smaller)), level=0.75
        ),
        "student": _recipe(compression=Distill(channel_multiple=4), teacher=Teacher(), level=0.75),
        "quantized": _recipe(compression=Quantize(calibration="minmax", images=64), level=0.75),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Golden:
    """One stage of a recipe: its keys on no machine in particular, and what it gave and cost.

    `weights` is the SHA-256 of what it left (weights, a teacher's answers, those of the deployed
    file), `norm` the length of that as a vector; None where it leaves none.
    """

    stage: str
    work_key: str
    cost_key: str
    units: float
    joules: float
    weights: str | None
    norm: float | None


def measure(recipe: Recipe) -> list[Golden]:
    """The golden values of a recipe, in the order of its stages, in an empty store."""
    meter = ReplayMeter(formula=formula)
    planned = dataclasses.replace(recipe, plan=PLANS[LAYOUT])
    fingerprint = load_data(recipe.dataset).fingerprint
    named = chain(planned, machine=MACHINE, fingerprint=fingerprint)
    with tempfile.TemporaryDirectory(prefix="golden-") as folder:
        store = StageStore(folder, meter_id=meter_id(meter.facts()))
        result = run_trial(recipe, meter=meter, store=store)
        found = list[Golden]()
        for use, key in zip(result.stages, named, strict=True):
            record = store.records()[use.key]
            weights = _weights(recipe, use, record, store, meter)
            found.append(
                Golden(
                    stage=record.stage,
                    work_key=key.key,
                    cost_key=key.cost_key,
                    units=record.units,
                    joules=record.spent_joules,
                    weights=weights[0],
                    norm=weights[1],
                )
            )
    return found


def _weights(
    recipe: Recipe, use: StageUse, record: StageRecord, store: StageStore, meter: Meter
) -> tuple[str | None, float | None]:
    if use.stage == "evaluate":
        with deployed_trial(recipe, meter=meter, store=store) as deployed:
            images = load_data(recipe.dataset).validation.images
            logits = recipe.runtime.open(deployed.path, 1).predict(images, 64)
        return hashlib.sha256(logits.tobytes()).hexdigest(), float(np.linalg.norm(logits))
    if record.outcome is None:
        return None, None
    last = max(store.folder(use.key).glob("*.safetensors"))
    squares = (float(one.double().square().sum()) for one in load(last)[0].values())
    return record.outcome, math.sqrt(sum(squares))


def here() -> dict[str, str]:
    """What weights depend on in their last bits, beside our code.

    Libraries choose their kernels by the processor's make and generation, also among those that
    have the same instructions.
    """
    return {
        "processor": _processor(),
        "torch": str(torch.__version__),
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "onnxruntime": importlib.metadata.version("onnxruntime"),
    }


def _processor() -> str:
    """Make, family and model of the processor; its architecture where nothing tells."""
    lines = (
        (line.partition(":") for line in CPUINFO.read_text().splitlines())
        if CPUINFO.exists()
        else ()
    )
    told = {name.strip(): value.strip() for name, _, value in lines}
    found = [told.get(name, "") for name in ("vendor_id", "cpu family", "model")]
    return " ".join(found).strip() or platform.machine()


def known() -> tuple[dict[str, str], dict[str, list[Golden]]]:
    """Where the golden values were taken, and they themselves."""
    document = json.loads(FILE.read_text(encoding="utf-8"))
    stages = document["recipes"].items()
    return document["taken_on"], {
        name: [from_json(Golden, one) for one in found] for name, found in stages
    }


def changes(before: list[Golden], now: list[Golden], *, exact: bool) -> tuple[list[str], list[str]]:
    """What differs, a line each: keys that are others, and what changed under its old key."""
    if [one.stage for one in before] != [one.stage for one in now]:
        return [f"the stages are now {' '.join(one.stage for one in now)}"], []
    renamed, silent = list[str](), list[str]()
    for old, new in zip(before, now, strict=True):
        if old.work_key != new.work_key:
            renamed.append(f"stage {new.stage} has another work key")
        elif not _same_weights(old, new, exact=exact):
            silent.append(
                f"stage {new.stage} gives other weights under its old work key: raise"
                f" VERSIONS[{new.stage!r}] in energy_sweep/recipe/stages.py"
            )
        if old.cost_key != new.cost_key:
            renamed.append(f"stage {new.stage} has another cost key")
        elif not _same_cost(old, new):
            pool = "trunk" if new.stage in EPOCHS_COST else new.stage
            silent.append(
                f"stage {new.stage} costs {new.joules:.6g} J for {new.units:g} units under its old"
                f" cost key, and cost {old.joules:.6g} J for {old.units:g}: raise"
                f" VERSIONS[{pool!r}] in energy_sweep/recipe/stages.py"
            )
    return renamed, silent


def _same_cost(old: Golden, new: Golden) -> bool:
    if new.stage == "infer":  # windows of any length are samples of one price
        return math.isclose(old.joules * new.units, new.joules * old.units, rel_tol=SAME_JOULES)
    return old.units == new.units and math.isclose(old.joules, new.joules, rel_tol=SAME_JOULES)


def _same_weights(old: Golden, new: Golden, *, exact: bool) -> bool:
    if exact or old.norm is None or new.norm is None:
        return old.weights == new.weights
    return math.isclose(old.norm, new.norm, rel_tol=SAME_NORM)


def main(arguments: list[str]) -> int:
    """Write the golden values; 1 where that would hide a change that no key tells of."""
    now = {name: measure(recipe) for name, recipe in recipes().items()}
    if FILE.exists() and "--force" not in arguments:
        taken_on, before = known()
        for name in before.keys() & now.keys():
            _, silent = changes(before[name], now[name], exact=taken_on == here())
            if silent:
                print(f"not written: {name}: {silent[0]}", file=sys.stderr)
                return 1
    document: JsonDict = {
        "taken_on": here(),
        "recipes": {name: [to_json(one) for one in found] for name, found in now.items()},
    }
    FILE.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    print(FILE)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
