"""A priced study as JSON (`front --json`) and as CSV: here its rows become plain values."""

from __future__ import annotations

import csv
import dataclasses
import io
from typing import Any

from energy_sweep.front.configurations import Row
from energy_sweep.front.growth import growth
from energy_sweep.front.overhead import overhead
from energy_sweep.front.priced_study import PricedStudy
from energy_sweep.front.remembered import remembered_prices
from energy_sweep.recipe.dials import value_text
from energy_sweep.record import JsonDict, Objective, StudyRecord, to_json

# Columns of a row that hold several values.
LISTS = ("seeds", "rivals", "beaten_by", "contended")
NESTED = ("trial", "config", "params", "stages")
# Figures of a row that follow from its fields.
DERIVED = ("efficiency", "kilowatt_hours")


def front_document(study: StudyRecord, objective: Objective) -> JsonDict:
    """The JSON of `front --json`, without savings: plain values, rows cheapest first."""
    return as_document(PricedStudy(study, objective))


def as_document(priced: PricedStudy) -> JsonDict:
    """The same of a study that is priced already."""
    study, objective = priced.study, priced.objective
    return {
        "study": study.name,
        "objective": objective.name,
        "images": objective.images,
        "quality": priced.quality,
        "machine": to_json(study.machine),
        "meter": to_json(study.meter),
        "scale_band": list(study.meter.scale_band),
        "scale_factors": to_json(priced.scale_factors),
        "scale_dependent": to_json(priced.scale_dependent),
        "coefficients": dict(study.meter.coefficients),
        "spent_joules": priced.spent_joules,
        "attributed_joules": priced.attributed_joules,
        "bill": to_json(priced.bill),
        "overhead": to_json(overhead(study)),
        "remembered": remembered_prices(study),
        "importance": to_json(priced.exact_importance),
        "growth": to_json(growth(priced)),
        "trials": len(study.results),
        "expected_wrong": priced.expected_wrong,
        "front": [plain_row(row) for row in priced.front],
        "dominated": [plain_row(row) for row in priced.dominated],
        "constraints": priced.constraints.document,
        "excluded": [plain_row(row) for row in priced.excluded],
        "infeasible": to_json(priced.infeasible),
        "unpriced": list(priced.unpriced),
    }


def plain_row(row: Row) -> JsonDict:
    """One configuration as plain values."""
    return {**to_json(row), **{name: getattr(row, name) for name in DERIVED}}


def _plain_figures() -> list[str]:
    """The figures of a row that are one column each."""
    fields = [field.name for field in dataclasses.fields(Row) if field.name not in NESTED]
    return [*fields, *DERIVED]


def columns(priced: PricedStudy) -> dict[str, list[Any]]:
    """A priced study by columns, with a value for each configuration, those of the front first."""
    plain = _plain_figures()
    rows, members = priced.ranked, {row.trial for row in priced.front}
    found: dict[str, list[Any]] = {
        "trial": [row.trial for row in rows],
        "on_front": [row.trial in members for row in rows],
    }
    for name in priced.axes if rows else ():
        # An axis may be called as one of the figures is.
        key = f"{name} (axis)" if name in (*found, *plain, "quality") else name
        found[key] = [row.params.get(name) for row in rows]
    figures: dict[str, list[Any]] = {name: [getattr(row, name) for row in rows] for name in plain}
    return {**found, **figures, "quality": [priced.quality] * len(rows)}


def as_csv(priced: PricedStudy) -> str:
    """A priced study as a table, one configuration a line; lists are joined by spaces."""
    axes = priced.axes if priced.rows else ()
    plain = _plain_figures()
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["trial", "on_front", "quality", *plain, *axes])
    for on_front, rows in ((1, priced.front), (0, priced.dominated)):
        for row in rows:
            cells = [_cell(name, getattr(row, name)) for name in plain]
            dials = [value_text(row.params.get(name)) for name in axes]
            table.writerow([row.trial, on_front, priced.quality, *cells, *dials])
    return text.getvalue()


def _cell(name: str, value: Any) -> Any:
    return " ".join(map(str, value)) if name in LISTS else value
