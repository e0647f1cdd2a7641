"""Whether tests and intervals of effects hold what they say, in worlds whose truth is known.

One JSON line: rejections of 1,000 A/A comparisons, how often the number of pairs that is stated for
90 % power finds a planted 10 % effect, and how often the 95 % interval has the truth in it. Pairs
have a spread of their own, and a reading that all of them share. Then what is picked from many: how
often the interval of the dearest over the cheapest of equal prices has the truth in it, and how
often any of many nets that are worse by the margin passes for not worse.
"""

from __future__ import annotations

import argparse
import json
import math

import numpy as np

from energy_sweep.uncertainty.contrasts import (
    non_inferiority,
    paired_contrast,
    unpaired_contrast,
)
from energy_sweep.uncertainty.effect_sizes import holm
from energy_sweep.uncertainty.intervals import simultaneous_quantile
from energy_sweep.uncertainty.power import repeats_needed

SEED, WORLDS = 18, 1000
SPREAD, COMMON = 0.08, 0.02  # of a log ratio: 8 % from pair to pair, 2 % of the prices
PLANTED = math.log(1.1)
Z95 = 1.96
PAIRS = (3, 5, 8, 12)
PRICES, PRICE_ERROR = 12, 0.04  # configurations of which the extremes are picked; of a log price
NETS, MARGIN, SEED_SPREAD, IMAGE_ERROR = 10, 0.01, 0.004, 0.002  # of accuracies


def simulated(worlds: int) -> dict[str, object]:
    """All figures, by the number of pairs where that matters."""
    rng = np.random.default_rng(SEED)
    rejected, covered, unpaired = dict[str, float](), dict[str, float](), dict[str, float]()
    for n in PAIRS:
        found = [paired_contrast(_pairs(rng, n, 0.0), common=COMMON**2) for _ in range(worlds)]
        rejected[str(n)] = _share(one.p_value < 0.05 for one in found)
        found = [paired_contrast(_pairs(rng, n, PLANTED), common=COMMON**2) for _ in range(worlds)]
        covered[str(n)] = _share(one.low <= PLANTED <= one.high for one in found)
        groups = [unpaired_contrast(_alone(rng, n), _alone(rng, n)) for _ in range(worlds)]
        unpaired[str(n)] = _share(one.p_value < 0.05 for one in groups)
    needed = repeats_needed(PLANTED, SPREAD, common=COMMON**2)
    assert needed is not None
    powered = [
        paired_contrast(_pairs(rng, needed, PLANTED), common=COMMON**2) for _ in range(worlds)
    ]
    return {
        "worlds": worlds,
        "aa_rejected": rejected,
        "aa_rejected_unpaired": unpaired,
        "pairs_for_90_percent_power": needed,
        "planted_found": _share(one.p_value < 0.05 and one.change > 0 for one in powered),
        "interval_covers": covered,
        **_picked(rng, worlds),
    }


def _picked(rng: np.random.Generator, worlds: int) -> dict[str, float]:
    """The dearest over the cheapest of equal prices, and the best of nets that are all worse."""
    prices = rng.normal(0, PRICE_ERROR, (worlds, PRICES))
    apart = (prices.max(axis=1) - prices.min(axis=1)) / (PRICE_ERROR * math.sqrt(2))
    most = simultaneous_quantile(PRICES * (PRICES - 1) // 2)
    passed: list[bool] = []
    for _ in range(worlds):
        seeds = rng.normal(-MARGIN, SEED_SPREAD, (NETS, 5)) + rng.normal(0, IMAGE_ERROR, (NETS, 1))
        found = [paired_contrast(one.tolist(), common=IMAGE_ERROR**2) for one in seeds]
        passed.append(min(holm([non_inferiority(one, MARGIN) for one in found])) < 0.025)
    return {
        "extremes_covered": float((apart <= most).mean()),
        "extremes_covered_as_if_not_picked": float((apart <= Z95).mean()),
        "worse_by_the_margin_and_passed": float(np.mean(passed)),
    }


def _pairs(rng: np.random.Generator, n: int, truth: float) -> list[float]:
    off: list[float] = (truth + rng.normal(0, COMMON) + rng.normal(0, SPREAD, n)).tolist()
    return off


def _alone(rng: np.random.Generator, n: int) -> list[float]:
    values: list[float] = rng.normal(0, SPREAD, n).tolist()
    return values


def _share(held: object) -> float:
    return float(np.mean(list(held)))  # pyright: ignore[reportArgumentType]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--worlds", type=int, default=WORLDS)
    print(json.dumps(simulated(parser.parse_args().worlds)))
