"""Ranges that many settings share; outside of one a value is refused, with what to type instead."""

from __future__ import annotations

import math
from numbers import Integral, Real

from energy_sweep.record.errors import BadInput

MOST_COUNTED = 10**9  # batches, epochs, trials: more is a slip of the finger


def check_count(
    setting: str, value: object, *, example: object = None, most: int | None = None
) -> None:
    """Raise BadInput for what is no whole number from 1 up to `most`."""
    such = "" if example is None else f", such as {setting}={example}"
    if isinstance(value, bool) or not isinstance(value, Integral) or int(value) < 1:
        raise BadInput(f"{setting}={value}: type a whole number of at least 1{such}")
    if most is not None and int(value) > most:
        raise BadInput(f"{setting}={value}: type a number up to {most}{such}")


def check_positive(setting: str, value: object, *, example: object) -> None:
    """Raise BadInput for what is no finite number above 0."""
    number = float(value) if isinstance(value, Real) and not isinstance(value, bool) else math.nan
    if not (math.isfinite(number) and number > 0):
        shown = value if math.isnan(number) else f"{number:g}"
        raise BadInput(f"{setting}={shown}: type a number above 0, such as {setting}={example}")


def check_share(setting: str, value: object) -> None:
    """Raise BadInput for what is no share from 0 to 1."""
    number = float(value) if isinstance(value, Real) and not isinstance(value, bool) else math.nan
    if not 0 <= number <= 1:
        shown = value if math.isnan(number) else f"{number:g}"
        raise BadInput(f"{setting}={shown}: type a share from 0 to 1, such as {setting}=0.1")
