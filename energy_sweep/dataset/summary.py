"""What was read: how many images of what size and mode, in which classes, on which sides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from energy_sweep.dataset.split import VALIDATION
from energy_sweep.record.serialize import JsonDict, to_json

UNEVEN = 2.0  # times the smallest class: where the largest has more, accuracy alone misleads


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a source found, before it was cut and sized; `assemble` fills in what is left out.

    `source` is where it was read from, `images` their number, `sizes` how many of each "W x H",
    `modes` how many of each mode (as Pillow or numpy call it), `notes` one line for each thing
    that was converted, dropped, grouped or ignored.
    """

    source: str = ""
    images: int | None = None
    sizes: Mapping[str, int] = field(default_factory=dict[str, int])
    modes: Mapping[str, int] = field(default_factory=dict[str, int])
    notes: tuple[str, ...] = ()

    def with_notes(self, *notes: str) -> Found:
        """The same with more notes."""
        return replace(self, notes=(*self.notes, *notes))


class Imbalance(NamedTuple):
    """The largest and the smallest class, how many images each has, and the accuracy on the
    validation images of who always answers with the largest."""

    largest: str
    most: int
    smallest: str
    fewest: int
    accuracy: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """A data set in numbers: `counts` are the images of each class (in order) on each side,
    `shape` is what images were made into (channels, height, width)."""

    name: str
    found: Found
    classes: tuple[str, ...]
    counts: Mapping[str, tuple[int, ...]]
    shape: tuple[int, ...]

    @property
    def used(self) -> int:
        """Images on all sides."""
        return sum(map(sum, self.counts.values()))

    @property
    def totals(self) -> tuple[int, ...]:
        """Images of each class on all sides."""
        return tuple(map(sum, zip(*self.counts.values(), strict=True)))

    @property
    def imbalance(self) -> Imbalance | None:
        """How uneven the classes are, None where the largest is at most twice the smallest."""
        totals = self.totals
        most, fewest = max(totals), min(totals)
        if most <= UNEVEN * fewest:
            return None
        largest, smallest = totals.index(most), totals.index(fewest)
        judged = self.counts[VALIDATION]
        return Imbalance(
            largest=self.classes[largest],
            most=most,
            smallest=self.classes[smallest],
            fewest=fewest,
            accuracy=judged[largest] / max(1, sum(judged)),
        )

    def document(self) -> JsonDict:
        """All of it as plain JSON values."""
        uneven = self.imbalance
        return {
            **to_json(self),
            "used": self.used,
            "imbalance": None if uneven is None else uneven._asdict(),
        }
