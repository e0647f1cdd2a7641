"""Search over a function of one's own; what it takes is imported when it is called."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from energy_sweep.analysis import LoadedStudy
    from energy_sweep.meter import Meter
    from energy_sweep.search.events import OnEvent
    from energy_sweep.search.function_trials import Function
    from energy_sweep.study.space import Axis, Space


def search(
    function: Function,
    space: Space | Mapping[str, Any] | Iterable[Axis],
    *,
    name: str | None = None,
    outputs: Path | str = "outputs",
    trials: int | None = None,
    joules: float | None = None,
    seconds: float | None = None,
    until: str | None = None,
    sampler: str = "auto",
    seed: int = 0,
    constraints: Mapping[str, float] | None = None,
    start: Sequence[Mapping[str, Any]] = (),
    learn_from: str | None = None,
    meter: Meter | Mapping[str, Any] | str = "auto",
    tell: OnEvent | None = None,
) -> LoadedStudy:
    """Call `function` at the points of `space` that the study lacks; give all that is known.

    `function(batch=32, lr=0.1)` returns how many validation images were right and how many there
    are; what a call takes are its training joules. An axis called `seed` repeats configurations.
    The study, `outputs/NAME`, is called as the function unless `name` says otherwise; a grid runs
    whole, unless `trials`, `joules`, `seconds` or `until` ("stagnation", "doubt=0.1") end it; the
    same call again does nothing new. `constraints` may limit `min_accuracy` and `max_joules`,
    `start` are points to begin with, and `learn_from` names a study in `outputs` of the same axes.
    """
    from energy_sweep.analysis import LoadedStudy
    from energy_sweep.search import function_trials as trials_of
    from energy_sweep.search.budget import Budget

    points, called = trials_of.checked_space(function, space), trials_of.study_name(function, name)
    found = trials_of.search_function(
        function,
        points,
        Path(outputs) / called,
        called,
        budget=Budget(trials=trials, joules=joules, seconds=seconds, until=until),
        sampler=sampler,
        seed=seed,
        wishes=trials_of.Wishes(constraints, start, learn_from),
        meter=meter,
        tell=tell,
    )
    return LoadedStudy.of(found)
