"""Whether the joules and the accuracies of studies compare, and if not, why not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from energy_sweep.record import StudyRecord

Studies = Mapping[str, StudyRecord]


def joules_apart(studies: Studies) -> str:
    """Why the joules of studies do not compare, in words; empty where they do."""
    return _first(
        studies,
        {
            "were measured on other machines": lambda one: one.machine.get("device_class"),
            "have joules of other quality": lambda one: one.meter.quality.value,
            "have joules of other domains": lambda one: ", ".join(sorted(one.meter.domains)),
            "have estimates by other watts": lambda one: ", ".join(
                f"{name} = {value:g}" for name, value in sorted(one.meter.coefficients.items())
            ),
        },
    )


def accuracies_apart(studies: Studies) -> str:
    """Why the accuracies of studies do not compare, in words; empty where they do."""
    return _first(
        studies,
        {
            "saw other data sets": lambda one: one.identity.get("dataset"),
            "saw other images, or other splits": lambda one: one.identity.get("split"),
        },
    )


def _first(studies: Studies, facts: Mapping[str, Callable[[StudyRecord], Any]]) -> str:
    for words, of in facts.items():
        values = {name: of(one) for name, one in studies.items()}
        if len({str(value) for value in values.values()}) > 1:
            said = "; ".join(f"{name}: {value or 'not known'}" for name, value in values.items())
            return f"{words} ({said})"
    return ""
