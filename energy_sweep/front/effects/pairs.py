"""Which runs are held against which: equal in all that is varied but what the contrast is about."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from energy_sweep.front.effects.figures import TO_ACCURACY, work_of
from energy_sweep.front.effects.runs import (
    MeasuredRun,
    Runs,
    mark,
    seed_of,
    values_of,
    varying_axes,
)

EPOCHS = "epochs"
ROUNDING = 1e-9
Pair = tuple[MeasuredRun, MeasuredRun]  # from, to


@dataclass(frozen=True, slots=True, kw_only=True)
class Matched:
    """Pairs of runs; `also` are dials in which the two sides differ wholly, beside the contrast's.

    `by` are the dials that pairs were matched on, beside the seed.
    """

    pairs: tuple[Pair, ...]
    by: tuple[str, ...]
    also: tuple[str, ...]


def matched_pairs(
    first: Sequence[MeasuredRun],
    second: Sequence[MeasuredRun],
    about: Collection[str],
    *,
    within_sweeps: bool = True,
) -> Matched:
    """Every run of `second` with the one of `first` that is equal but for the dials `about`.

    Unless they are of two sweeps on purpose, both are of one sweep.
    """
    names = list(
        dict.fromkeys(
            [*varying_axes(first), *varying_axes(second), *varying_axes([*first, *second])]
        )
    )
    if not within_sweeps:  # what two sweeps fixed otherwise is what they are about
        names = list(dict.fromkeys([*varying_axes(first), *varying_axes(second)]))
    rest = [name for name in names if name not in about]
    also = tuple(name for name in rest if not _meet(first, second, name))
    by = tuple(name for name in rest if name not in also)

    def key(run: MeasuredRun) -> tuple[str, ...]:
        where = run.sweep if within_sweeps else ""
        return (where, seed_of(run), *(mark(run.dials.get(name)) for name in by))

    known: dict[tuple[str, ...], MeasuredRun] = {}
    for run in first:
        known.setdefault(key(run), run)
    pairs = tuple((known[key(run)], run) for run in second if key(run) in known)
    return Matched(pairs=pairs, by=by, also=also)


def cheapest_reaching(
    runs: Runs, chosen: Sequence[MeasuredRun], accuracy: float, about: Collection[str]
) -> list[MeasuredRun]:
    """Of runs equal but for their epochs, the one that reaches an accuracy the cheapest."""
    by = [name for name in varying_axes(chosen) if name != EPOCHS and name not in about]
    found: dict[tuple[str, ...], tuple[float, MeasuredRun]] = {}
    for run in chosen:
        work = work_of(run.result, TO_ACCURACY)
        if run.accuracy < accuracy - ROUNDING or work is None:
            continue
        try:
            joules, _ = runs.prices.joules(work)
        except KeyError:  # its readings are gone
            continue
        key = (run.sweep, seed_of(run), *(mark(run.dials.get(name)) for name in (*by, *about)))
        if key not in found or joules < found[key][0]:
            found[key] = joules, run
    return [run for _, run in found.values()]


def _meet(first: Sequence[MeasuredRun], second: Sequence[MeasuredRun], name: str) -> bool:
    mine, theirs = ({mark(v) for v in values_of(side, name)} for side in (first, second))
    return bool(mine & theirs)
