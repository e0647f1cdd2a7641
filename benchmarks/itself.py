"""What a sweep spends on itself, over what it spends on training: real sweeps, in fresh folders.

    python -m benchmarks.itself

(a) a sweep of four small configurations, (b) the default sweep, (c) the default sweep once more as
another study of the same user, all with a cache folder that begins empty. Whether a choice on the
front of (b) is worse for what it saves on itself is asked of a control: one study in which plans
are an axis, so that their epochs are measured in turn. A member of the front is worse where its
plan surely costs more an epoch than the best one of its batch does there. Takes some eight minutes
on two cores.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from energy_sweep.front import PricedStudy
from energy_sweep.front.overhead import Overhead, overhead
from energy_sweep.recipe.plan import Plan
from energy_sweep.record import from_json
from energy_sweep.study.stored import load_study

FOUR = ("batch=32,64", "epochs=2", "lr=0.1", "compression.level=0,0.5")
DEFAULT = ("batch=32,64,128",)
PLANS = ("device.plan=contiguous,channels_last", "epochs=4", "lr=0.1", "compression.level=0")
FOUR_TARGET, DEFAULT_TARGET, AGAIN_TARGET = 1.0, 0.15, 1 / 3


def main() -> None:
    """Sweep, compare, and print one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", type=Path, help="a folder for the sweeps, read if they are there")
    asked = parser.parse_args()
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        found = _measure((asked.keep or Path(folder)).absolute())
    print(json.dumps({**found, "seconds": round(time.monotonic() - begun)}))


def _measure(home: Path) -> dict[str, Any]:
    four = _study(home, "four", FOUR, cache="four")
    first = _study(home, "default", DEFAULT, cache="default")
    again = _study(home, "again", DEFAULT, cache="default")
    control = _study(home, "control", (*DEFAULT, *PLANS), cache="control")
    spent = [overhead(one.study) for one in (four, first, again)]
    over_first = spent[2].joules / spent[1].joules
    worse = _worse(first, _epochs(control))
    return {
        "benchmark": "itself",
        "quality": first.quality,
        "four": _told(four),
        "default": _told(first),
        "again": _told(again),
        "again_over_default": round(over_first, 3),
        "front": worse,
        "targets": {
            "four": _share(spent[0]) <= FOUR_TARGET,
            "default": _share(spent[1]) <= DEFAULT_TARGET,
            "again": over_first <= AGAIN_TARGET,
            "front": not worse["worse"],
        },
        "processor": platform.processor() or platform.machine(),
        "python": sys.version,
    }


def _study(home: Path, name: str, words: tuple[str, ...], *, cache: str) -> PricedStudy:
    """The study of a sweep in a folder and with a cache of its own, run unless it is there."""
    folder, begun = home / name, time.monotonic()
    if not folder.is_dir():
        folder.mkdir(parents=True)
        paths = os.pathsep.join(filter(None, sys.path))
        own = {"PYTHONPATH": paths, "XDG_CACHE_HOME": str(home / f"cache-{cache}")}
        ran = subprocess.run(
            [sys.executable, "-m", "energy_sweep", "-m", *words, f"name={name}"],
            cwd=folder,
            check=False,
            capture_output=True,
            text=True,
            env={**os.environ, **own},
        )
        if ran.returncode:
            raise SystemExit(f"the sweep {name} failed:\n{ran.stderr}")
    print(f"{name}: {time.monotonic() - begun:.0f} s", file=sys.stderr)
    return PricedStudy(load_study(folder / "outputs" / name))


def _share(found: Overhead) -> float:
    return math.inf if found.share is None else found.share


def _told(priced: PricedStudy) -> dict[str, Any]:
    found = overhead(priced.study)
    return {
        "share": None if found.share is None else round(found.share, 3),
        "training_joules": round(found.training_joules, 2),
        "itself_joules": round(found.joules, 2),
        "parts": {name: round(joules, 2) for name, joules in found.parts.items()},
        "plans": {str(batch): plan for batch, plan in sorted(_plans(priced).items())},
    }


def _plans(priced: PricedStudy) -> dict[int, str]:
    """The plan that each batch was trained under."""
    results = [result for _, result in priced.study.results]
    return {one.config["batch"]: from_json(Plan, one.facts["plan"]).name for one in results}


def _epochs(control: PricedStudy) -> dict[int, dict[str, tuple[float, float]]]:
    """Joules of an epoch by batch and plan, with the 95 % uncertainty of their noise."""
    found: dict[int, dict[str, tuple[float, float]]] = {}
    for _, result in control.study.results:
        cost_key = next(use.cost_key for use in result.stages if use.stage == "trunk")
        pool = control.prices.pool(cost_key)
        if pool is not None:
            plan = from_json(Plan, result.facts["plan"]).name
            by_plan = found.setdefault(result.config["batch"], {})
            by_plan[plan] = (pool.joules_per_unit, pool.spread)
    return found


def _worse(
    first: PricedStudy, epochs: Mapping[int, Mapping[str, tuple[float, float]]]
) -> dict[str, Any]:
    """Members of the front whose plan surely costs more than the best one of their batch."""
    plans, regret = _plans(first), dict[int, float]()
    worse: list[int] = []
    for row in first.front:
        batch = row.config["batch"]
        ours, spread = epochs[batch][plans[batch]]
        best, other = min(epochs[batch].values())
        regret[batch] = round(ours / best - 1, 3)
        if ours - best > math.hypot(spread, other):
            worse.append(row.trial)
    return {
        "members": len(first.front),
        "worse": worse,
        "more_joules_an_epoch_by_batch": {str(batch): part for batch, part in regret.items()},
    }


if __name__ == "__main__":
    main()
