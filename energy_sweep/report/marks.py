"""What colours and symbols say: one mark for each value of an axis, and a legend of them."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from energy_sweep.front import Row
from energy_sweep.record import JsonDict


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoding:
    """An axis told by marks (colours or symbols): `marks` by value, `other` for the rest."""

    axis: str | None
    marks: Mapping[str, str]
    other: str

    def value(self, row: Row) -> str | None:
        """The value by which a row is marked, if it has one."""
        value = None if self.axis is None else str(row.params.get(self.axis))
        return value if value in self.marks else None

    def mark(self, row: Row) -> str:
        value = self.value(row)
        return self.other if value is None else self.marks[value]


def code_of(rows: Sequence[Row], wished: Sequence[str], marks: Sequence[str]) -> Encoding:
    """The code of the first wished axis that has a few values, else one mark for all."""
    for name in wished:
        values = {str(row.params[name]): row.params[name] for row in rows if name in row.params}
        if 1 < len(values) <= len(marks):
            numeric = all(isinstance(value, int | float) for value in values.values())
            ordered = sorted(values, key=lambda text: values[text] if numeric else text)
            return Encoding(
                axis=name, marks=dict(zip(ordered, marks, strict=False)), other=marks[0]
            )
    return Encoding(axis=None, marks={}, other=marks[0])


def groups(rows: Sequence[Row], codes: Sequence[Encoding]) -> list[tuple[list[str], list[Row]]]:
    """Rows that are marked alike, each with the names of its groups, as a legend has them."""
    found: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        names = (_group(code, value) for code in codes if (value := code.value(row)) is not None)
        found.setdefault(tuple(names), []).append(row)
    return [(list(names), alike) for names, alike in found.items()]


def legend(code: Encoding, key: str, colour: str) -> list[JsonDict]:
    """Legend entries of their own, one for each group of `groups`."""
    return [
        {
            "type": "scatter",
            "mode": "markers",
            "name": html.escape(value),
            "x": [None],
            "y": [None],
            "legendgroup": code.axis,
            "legendgrouptitle": {"text": html.escape(code.axis or "")},
            "marker": {"size": 9, "color": colour, key: mark},
            "meta": {"legend": _group(code, value)},
        }
        for value, mark in code.marks.items()
    ]


def opacity(row: Row) -> float:
    """A member of the front is the fainter, the less likely it belongs to it."""
    return 1.0 if row.belongs is None else round(0.35 + 0.65 * row.belongs, 3)


def _group(code: Encoding, value: str) -> str:
    return f"{code.axis}={value}"
