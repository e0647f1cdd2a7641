"""By how much the joules of two configurations differ: what both share cancels."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from energy_sweep.front.prices import NO_UNITS, Prices, Usage, apart
from energy_sweep.front.ratio_noise import noise_joules
from energy_sweep.front.ratios import LEAST_JOULES, Ratios
from energy_sweep.record import JsonDict

ScaleBandOf = Callable[[str], tuple[float, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class JoulesDifference:
    """Joules of the first minus those of the second, `share` of the second's, each with the 95 %
    interval that one run leaves.

    `share` and its interval are None where the second costs nothing. `is_sure` says whether they
    differ beyond that, at every factor that sources may be off by; None where other programs ran in
    all windows that the difference rests on, so that it is not known.
    """

    change: float
    low: float
    high: float
    share: float | None
    share_low: float | None
    share_high: float | None
    is_sure: bool | None

    @property
    def document(self) -> JsonDict:
        """What JSON says of it."""
        interval = None if self.share_low is None else [self.share_low, self.share_high]
        return {
            "joules_change": self.change,
            "joules_interval": [self.low, self.high],
            "joules_share": self.share,
            "joules_share_interval": interval,
            "joules_sure": self.is_sure,
        }


def joules_difference(
    first: Usage, second: Usage, prices: Prices, scale_band_of: ScaleBandOf = lambda _: (1.0, 1.0)
) -> JoulesDifference:
    """Of two demands of one study; unmeasured work raises KeyError.

    Work that both need cancels in the joules, and what moves all prices alike is left out: it
    changes a difference in proportion. The share is that of their ratio. `scale_band_of` gives the
    factor by which all joules of a source may be off.
    """
    more = {key: units for key, units in apart(first, second).items() if abs(units) > NO_UNITS}
    base = prices.joules(second)[0]
    if not more:
        nothing = 0.0 if base else None
        return JoulesDifference(
            change=0.0,
            low=0.0,
            high=0.0,
            share=nothing,
            share_low=nothing,
            share_high=nothing,
            is_sure=False,
        )
    ratios = Ratios([first, second, more], prices, scale_band_of)
    change, noise = prices.joules(more)[0], float(noise_joules(ratios)[2])
    shares: tuple[float, float, float] | None = None
    if base > LEAST_JOULES:
        low, high = ratios.interval(0, 1)
        shares = (change / base, math.expm1(low), math.expm1(high))
    is_apart = bool(ratios.cheaper([0], [1]) or ratios.cheaper([1], [0]))
    return JoulesDifference(
        change=change,
        low=change - noise,
        high=change + noise,
        share=None if shares is None else shares[0],
        share_low=None if shares is None else shares[1],
        share_high=None if shares is None else shares[2],
        is_sure=None if prices.is_contended(more) else is_apart and abs(change) > noise,
    )
