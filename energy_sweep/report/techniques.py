"""Several studies by technique: accuracy against joules, and accuracy per joule by level."""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Mapping

from energy_sweep.front import PricedStudy, Row, joules_text
from energy_sweep.front.achieved import name_of
from energy_sweep.record import JsonDict
from energy_sweep.report.cells import Cells, html_table
from energy_sweep.report.figures import objective_text
from energy_sweep.report.page_data import FLOOR_SHARE, floor
from energy_sweep.report.section import Section
from energy_sweep.report.studies_table import EFFICIENCY, efficiency_text

DENSE = "dense"
MOST_POINTS = 400  # of a study's dominated configurations, in one figure


def technique_sections(studies: Mapping[str, PricedStudy]) -> list[Section]:
    """One section for all studies; none where nothing is compressed anywhere."""
    found = {name: by_technique(one) for name, one in studies.items()}
    names = [name for kinds in found.values() for name in kinds]
    if not set(names) - {DENSE}:
        return []
    first = next(iter(studies.values()))
    figures = "".join(_figures(place, name) for place, name in enumerate(studies))
    return [
        Section(
            key="techniques",
            title="By technique",
            html=(
                f'<p class="soft">By {html.escape(objective_text(first.objective))},'
                f" {first.quality}. On the left every configuration; on the right the most accuracy"
                " per joule of each level, of those that are accurate enough: at least the study's"
                f" own limit, or {100 * FLOOR_SHARE:g} % of its best. A technique's line begins at"
                " the dense net, where one is.</p>"
                f"{html_table(technique_cells(studies))}{figures}"
            ),
            data=[_data(one, found[name]) for name, one in studies.items()],
            script="techniques.js",
        )
    ]


def technique_of(row: Row) -> str:
    """What a configuration was compressed by; `DENSE` where nothing was done to it."""
    compression: JsonDict = row.config.get("compression") or {}
    return name_of(compression) if row.level and compression else DENSE


def by_technique(priced: PricedStudy) -> dict[str, list[Row]]:
    """The rows of each technique, dense ones first."""
    found: dict[str, list[Row]] = {DENSE: []}
    for row in priced.ranked:
        found.setdefault(technique_of(row), []).append(row)
    return {name: found[name] for name in sorted(found, key=lambda name: (name != DENSE, name))}


def technique_cells(studies: Mapping[str, PricedStudy]) -> Cells:
    """The head and a line for each study and technique: its most efficient accurate net."""
    quality = next(iter(studies.values())).quality
    head = ["study", "technique", "level", "trial", "accuracy", f"joules ({quality})"]
    lines = list[list[str]]()
    for name, priced in studies.items():
        kinds = by_technique(priced)
        dense = _best(kinds[DENSE], priced)
        for technique, rows in kinds.items():
            best = _best(rows, priced)
            if best is not None:
                lines.append([name, technique, *_cells(best, dense)])
            elif rows:
                least = f"none is {floor(priced)['accuracy']:.3f} accurate"
                lines.append([name, technique, "", "", least, "", "", ""])
    return [*head, EFFICIENCY, "against dense"], lines


def _best(rows: Iterable[Row], priced: PricedStudy) -> Row | None:
    """The most accuracy per joule of what is accurate enough; None where nothing is."""
    least = floor(priced)["accuracy"]
    fits = [row for row in rows if row.accuracy >= least and row.efficiency is not None]
    return max(fits, key=lambda row: row.efficiency or 0.0, default=None)


def _cells(row: Row, dense: Row | None) -> list[str]:
    against = "" if dense is None or dense is row else _times(row, dense)
    joules = joules_text(row.joules, row.noise_joules)
    level = f"{row.level:.3g}" if row.level else ""
    accuracy = f"{row.accuracy:.3f}"
    return [level, str(row.trial), accuracy, joules, efficiency_text(row), against]


def _times(row: Row, dense: Row) -> str:
    return f"{(row.efficiency or 0.0) / (dense.efficiency or 1.0):.3g} times"


def _figures(place: int, name: str) -> str:
    said = html.escape(name)
    return (
        f'<h3>{said}</h3><div class="small-multiples wide-ones">'
        f'<div class="plot" id="technique-scatter-{place}" role="img"'
        f' aria-label="{said}: accuracy against joules, by technique"></div>'
        f'<div class="plot" id="technique-lines-{place}" role="img"'
        f' aria-label="{said}: accuracy per joule by level and technique"></div></div>'
    )


def _data(priced: PricedStudy, kinds: Mapping[str, list[Row]]) -> JsonDict:
    """By technique its points, and the best of each level."""
    each = max(1, math.ceil(len(priced.dominated) / MOST_POINTS))
    shown = {row.trial for row in (*priced.front, *priced.dominated[::each])}
    return {
        "title": f"{priced.objective.name} joules, {priced.quality}",
        "techniques": {
            name: {
                "points": [_point(row) for row in rows if row.trial in shown],
                "lines": [_point(row) for row in _by_level(rows, priced)],
            }
            for name, rows in kinds.items()
        },
    }


def _by_level(rows: Iterable[Row], priced: PricedStudy) -> list[Row]:
    levels: dict[float, list[Row]] = {}
    for row in rows:
        levels.setdefault(row.level, []).append(row)
    best = (_best(levels[level], priced) for level in sorted(levels))
    return [row for row in best if row is not None]


def _point(row: Row) -> JsonDict:
    return {
        "trial": row.trial,
        "level": row.level,
        "accuracy": row.accuracy,
        "joules": row.joules,
        "own": row.noise_joules,
        "efficiency": row.efficiency,
    }
