"""A claim as YAML has it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from energy_sweep.app.experiment.fields import Fields
from energy_sweep.front.effects.claims import EXPECTED, LINEAR, SPREAD, Claim, Side
from energy_sweep.front.effects.figures import FIGURES, IN_TURN, TO_ACCURACY

WHOLE = (SPREAD, LINEAR, IN_TURN)
MARGINS = {"equal": "margin", "non_inferior": "margin"}


def claim_of(fields: Fields, sweeps: Sequence[str]) -> Claim:
    """The claim in a mapping; `sweeps` are those that it may name."""
    figure = fields.text("figure", needed=True)
    if figure not in (*FIGURES, *WHOLE):
        fields.refuse(f"has figure {figure}: write one of {', '.join((*FIGURES, *WHOLE))}")
    kind, low, high, best = _expected(fields)
    axis = fields.text("axis") or None
    where, sweep = fields.mapping("where"), _sweep(fields, sweeps)
    first, second = (
        _side(fields, name, axis, where=where, sweep=sweep, sweeps=sweeps)
        for name in ("from", "to")
    )
    claim = Claim(
        key=fields.text("key", needed=True),
        says=fields.text("says", needed=True),
        figure=figure,
        expect=kind,
        axis=axis,
        first=first,
        second=second,
        margin=fields.number("margin"),
        low=low,
        high=high,
        best=best,
        accuracy=fields.number("accuracy"),
        n=int(fields.number("n") or 1),
        control=fields.flag("control"),
    )
    _check(fields, claim)
    fields.end()
    return claim


def _expected(fields: Fields) -> tuple[str, float | None, float | None, Any]:
    """The kind of what is expected, the ends of a ratio, and the best value."""
    found = fields.take("expect")
    if isinstance(found, str) and found in EXPECTED[:4]:
        return found, None, None, None
    if isinstance(found, dict) and set(found) == {"ratio"}:
        ends: Any = found["ratio"]
        is_span = isinstance(ends, list) and len(ends) == 2 and any(e is not None for e in ends)
        if is_span and all(e is None or isinstance(e, int | float) for e in ends):
            low, high = ends
            if low is None or high is None or low < high:
                return "ratio", low, high, None
        fields.refuse("has no two ends of a ratio: write expect: {ratio: [0.4, 0.6]}")
    if isinstance(found, dict) and set(found) == {"best"}:
        return "best", None, None, found["best"]
    fields.refuse(
        f"has expect: {found}: write lower, higher, equal, non_inferior, {{ratio: [a, b]}} or"
        " {best: VALUE}"
    )


def _side(
    fields: Fields,
    name: str,
    axis: str | None,
    *,
    where: dict[str, Any],
    sweep: str | None,
    sweeps: Sequence[str],
) -> Side:
    value = fields.take(name)
    if isinstance(value, dict):
        inner = Fields.of(value, f"{fields.where}: {name}")
        own = Side(where={**where, **inner.mapping("where")}, sweep=_sweep(inner, sweeps) or sweep)
        inner.end()
        return own
    if name not in fields.found:
        return Side(where=where, sweep=sweep)
    if axis is None:
        fields.refuse(
            f"has {name}: {value} of no axis: write axis: batch, or {name}: {{where: ..}}"
        )
    return Side(where={**where, axis: value}, sweep=sweep)


def _sweep(fields: Fields, sweeps: Sequence[str]) -> str | None:
    name = fields.text("sweep") or None
    if name is not None and name not in sweeps:
        fields.refuse(
            f"names the sweep {name}, which no size has: write one of {', '.join(sweeps)}"
        )
    return name


def _check(fields: Fields, claim: Claim) -> None:
    """BadInput for a claim whose parts do not fit."""
    if claim.expect in MARGINS and claim.margin is None:
        fields.refuse(f"expects {claim.expect} by no margin: write margin: 0.01")
    if claim.figure == TO_ACCURACY and claim.accuracy is None:
        fields.refuse(f"has {TO_ACCURACY} to none: write accuracy: 0.9")
    if claim.expect == "ratio" and claim.figure in ("accuracy", LINEAR):
        fields.refuse(f"expects a ratio of {claim.figure}, which is no ratio: write equal or lower")
    if claim.expect == "best" and (claim.axis is None or claim.figure in WHOLE):
        fields.refuse("expects a best value of no axis: write axis: batch, and a figure of a run")
    if claim.figure == SPREAD and claim.axis is None and claim.expect != "ratio":
        fields.refuse(f"has {SPREAD}: write expect: {{ratio: [5, null]}}")
    is_contrast = claim.figure not in WHOLE and claim.expect != "best"
    if is_contrast and claim.first == claim.second:
        fields.refuse("has two sides that are one: write axis, from and to")
