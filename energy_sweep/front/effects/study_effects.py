"""Every effect of a study, an axis after the other, as one family of tests."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Sequence
from typing import Any

from energy_sweep.front.effects.effect import Effect
from energy_sweep.front.effects.estimating import SAME_WORK, effect_of
from energy_sweep.front.effects.figures import SHOWN, TO_ACCURACY
from energy_sweep.front.effects.pairs import cheapest_reaching, matched_pairs
from energy_sweep.front.effects.runs import MeasuredRun, Runs, mark, values_of, varying_axes
from energy_sweep.recipe.dials import value_text
from energy_sweep.record import BadInput
from energy_sweep.uncertainty.effect_sizes import holm


def study_effects(
    runs: Runs, asked: Sequence[str] = (), *, reaching: float | None = None
) -> list[Effect]:
    """Of each axis that is asked, or of all, each value against the one that most runs have.

    Of values that as many have, that is the first: the smallest number. All p values are adjusted
    together. With an accuracy for `reaching`, joules to it are among the figures. BadInput for an
    axis along which nothing varies.
    """
    names = varying_axes(runs.runs)
    for name in asked:
        if name not in names:
            known = ", ".join(names) or "none"
            raise BadInput(f"nothing varies along {name} here: type one of its axes ({known})")
    found = [one for name in asked or names for one in _of_axis(runs, name, reaching)]
    return with_holm(found)


def with_holm(effects: Sequence[Effect]) -> list[Effect]:
    """The same, with p values that hold together.

    Sides that did the same work, whose joules are one price, are no test; and a figure that says
    what another one does (of one batch, an update and an image) is the same test.
    """
    tests = [(one.axis, one.second, one.contrast.change, one.contrast.p_value) for one in effects]
    family = list(
        dict.fromkeys(
            test for test, one in zip(tests, effects, strict=True) if one.contrast.test != SAME_WORK
        )
    )
    adjusted = dict(zip(family, holm([test[-1] for test in family]), strict=True))
    return [
        dataclasses.replace(one, adjusted=adjusted.get(test))
        for one, test in zip(effects, tests, strict=True)
    ]


def base_value(runs: Sequence[MeasuredRun], axis: str) -> Any:
    """The value that most runs have; of several, the first."""
    counts = Counter(mark(run.dials.get(axis)) for run in runs)
    return max(values_of(runs, axis), key=lambda value: counts[mark(value)])


def _of_axis(runs: Runs, axis: str, reaching: float | None) -> list[Effect]:
    base = base_value(runs.runs, axis)
    first = runs.at({axis: base})
    found: list[Effect] = []
    for value in values_of(runs.runs, axis):
        if mark(value) == mark(base):
            continue
        second, names = runs.at({axis: value}), (axis, value_text(base), value_text(value))
        pairs = matched_pairs(first, second, [axis])
        made = [effect_of(runs, pairs.pairs, f, names=names, also=pairs.also) for f in SHOWN]
        if reaching is not None:
            sides = [cheapest_reaching(runs, side, reaching, [axis]) for side in (first, second)]
            best = matched_pairs(sides[0], sides[1], [axis, "epochs"])
            made.append(effect_of(runs, best.pairs, TO_ACCURACY, names=names, also=best.also))
        found += [one for one in made if one is not None]
    return found
