"""Joules of a study in other units: lines, a table of the front, and plain values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from energy_sweep.front import PricedStudy, Row
from energy_sweep.front.configurations import image_demand
from energy_sweep.front.other_units import MILLION, OtherUnits, energy_text, share_text
from energy_sweep.front.pair_difference import PairDifference
from energy_sweep.record import JsonDict, MeterFacts
from energy_sweep.report.figures import objective_text
from energy_sweep.text import terminal

MANY = "1 million images"

# Whose joules, of what, how many, and their uncertainty.
Line = tuple[str, str, float, float]


def row_texts(priced: PricedStudy, row: Row, units: OtherUnits) -> list[str]:
    """The joules of a row by the objective, and those of a million images, where known."""
    return [
        f"{objective_text(priced.objective) if place == 0 else name}:"
        f" {units.text(joules, uncertainty, priced.quality)}"
        for place, (name, joules, uncertainty) in enumerate(_of_row(priced, row))
    ]


def spent_text(priced: PricedStudy, units: OtherUnits) -> str:
    """What the sweep spent, all in, and what its trials would have one by one."""
    found = {"spent": priced.spent_joules, "one by one": priced.attributed_joules}
    return "; ".join(
        f"{name}, all in: {units.text(joules, None, priced.quality)}"
        for name, joules in found.items()
    )


def note_text(meter: MeterFacts, units: OtherUnits) -> str:
    """By which factors, and how sure what follows from them is."""
    low, high = meter.scale_band
    said = [units.factors_text, "± is that of the joules, and no more"]
    if not low == high == 1:
        said.append(
            f"all, joules too, are off by one unknown factor between {low:.3g} and {high:.3g}"
        )
    return "; ".join(filter(None, said))


def front_units(priced: PricedStudy, units: OtherUnits, *, width: int | None = None) -> str:
    """The front in other units, what was spent, and by which factors."""
    return _told(_front(priced), [spent_text(priced, units)], priced, units, width)


def front_cells(priced: PricedStudy, units: OtherUnits) -> tuple[list[str], list[list[str]]]:
    """The front in other units as the head and the rows of a table."""
    return _cells(_front(priced), priced, units)


def pair_units(
    priced: PricedStudy, pair: PairDifference, units: OtherUnits, *, width: int | None = None
) -> str:
    """Two configurations in other units, and what the second takes more than the first."""
    rows = [
        (f"trial {row.trial}", *one)
        for row in (pair.first, pair.second)
        for one in _of_row(priced, row)
    ]
    for name, found, times in ((_of(priced), pair.joules, 1), (MANY, pair.per_image, MILLION)):
        if found is not None:
            change, off = times * found.change, times * (found.high - found.change)
            rows.append(("difference", name, change, off))
    return _told(rows, [], priced, units, width)


def studies_units(
    studies: Mapping[str, PricedStudy], units: OtherUnits, *, width: int | None = None
) -> str:
    """What each of several studies spent, and what a million images of their fronts' ends take."""
    texts = list[str]()
    for name, priced in studies.items():
        rows = [
            (f"{name}, trial {row.trial}", *one)
            for row in priced.front[:: max(1, len(priced.front) - 1)]
            for one in _of_row(priced, row)
        ]
        spent = [f"{name}, {spent_text(priced, units)}"]
        texts.append(_told(rows, spent, priced, units, width))
    return "\n\n".join(texts)


def _front(priced: PricedStudy) -> list[Line]:
    return [(f"trial {row.trial}", *one) for row in priced.front for one in _of_row(priced, row)]


def _cells(
    rows: Sequence[Line], priced: PricedStudy, units: OtherUnits
) -> tuple[list[str], list[list[str]]]:
    """The head and the rows of a table of joules in other units."""
    head = ["of", "for", f"joules ({priced.quality})", *units.titles, "±"]
    cells = [
        [
            name,
            of,
            energy_text(joules),
            *(f"{amount:.2g}" for amount in units.amounts(joules)),
            share_text(joules, uncertainty),
        ]
        for name, of, joules, uncertainty in rows
    ]
    return head, cells


def _told(
    rows: Sequence[Line],
    texts: Sequence[str],
    priced: PricedStudy,
    units: OtherUnits,
    width: int | None,
) -> str:
    """A table of joules in other units, lines below it, and by which factors."""
    head, cells = _cells(rows, priced, units)
    table = terminal.table(head, cells, left={"of", "for"}, fold=("for",), width=width)
    notes = [*texts, life_text(priced), f"factors: {note_text(priced.study.meter, units)}"]
    said = (terminal.prose(text, width=width) for text in notes if text)
    return "\n".join([*([table] if rows else []), *said])


def _of(priced: PricedStudy) -> str:
    """What the joules of the objective are of, in a word or two; a life is with its training."""
    objective = priced.objective
    texts = {"inference": "1 image", "lifetime": f"life ({objective.images:,})"}
    return texts.get(objective.name, objective.name)


def life_text(priced: PricedStudy) -> str:
    """What a life is; empty where that is not the objective."""
    objective = priced.objective
    return f"{_of(priced)}: {objective_text(objective)}" * (objective.name == "lifetime")


def _of_row(priced: PricedStudy, row: Row) -> list[tuple[str, float, float]]:
    """What for, joules and their uncertainty: of the objective, and of a million images."""
    found = [(_of(priced), row.joules, row.uncertainty_joules)]
    many = million(priced, row)
    return found if many is None else [*found, (MANY, *many)]


def million(priced: PricedStudy, row: Row) -> tuple[float, float] | None:
    """Joules of a million images and their uncertainty; None where images were not measured."""
    wanted = image_demand(priced.configuration(row.trial))
    if not wanted or any(priced.prices.pool(key) is None for key in wanted):
        return None
    joules, uncertainty = priced.prices.joules(wanted)
    return MILLION * joules, MILLION * uncertainty


def row_document(priced: PricedStudy, row: Row, units: OtherUnits) -> JsonDict:
    """A row in other units as plain values."""
    many = million(priced, row)
    return {
        "trial": row.trial,
        "objective": units.figures(row.joules, row.uncertainty_joules),
        "million_images": None if many is None else units.figures(*many),
    }


def units_document(priced: PricedStudy, rows: Iterable[Row], units: OtherUnits) -> JsonDict:
    """The factors, what was spent, and some rows, as plain values."""
    return {
        **units.document,
        "quality": priced.quality,
        "scale_band": list(priced.study.meter.scale_band),
        "spent": units.figures(priced.spent_joules, None),
        "one_by_one": units.figures(priced.attributed_joules, None),
        "rows": [row_document(priced, row, units) for row in rows],
    }
