"""Which prices of a study were read in an earlier one, in words."""

from __future__ import annotations

from energy_sweep.front.detrending import Z95
from energy_sweep.front.pools import REMEMBERED
from energy_sweep.record import JsonDict, StudyRecord


def remembered_prices(study: StudyRecord) -> list[JsonDict]:
    """The graphs whose price is of an earlier study: the day of that, the graph of this study in
    proportion to which it is taken, and the 95 % uncertainty of the proportion."""
    found = [one for one in study.stages.values() if REMEMBERED in one.facts]
    return [
        {
            "graph": one.cost_key,
            "made": one.facts[REMEMBERED]["made"],
            "beside": one.facts[REMEMBERED]["beside"],
            "relative_uncertainty": Z95 * one.facts[REMEMBERED]["log_sd"],
        }
        for one in sorted(found, key=lambda record: record.cost_key)
    ]


def remembered_text(study: StudyRecord) -> str:
    """That some graphs were measured in an earlier study, when, and how sure; empty where none."""
    found = remembered_prices(study)
    if not found:
        return ""
    made = sorted({one["made"] for one in found})
    since = made[0] if len(made) == 1 else f"{made[0]} to {made[-1]}"
    most = max(one["relative_uncertainty"] for one in found)
    many = "one graph" if len(found) == 1 else f"{len(found)} graphs"
    return (
        f"What an image costs through {many} was measured in an earlier study ({since}), and is"
        f" taken in proportion to one measured here, sure to {100 * most:.0f} %: type"
        " device.remember=false and another name=NAME to measure all anew."
    )
