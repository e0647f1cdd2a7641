"""Several techniques one after the other, as one compression with one level."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from energy_sweep.compression.base import Round, Technique
from energy_sweep.record import BadInput

# What acts while the net is trained comes before what changes it then, and its file comes last.
ORDER = ("during", "after", "export")


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A technique of a chain; at `level` 0 it gets its share of the chain's level."""

    technique: Technique
    level: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """Techniques in order. What the level of a chain leaves, each step leaves a part of.

    1 - level is the product of 1 - the steps' levels. Steps with a level of their own, or that
    know but one (int8 removes .75), take theirs; the others share what remains in equal parts.
    """

    steps: tuple[Step, ...]
    name: str = "chain"

    def __post_init__(self) -> None:
        if len(self.steps) < 2:
            raise BadInput("compression: a chain has two steps or more: type [prune,quantize]")
        names = [step.technique.name for step in self.steps]
        twice = [name for name, count in Counter(names).items() if count > 1]
        if twice:
            raise BadInput(
                f"compression={_list_text(names)}: {twice[0]} comes twice: type it once, with"
                f" compression.steps.{twice[0]}.iterations where it has such"
            )
        whens = [step.technique.when for step in self.steps]
        if "none" in whens:
            raise BadInput(f"compression={_list_text(names)}: none is no step: leave it out")
        ranks = [ORDER.index(when) for when in whens]
        if ranks != sorted(ranks):
            right = [name for _, name in sorted(zip(ranks, names, strict=True), key=_rank)]
            raise BadInput(
                f"compression={_list_text(names)} cannot be done in this order, since what acts"
                f" during training comes first and what acts on the exported file last: type"
                f" 'compression={_list_text(right)}'"
            )
        for when, what in (("during", "training"), ("export", "the exported file")):
            found = [n for n, w in zip(names, whens, strict=True) if w == when]
            if len(found) > 1:
                raise BadInput(
                    f"compression={_list_text(names)}: {' and '.join(found)} both act on {what}:"
                    " leave one out"
                )

    @property
    def title(self) -> str:
        """The list of the steps, as a user types it."""
        return _list_text([step.technique.name for step in self.steps])

    @property
    def wants_teacher(self) -> bool:
        """Whether a step learns from a trained net."""
        return any(step.technique.wants_teacher for step in self.steps)

    def check(self, level: float) -> None:
        """Raise BadInput for a level that a step cannot be asked for."""
        Technique.check(Technique(), level)
        for step in self.steps:
            step.technique.check(step.level)

    def check_where(self, runtime: Any, device_name: str) -> None:
        """Raise BadInput where a step has no kernels."""
        for step in self.steps:
            step.technique.check_where(runtime, device_name)

    def suited(self, multiple: int | None) -> Chain:
        """The same for a runtime that is cheapest where channels are multiples of `multiple`."""
        steps = (replace(step, technique=step.technique.suited(multiple)) for step in self.steps)
        return replace(self, steps=tuple(steps))

    def effective_level(self, level: float, model: Any = None) -> float:
        """What the steps make of a level together."""
        return round(1 - math.prod(1 - one for one in self.levels(level, model)), 9)

    def levels(self, level: float, model: Any = None) -> tuple[float, ...]:
        """The level of each step, all 0 where nothing is asked.

        What a step cannot take as its share, the others make up for.
        """
        known = [step.technique.effective_level(step.level, model) for step in self.steps]
        if not level and not any(known):
            return tuple(known)
        for place, step in enumerate(self.steps):
            if not known[place] and _has_one_level(step.technique):
                known[place] = step.technique.effective_level(level)
        while open_ := [place for place, one in enumerate(known) if not one]:
            left = min(1.0, (1 - level) / math.prod(1 - one for one in known))
            share = 1 - left ** (1 / len(open_))
            taken = {
                place: self.steps[place].technique.effective_level(share, model) for place in open_
            }
            other = next((place for place in open_ if taken[place] != share), None)
            if other is None or not taken[other]:
                return tuple(taken.get(place, one) for place, one in enumerate(known))
            known[other] = taken[other]
        return tuple(known)

    def canonical(self, level: float, model: Any = None) -> Technique | Chain:
        """The steps that have a part, each with its own; one that has all of it stands alone."""
        active = [
            Step(technique=step.technique, level=round(own, 9))
            for step, own in zip(self.steps, self.levels(level, model), strict=True)
            if own
        ]
        if len(active) > 1:
            return Chain(steps=tuple(active))
        return active[0].technique if active else self

    def shape(self, model: Any, level: float) -> Any:
        """The model part to build."""
        for step, own in self._active(level):
            model = step.technique.shape(model, own)
        return model

    def in_training(self, level: float) -> tuple[Technique, float] | None:
        """The step that acts during training, and its level."""
        found = [step.technique.in_training(own) for step, own in self._active(level)]
        return next((one for one in found if one is not None), None)

    def rounds(self, level: float) -> tuple[Round, ...]:
        """The rounds of all steps, in order."""
        return tuple(one for step, own in self._active(level) for one in step.technique.rounds(own))

    def _active(self, level: float) -> list[tuple[Step, float]]:
        levels = self.levels(level)
        return [(step, own) for step, own in zip(self.steps, levels, strict=True) if own]


def _has_one_level(technique: Technique) -> bool:
    """Whether a technique has one level only, as a number format does."""
    return len({technique.effective_level(level) for level in (0.1, 0.3, 0.6, 0.95)}) == 1


def _list_text(names: Sequence[str]) -> str:
    return f"[{','.join(names)}]"


def _rank(pair: tuple[int, str]) -> int:
    return pair[0]
