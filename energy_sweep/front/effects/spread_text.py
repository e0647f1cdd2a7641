"""What is said of the largest over the smallest joules of equally accurate nets."""

from __future__ import annotations

from energy_sweep.front.effects.joules_spread import JoulesRatio, JoulesSpread
from energy_sweep.front.priced_study import PricedStudy
from energy_sweep.recipe.dials import value_text

LEAST_P = 1e-4


def spread_text(one: JoulesSpread, priced: PricedStudy) -> str:
    """Which configurations were held against each other, and how surely."""
    least, most = (_trial_text(priced, number) for number in (one.least, one.most))
    said = (
        f"{one.surely} of {one.configurations} configurations {_asked(one, priced)}. Of these,"
        f" {least} takes the fewest joules of training{_accuracy_text(one)};"
        f" {most} takes {ratio_text(one.spread)} times as many{_gain_text(one)}"
    )
    if one.reference_over_least is not None and one.reference not in (one.least, one.most):
        said += f", trial {one.reference} {ratio_text(one.reference_over_least)} times"
    more = (
        f"; of the {one.perhaps} that perhaps are as accurate, none takes more than"
        f" {one.at_most:.3g} times the joules of another"
    )
    contended = ". Other programs ran in all windows that this rests on" if one.contended else ""
    return f"{said}{more}{contended}"


def ratio_text(one: JoulesRatio) -> str:
    """A ratio with its interval."""
    return f"{one.ratio:.3g} [{one.low:.3g}, {one.high:.3g}]"


def _asked(one: JoulesSpread, priced: PricedStudy) -> str:
    if one.reference is None:
        return f"surely reach an accuracy of {one.min_accuracy:.3f}"
    name = _trial_text(priced, one.reference)
    return f"are surely less than {100 * one.margin:.3g} pt less accurate than {name}"


def _accuracy_text(one: JoulesSpread) -> str:
    found = one.beside
    if found is None:
        return ""
    p_value = "<.0001" if found.p_value < LEAST_P else f"{found.p_value:.2g}"
    return (
        f" ({100 * found.change:+.2g} pt [{100 * found.low:+.2g}, {100 * found.high:+.2g}] beside"
        f" it; that it is {100 * one.margin:.3g} pt worse has p = {p_value}, {found.test},"
        f" n = {found.n})"
    )


def _gain_text(one: JoulesSpread) -> str:
    if one.gain is None:
        return ""
    change, low, high = (f"{100 * value:+.2g}" for value in one.gain)
    return f" ({change} pt [{low}, {high}] beside trial {one.least})"


def _trial_text(priced: PricedStudy, number: int) -> str:
    row = priced.row_by_trial[number]
    dials = " ".join(f"{name}={value_text(value)}" for name, value in row.params.items())
    return f"trial {number} ({dials}, {row.accuracy:.4f})"
