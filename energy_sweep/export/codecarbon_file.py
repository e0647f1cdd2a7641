"""CodeCarbon: a row of its `emissions.csv` for the training of each trial, with columns of ours.

Columns are those of CodeCarbon 3 (`EmissionsData`), in its order; what is not known is empty.
"""

from __future__ import annotations

import csv
import datetime
import io
import uuid
from collections.abc import Mapping
from pathlib import Path

from energy_sweep.export.study_figures import StudyFigures
from energy_sweep.export.trial_figures import TrialFigures
from energy_sweep.front.breakdown import JOULES_PER_KILOWATT_HOUR
from energy_sweep.record import BadInput
from energy_sweep.record.files import read_file, write_whole

FILE = "emissions.csv"
COLUMNS = (
    *("timestamp", "project_name", "run_id", "experiment_id", "duration", "emissions"),
    *("emissions_rate", "cpu_power", "gpu_power", "ram_power", "cpu_energy", "gpu_energy"),
    *("ram_energy", "energy_consumed", "water_consumed", "country_name", "country_iso_code"),
    *("region", "cloud_provider", "cloud_region", "os", "python_version", "codecarbon_version"),
    *("cpu_count", "cpu_model", "gpu_count", "gpu_model", "longitude", "latitude"),
    *("ram_total_size", "tracking_mode", "cpu_utilization_percent", "gpu_utilization_percent"),
    *("ram_utilization_percent", "ram_used_gb", "on_cloud", "pue", "wue"),
)
OURS = (
    *("energy_quality", "energy_uncertainty", "energy_scale_band", "energy_contended"),
    *("emissions_source", "study", "trial", "accuracy", "command"),
)
NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "energy_sweep")
PARTS = {"cpu": "cpu", "gpu": "gpu", "memory": "ram"}  # ours, and how CodeCarbon calls them


def write(study: StudyFigures, folder: Path) -> str:
    """Put a study into `FOLDER/emissions.csv`, in place of its rows of before; others stay."""
    path = folder / FILE
    rows = [_row(study, trial) for trial in study.trials if "training_joules" in trial.metrics]
    ours = {row["run_id"] for row in rows}
    kept = [row for row in _known(path) if row.get("run_id") not in ours]
    head = list(dict.fromkeys([*COLUMNS, *OURS, *(name for row in kept for name in row)]))
    text = io.StringIO()
    table = csv.DictWriter(text, head, restval="", lineterminator="\n")
    table.writeheader()
    table.writerows([*kept, *rows])
    write_whole(path, text.getvalue())
    return f"carbonboard --filepath {path}"


def _known(path: Path) -> list[dict[str, str]]:
    if not path.exists():
        return []
    found = csv.DictReader(io.StringIO(read_file(path).decode("utf-8", "replace")))
    if not {"run_id", "energy_consumed"} <= set(found.fieldnames or ()):
        raise BadInput(f"{path} is no file of CodeCarbon's: type --into with another folder")
    return [{name: cell for name, cell in row.items() if name is not None} for row in found]


def _row(study: StudyFigures, trial: TrialFigures) -> dict[str, str]:
    """Everything of a trial that CodeCarbon has a column for; energies are kilowatt-hours."""
    metrics, machine = trial.metrics, study.machine
    seconds = metrics.get("training_seconds")
    emitted = metrics.get("training_kg_co2e")
    values: dict[str, object] = {
        "timestamp": _time(trial.ended),
        "project_name": study.name,
        "run_id": uuid.uuid5(NAMESPACE, f"{study.name}/{trial.number}"),
        "experiment_id": uuid.uuid5(NAMESPACE, study.name),
        "duration": seconds,
        "emissions": emitted,
        "emissions_rate": emitted / seconds if emitted is not None and seconds else None,
        "energy_consumed": _hours(metrics, "training_joules"),
        "cpu_count": machine.get("cores"),
        "cpu_model": machine.get("cpu"),
        "gpu_count": len(machine.get("gpu_uuids") or ()) or None,
        "gpu_model": machine.get("gpu"),
        "tracking_mode": "process" if trial.tags.get("quality") == "estimated" else "machine",
        "energy_quality": trial.tags.get("quality"),
        "energy_uncertainty": _hours(metrics, "training_uncertainty_joules"),
        "energy_scale_band": trial.tags.get("scale_band"),
        "energy_contended": trial.tags.get("contended"),
        "emissions_source": trial.tags.get("emissions"),
        "study": study.name,
        "trial": trial.number,
        "accuracy": metrics.get("accuracy"),
        "command": trial.tags.get("command"),
    }
    for ours, theirs in PARTS.items():
        joules = metrics.get(f"training_{ours}_joules")
        values[f"{theirs}_energy"] = _hours(metrics, f"training_{ours}_joules")
        values[f"{theirs}_power"] = joules / seconds if joules is not None and seconds else None
    return {name: "" if value is None else str(value) for name, value in values.items()}


def _hours(metrics: Mapping[str, float], name: str) -> float | None:
    return metrics[name] / JOULES_PER_KILOWATT_HOUR if name in metrics else None


def _time(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    return datetime.datetime.fromtimestamp(seconds).isoformat(timespec="seconds")
