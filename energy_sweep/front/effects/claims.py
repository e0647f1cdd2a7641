"""A claim: what somebody says an axis does, in a form that measurements can hold or not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from energy_sweep.front.effects.effect import Effect
from energy_sweep.record import JsonDict

SUPPORTED, CONTRADICTED, UNDECIDED = "supported", "contradicted", "not decided here"
# Figures of a whole study, which have no two sides.
SPREAD, LINEAR = "joules_spread", "linearity"
EXPECTED = ("lower", "higher", "equal", "non_inferior", "ratio", "best")


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One side of a contrast: the runs of a sweep (None: of each) at these values of dials."""

    where: Mapping[str, Any] = field(default_factory=dict[str, Any])
    sweep: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What is said of `figure` when one goes from the side `first` to `second`.

    `expect` is one of `EXPECTED`. Equal and non-inferior are within `margin`: of accuracies a
    difference, of joules a share. A ratio lies between `low` and `high`, either of which may be
    None. `best` is the value of `axis` at which the figure is the smallest. `accuracy` is that of
    joules to an accuracy, and of equally good nets. With fewer than `n` pairs nothing is decided. A
    `control` is what has to come out in every honest measurement; it is a family of its own.
    """

    key: str
    says: str
    figure: str
    expect: str
    axis: str | None = None
    first: Side = field(default_factory=Side)
    second: Side = field(default_factory=Side)
    margin: float | None = None
    low: float | None = None
    high: float | None = None
    best: Any = None
    accuracy: float | None = None
    n: int = 1
    control: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimVerdict:
    """What measurements say of a claim: `answer`, why, and what else would decide it.

    `effect` is None where nothing that the claim is about was run, or where it is of a whole study:
    then `figures` says what was found. `beside` is the effect on a whole training where the claim
    is about a step of it, and the other way round, where they differ. `needed` is how many more
    pairs would decide it at 90 % power, None where none would, or where it is decided.
    """

    claim: Claim
    answer: str
    why: str
    decides: str = ""
    effect: Effect | None = None
    beside: Effect | None = None
    figures: JsonDict = field(default_factory=dict[str, Any])
    needed: int | None = None
    quality: str = ""

    @property
    def document(self) -> JsonDict:
        """What JSON says of it."""
        return {
            "claim": self.claim.key,
            "says": self.claim.says,
            "figure": self.claim.figure,
            "control": self.claim.control,
            "answer": self.answer,
            "why": self.why,
            "decides": self.decides,
            "more_pairs": self.needed,
            "quality": self.quality,
            "beside": None if self.beside is None else self.beside.document,
            "effect": None if self.effect is None else self.effect.document,
            **self.figures,
        }
