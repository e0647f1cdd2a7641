"""Which accuracies differ: those of nets that answered the same images, image by image.

Seeds of a configuration are clusters: what they differ in is part of every figure here. With one
seed a figure is of that one net.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from energy_sweep.front.merged import Configuration
from energy_sweep.uncertainty.between_seeds import beside_others, seed_variances
from energy_sweep.uncertainty.intervals import (
    Interval,
    normal_quantile,
    t_quantile,
)
from energy_sweep.uncertainty.paired import (
    SeedSpread,
    image_variance,
    mcnemar,
    seeds_half,
    spread_of,
    spread_of_counts,
)

Numbers = npt.NDArray[np.float64]
Answered = npt.NDArray[np.float32]
Booleans = npt.NDArray[np.bool_]
CONFIDENCE = 0.95
FAR = 0.9999  # one of a thousand draws is hardly ever beyond this quantile
CHUNK_VALUES = 2**23  # numbers of mean answers that are unpacked at once


class AccuracyTable:
    """The answers of configurations, by their index, in groups that answered the same images."""

    def __init__(
        self, configurations: Sequence[Configuration], spreads: Sequence[SeedSpread] | None = None
    ) -> None:
        self.configurations = configurations
        self.images = [one.runs[0][1].n_validation for one in configurations]
        self.spreads = [_spread(one) for one in configurations] if spreads is None else spreads
        self.judged = beside_others(self.spreads, self.images)
        self.groups = defaultdict[str, list[int]](list)
        for index, one in enumerate(configurations):
            if one.asked is not None:
                self.groups[one.asked].append(index)

    def among(self, indexes: Sequence[int]) -> AccuracyTable:
        """The table of some of them, in this order."""
        kept = [self.configurations[index] for index in indexes]
        return AccuracyTable(kept, [self.spreads[index] for index in indexes])

    def is_paired(self, first: int, second: int) -> bool:
        """Whether two answered the same images."""
        asked = self.configurations[first].asked
        return asked is not None and asked == self.configurations[second].asked

    def answers(self, indexes: Sequence[int]) -> Answered:
        """Share of its seeds that have an image right, [configurations, images]."""
        found = [_bits(self.configurations[i]).mean(axis=0, dtype=np.float32) for i in indexes]
        return np.stack(found)

    def interval(self, index: int) -> Interval:
        """95 % interval of an accuracy over images, and over seeds where there are several."""
        return self.judged[index].interval(self.images[index])

    def better(self, members: Sequence[int]) -> tuple[Booleans, Booleans]:
        """Whether each member is surely more accurate, and surely less, [members, configurations].

        Surely is a p value below .05 where both answered the same images; elsewhere intervals that
        do not meet.
        """
        if not members:
            return np.zeros((0, len(self.images)), bool), np.zeros((0, len(self.images)), bool)
        spans = np.array([self.interval(index) for index in range(len(self.images))])
        above = spans[members, :1] > spans[:, 1]
        below = spans[members, 1:] < spans[:, 0]
        rows = {member: row for row, member in enumerate(members)}
        for group in self.groups.values():
            mine = [member for member in group if member in rows]
            if mine:
                answers, own_rows = self.answers(mine), [rows[member] for member in mine]
                for others, theirs in self._chunks(group):
                    sign, cells = (
                        self._sign(mine, answers, others, theirs),
                        np.ix_(own_rows, others),
                    )
                    above[cells], below[cells] = sign > 0, sign < 0
        return above, below

    def _sign(
        self, mine: Sequence[int], answers: Answered, others: Sequence[int], theirs: Answered
    ) -> Numbers:
        """1 where the first is surely more accurate, -1 where the second is, else 0."""
        n, both = self.images[mine[0]], (answers @ theirs.T).astype(np.float64)
        first = {name: column[:, None] for name, column in self._columns(mine).items()}
        second = self._columns(others)
        gained, lost = first["mean"] * n - both, second["mean"] * n - both
        change = first["mean"] - second["mean"]
        is_sure = mcnemar(np.round(gained), np.round(lost)) < 1 - CONFIDENCE
        several = (first["seeds"] > 1) | (second["seeds"] > 1)
        if several.any():
            own, nets = first["own"] + second["own"], 1 / first["seeds"] + 1 / second["seeds"]
            squares = (answers**2).sum(axis=1)[:, None] + (theirs**2).sum(axis=1) - 2 * both
            variance = image_variance(squares, change, n, own=own, nets=nets)
            sides = [(one["seeds_variance"], one["freedom"]) for one in (first, second)]
            most = sum(one.seeds - 1 for one in self.spreads)
            half = seeds_half(sides[0], sides[1], CONFIDENCE, most=most) ** 2
            half += variance * normal_quantile((1 + CONFIDENCE) / 2) ** 2
            is_sure = np.where(several, change**2 > half, is_sure)
        return np.sign(change) * is_sure

    def _columns(self, indexes: Sequence[int]) -> Mapping[str, Numbers]:
        found = [self.judged[index] for index in indexes]
        return {
            "mean": np.array([one.mean for one in found]),
            "seeds": np.array([float(one.seeds) for one in found]),
            "own": np.array([one.own for one in found]),
            "freedom": np.array([one.freedom for one in found]),
            "seeds_variance": np.array([one.seeds_variance for one in found]),
        }

    def draw(self, rng: np.random.Generator, draws: int) -> Numbers:
        """Accuracies as they may as well be, [draws, configurations], jointly.

        Images are weighted alike for all that answered the same ones (the Bayesian bootstrap of
        Rubin, 1981); two images more that each net alone may have right or wrong keep two nets
        with equal figures from being equal for sure, unless they gave the same answers
        throughout. Where seeds of any of them were repeated, each is moved by Student's t as much
        as seeds differ (`between_seeds.py`).
        """
        seeds = seed_variances(self.spreads, self.images)
        found = np.empty((draws, len(self.images)))
        for group in self.groups.values():
            n = self.images[group[0]]
            weights = rng.standard_exponential((n, draws), dtype=np.float32)
            weights /= weights.sum(axis=0)
            errors = dict[tuple[str, ...], Numbers]()
            for part, answers in self._chunks(group):
                for index, weighted in zip(part, answers @ weights, strict=True):
                    spread = self.spreads[index]
                    moved = math.sqrt(spread.common / spread.variance) if spread.variance else 1.0
                    same = tuple(one.right for one in self.configurations[index].answers)
                    if same not in errors:
                        errors[same] = rng.standard_normal(draws) / math.sqrt(spread.seeds)
                    own = errors[same] / (n + 2)
                    found[:, index] = spread.mean + moved * (weighted - spread.mean) + own
        for index, spread in enumerate(self.spreads):
            if self.configurations[index].asked is None:
                right, n = spread.mean * self.images[index], self.images[index]
                found[:, index] = rng.beta(right + 0.5, n - right + 0.5, draws)
            if seeds[index].variance:
                moved = rng.standard_t(seeds[index].degrees, draws)
                found[:, index] += moved * math.sqrt(seeds[index].variance)
        return np.clip(found, 0.0, 1.0)

    def angles(self) -> tuple[Numbers, Numbers]:
        """The arcsine of each root of an accuracy, and about how far its draws spread, both [N].

        On that scale the noise of images does not depend on the accuracy. Rather too wide: where
        few seeds tell how they differ, a thousand draws go far beyond a standard deviation.
        """
        images, means = np.array(self.images, float), np.array([one.mean for one in self.spreads])
        each = seed_variances(self.spreads, self.images)
        far = [t_quantile(one.degrees, FAR) if one.variance else 0.0 for one in each]
        deviations = np.sqrt([one.variance for one in each]) * far / normal_quantile(FAR)
        steep = (images * means + 0.5) * (images * (1 - means) + 0.5) / np.square(images + 1)
        spreads = np.hypot(0.5 / np.sqrt(images), deviations / (2 * np.sqrt(steep)))
        return np.arcsin(np.sqrt(means)), spreads

    def _chunks(self, group: Sequence[int]) -> Iterator[tuple[Sequence[int], Answered]]:
        size = max(1, CHUNK_VALUES // self.images[group[0]])
        for start in range(0, len(group), size):
            part = group[start : start + size]
            yield part, self.answers(part)


def _spread(one: Configuration) -> SeedSpread:
    if len(one.by_seed) > 1 and one.answers:
        return spread_of(_bits(one))
    results = [one.runs[position][1] for position in one.by_seed]
    if len(results) == 1:
        share = (results[0].correct or 0) / results[0].n_validation
        return SeedSpread(mean=share, seeds=1, variance=share * (1 - share))
    return spread_of_counts([result.correct or 0 for result in results], results[0].n_validation)


def _bits(one: Configuration) -> npt.NDArray[np.uint8]:
    """Its answers [seeds, images], 1 where right."""
    kept = [one.answers[position] for position in one.by_seed]
    packed = np.frombuffer(b"".join(answers.packed for answers in kept), dtype=np.uint8)
    return np.unpackbits(packed.reshape(len(kept), -1), axis=1, count=kept[0].count)
