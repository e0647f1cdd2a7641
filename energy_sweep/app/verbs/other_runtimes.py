"""What a choice may save under another runtime: how much at most, and how to measure it."""

from __future__ import annotations

import importlib.util

from energy_sweep.app.config.quoting import quote_if_needed
from energy_sweep.front import Row
from energy_sweep.record import Objective, StudyRecord, TrialRecord
from energy_sweep.text.commands import program

# Those that run any trained net on any processor, by the package that has to be there.
PACKAGES = {"onnxruntime": "onnxruntime", "openvino": "openvino"}
OWN_WORDS = ("runtime", "name", "stages")


def offer(row: Row, trial: TrialRecord, record: StudyRecord, objective: Objective) -> str:
    """One line; empty where no other runtime is installed, or nothing of the joules depends on it.

    A study has one runtime, so what another would cost is not known before it is measured.
    """
    runtime = record.identity.get("runtime")
    used = runtime.get("name") if isinstance(runtime, dict) else None
    others = [name for name, package in PACKAGES.items() if name != used and _is_here(package)]
    share = _inference_share(row, objective)
    if not isinstance(used, str) or not others or not share:
        return ""
    kept = [w for w in trial.overrides if w.lstrip("+").partition("=")[0] not in OWN_WORDS]
    name = quote_if_needed(f"{record.name}-{others[0]}")
    again = program(*kept, f"runtime={others[0]}", f"name={name}")
    return (
        f"{100 * share:.0f} % of these joules are inference on {used}, and no more than those can"
        f" change on {others[0]}, which is installed. To see: {again}"
    )


def _is_here(package: str) -> bool:
    return importlib.util.find_spec(package) is not None


def _inference_share(row: Row, objective: Objective) -> float:
    """Of the joules of an objective, the share that images take."""
    if objective.name == "training" or row.joules_per_image is None or not row.joules:
        return 0.0
    images = objective.images if objective.name == "lifetime" else 1
    return min(1.0, images * row.joules_per_image / row.joules)
