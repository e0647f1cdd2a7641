"""One trial in plain figures, and what of them needs no prices."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from energy_sweep.front import Row
from energy_sweep.record import JsonDict, TrialRecord, TrialResult
from energy_sweep.uncertainty.intervals import wilson

# What a row says of a configuration, and not of one of its seeds.
OF_ROWS = (
    *("belongs", "net_joules", "efficiency", "file_bytes", "macs", "removed", "zeros"),
    *("latency_seconds", "latency_p50_seconds", "latency_p95_seconds"),
)
SEVERAL = ("accuracy", "accuracy_low", "accuracy_high", "joules", "uncertainty_joules")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialFigures:
    """One trial: `params` are its axes and seed, `settings` all its dials.

    `metrics` are numbers by names that end in their unit, `tags` say of them how they were
    obtained, `epochs` hold the reading of each epoch. `started` and `ended` are in Unix seconds:
    from the first reading that its joules rest on, which may be an older trial's, to its last one.
    """

    number: int
    state: str
    params: JsonDict
    settings: JsonDict
    metrics: dict[str, float]
    tags: dict[str, str]
    epochs: tuple[JsonDict, ...] = ()
    started: float | None = None
    ended: float | None = None


def accuracy_figures(result: TrialResult) -> dict[str, float]:
    if result.accuracy is None or result.correct is None:
        return {}
    low, high = wilson(result.correct, result.n_validation)
    return {"accuracy": result.accuracy, "accuracy_low": low, "accuracy_high": high}


def row_figures(row: Row | None) -> dict[str, float]:
    """What is known of the configuration of a trial; means over its seeds where it has several."""
    if row is None:
        return {}
    values = {name: getattr(row, name) for name in OF_ROWS}
    if row.n > 1:
        values |= {f"configuration_{name}": getattr(row, name) for name in SEVERAL}
        values["configuration_seeds"] = row.n
    return {
        name: float(value)
        for name, value in values.items()
        if value is not None and math.isfinite(value)
    }


def settings_of(trial: TrialRecord) -> JsonDict:
    """All that a trial was set to: by the names that are typed, where those are known."""
    if trial.dials:
        return {name: value for name, value in trial.dials.items() if value is not None}
    return {} if trial.result is None else flat(trial.result.config)


def flat(nested: Mapping[str, Any], prefix: str = "") -> JsonDict:
    """A nested mapping with dotted names; lists and what is None are left as they are, or out."""
    found: JsonDict = {}
    for name, value in nested.items():
        key = f"{prefix}{name}"
        if isinstance(value, Mapping):
            found |= flat(value, f"{key}.")
        elif value is not None:
            found[key] = value
    return found
