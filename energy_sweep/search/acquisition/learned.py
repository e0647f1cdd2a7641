"""What an earlier study of the same axes lets expect of the accuracy of candidates."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from energy_sweep.search.acquisition.accuracy_model import AnswerCounts, believe
from energy_sweep.search.acquisition.encoding import encode
from energy_sweep.search.acquisition.stage_table import Floats
from energy_sweep.search.acquisition.telling import subsample
from energy_sweep.study import Answer
from energy_sweep.study.space import Space

LEAST_LEARNED = 3  # answers from which a mean is believed
IMAGES = 1000.0  # that each answer counts as: how many there were is not asked


class LearnedMean:
    """Logits that the answers of an earlier study let expect, by a Gaussian process over them."""

    def __init__(self, learned: Sequence[Answer], space: Space) -> None:
        all_known = [one for one in learned if one.accuracy is not None]
        points = [(one.accuracy or 0.0, one.joules or 0.0) for one in all_known]
        known = [(all_known[at].params, points[at][0]) for at in subsample(points)]
        self._answers: AnswerCounts | None = None
        self._last: tuple[Floats, Floats] | None = None
        if len(known) >= LEAST_LEARNED:
            self._answers = AnswerCounts(
                encode([point for point, _ in known], space),
                np.array([IMAGES * accuracy for _, accuracy in known]),
                np.full(len(known), IMAGES),
            )

    def of(self, features: Floats) -> Floats | None:
        """Expected logits of candidates [N]; None where too little is learned."""
        if self._answers is None:
            return None
        if self._last is None or not np.array_equal(self._last[0], features):
            mean, _ = believe(self._answers, features)
            half = 0.5 / IMAGES
            self._last = features, np.log((mean + half) / (1 - mean + half))
        return self._last[1]
