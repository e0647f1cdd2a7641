"""How surely a contrast is as a claim expects it, or otherwise."""

from __future__ import annotations

import math
from typing import NamedTuple

from energy_sweep.front.effects.claims import Claim
from energy_sweep.front.effects.effect import Effect
from energy_sweep.front.effects.figures import ACCURACY
from energy_sweep.uncertainty.contrasts import Contrast
from energy_sweep.uncertainty.power import repeats_needed


class Evidence(NamedTuple):
    """Two-sided p values that the claim is wrong (`supports`), and right (`contradicts`).

    `bounds` are where the claim ends: a difference of accuracies, or a logarithm of joules.
    """

    supports: float
    contradicts: float
    bounds: tuple[float, ...]

    @property
    def p_value(self) -> float:
        """Of whichever is the surer."""
        return min(self.supports, self.contradicts)


def evidence(claim: Claim, found: Contrast) -> Evidence:
    """Of a contrast for a claim about it. An equality is shown by two one-sided tests."""
    if claim.expect in ("lower", "higher"):
        return _directed(claim, found)
    low, high = bounds_of(claim)
    inside = [_beyond(found, low, 1) if low is not None else 0.0]
    inside += [_beyond(found, high, -1) if high is not None else 0.0]
    outside = [_beyond(found, low, -1) if low is not None else 1.0]
    outside += [_beyond(found, high, 1) if high is not None else 1.0]
    known = tuple(end for end in (low, high) if end is not None)
    # Two one-sided tests of 5 % each (Schuirmann, 1987); a lone one has 2.5 %, as is usual.
    supports = max(inside) / 2 if len(known) == 2 else max(inside)
    return Evidence(supports, min(outside), known)


def bounds_of(claim: Claim) -> tuple[float | None, float | None]:
    """Between which ends an equality, a non-inferiority or a ratio holds, as contrasts have it."""
    if claim.expect == "ratio":
        return (math.log(claim.low) if claim.low else None), (
            math.log(claim.high) if claim.high else None
        )
    margin = _margin(claim)
    if claim.expect == "equal":
        return -margin, margin
    # Accuracy may not fall by more than the margin, joules may not rise by more.
    return (-margin, None) if claim.figure == ACCURACY else (None, margin)


def pairs_needed(effect: Effect, found: Evidence) -> int | None:
    """How many pairs in all would decide, were the truth what was found; None where none would."""
    contrast = effect.contrast
    distance = min((abs(contrast.change - bound) for bound in found.bounds), default=0.0)
    common = max(0.0, contrast.error**2 - contrast.spread**2 / contrast.n)
    return repeats_needed(distance, contrast.spread, common=common)


def _directed(claim: Claim, found: Contrast) -> Evidence:
    is_lower = found.change < 0
    as_said = is_lower == (claim.expect == "lower")
    supports, contradicts = (found.p_value, 1.0) if as_said else (1.0, found.p_value)
    if claim.margin is not None:  # no difference worth the name is none
        margin = _margin(claim)
        none = max(_beyond(found, -margin, 1), _beyond(found, margin, -1))
        contradicts = min(contradicts, none)
        supports = 1.0 if none < supports else supports
    return Evidence(supports, contradicts, (0.0,))


def _margin(claim: Claim) -> float:
    margin = claim.margin or 0.0
    return margin if claim.figure == ACCURACY else math.log1p(margin)


def _beyond(found: Contrast, bound: float, sign: int) -> float:
    """P value that the contrast is not above (`sign` 1) or below (-1) a bound, doubled."""
    return min(1.0, found.errors.beyond(sign * (found.change - bound)))
