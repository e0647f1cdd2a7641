"""Which prices of a study were read in an earlier one, in words."""

from __future__ import annotations

from energy_sweep.front.detrending import Z95
from energy_sweep.front.pools import REMEMBERED
from energy_sweep.record import JsonDict, StudyRecord


def remembered_text(study: StudyRecord) -> str:
    """That some graphs were measured in an earlier study, when, and how sure; empty where none."""
    found: list[JsonDict] = [
        record.facts[REMEMBERED] for record in study.stages.values() if REMEMBERED in record.facts
    ]
    if not found:
        return ""
    made = sorted({str(one["made"]) for one in found})
    since = made[0] if len(made) == 1 else f"{made[0]} to {made[-1]}"
    most = Z95 * max(float(one["log_sd"]) for one in found)
    many = "one graph" if len(found) == 1 else f"{len(found)} graphs"
    return (
        f"What an image costs through {many} was measured in an earlier study ({since}), and is"
        f" taken in proportion to one measured here, sure to {100 * most:.0f} %: type"
        " device.remember=false and another name=NAME to measure all anew."
    )
