"""What a configuration has to keep to be of use: the same for a search, a front and a choice."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from energy_sweep.front.configurations import joules_text
from energy_sweep.record import BadInput, JsonDict
from energy_sweep.record.bounds import check_positive

EXAMPLES = {
    "min_accuracy": 0.9,
    "max_joules": 50,
    "max_joules_per_image": 1e-4,
    "max_bytes": 100_000,
    "max_latency": 0.002,
}
UNKNOWN = 1.0  # violation of a limit on what was not measured


class Figures(Protocol):
    """What is limited: a fraction, joules of the objective, joules of one image at the objective's
    batch, bytes of the deployed file, seconds that one image alone takes."""

    @property
    def accuracy(self) -> float: ...
    @property
    def joules(self) -> float: ...
    @property
    def joules_per_image(self) -> float | None: ...
    @property
    def file_bytes(self) -> int | None: ...
    @property
    def latency_seconds(self) -> float | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Constraints:
    """Limits, None where there is none: of accuracy as a fraction of the validation images, joules
    of the objective, joules an image, bytes of the deployed file, seconds of one image alone."""

    min_accuracy: float | None = None
    max_joules: float | None = None
    max_joules_per_image: float | None = None
    max_bytes: float | None = None
    max_latency: float | None = None

    @classmethod
    def of(cls, given: Mapping[str, Any], *, typed: str = "search.constraints.") -> Constraints:
        """Those of a mapping by name; BadInput for a name or value that is none."""
        for name in given:
            if name not in EXAMPLES:
                known = ", ".join(EXAMPLES)
                raise BadInput(f"{typed}{name} is no constraint: type one of {known}")
        found = cls(**given)
        found.check(typed=typed)
        return found

    def check(self, *, typed: str = "") -> None:
        """Raise BadInput for limits that nothing can keep."""
        accuracy = self.min_accuracy
        if accuracy is not None and not (_is_number(accuracy) and 0 <= accuracy <= 1):
            raise BadInput(f"{typed}min_accuracy={accuracy}: type a fraction, such as 0.95")
        for name, limit in self.document.items():
            if name != "min_accuracy":
                check_positive(f"{typed}{name}", limit, example=EXAMPLES[name])

    @property
    def document(self) -> JsonDict:
        """Those there are, by name."""
        return {name: limit for name in EXAMPLES if (limit := getattr(self, name)) is not None}

    def __bool__(self) -> bool:
        return bool(self.document)

    def with_those_of(self, other: Constraints) -> Constraints:
        """Both together: of two limits the stricter."""
        mine, theirs = self.document, other.document
        both = {
            name: (max if name == "min_accuracy" else min)(mine[name], theirs[name])
            for name in mine.keys() & theirs.keys()
        }
        return Constraints(**{**mine, **theirs, **both})

    def violations(self, found: Figures) -> dict[str, float]:
        """How far figures are outside of each limit, as a share of it; at most 0 is inside.

        What was not measured is outside.
        """
        values = {
            "min_accuracy": found.accuracy,
            "max_joules": found.joules,
            "max_joules_per_image": found.joules_per_image,
            "max_bytes": found.file_bytes,
            "max_latency": found.latency_seconds,
        }
        return {
            name: _violation(name, limit, values[name]) for name, limit in self.document.items()
        }

    def keeps(self, found: Figures) -> bool:
        """Whether figures are inside of all limits."""
        return all(over <= 0 for over in self.violations(found).values())

    @property
    def text(self) -> str:
        """The limits in words; empty where there are none."""
        return _listed([_words(name, limit) for name, limit in self.document.items()])

    def broken(self, found: Figures) -> str:
        """Which limits figures break, in words; empty where they keep all."""
        over = self.violations(found)
        parts = [_words(name, limit) for name, limit in self.document.items() if over[name] > 0]
        return f"it breaks {_listed(parts)}" if parts else ""


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _violation(name: str, limit: float, value: float | None) -> float:
    if value is None or not math.isfinite(value):
        return UNKNOWN
    if name == "min_accuracy":
        return (limit - value) / (limit or 1.0)
    return value / limit - 1


def _words(name: str, limit: float) -> str:
    return {
        "min_accuracy": f"accuracy of at least {limit:g}",
        "max_joules": f"at most {joules_text(limit)}",
        "max_joules_per_image": f"at most {joules_text(limit)} an image",
        "max_bytes": f"at most {limit:,.0f} bytes",
        "max_latency": f"at most {limit:g} s for one image alone",
    }[name]


def _listed(parts: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(parts[:-1]), *parts[-1:]]))
