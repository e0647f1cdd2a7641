"""Claims about all runs of an axis, or of a study: the best value, the worst ratio, linearity."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

from energy_sweep.front.effects.claims import (
    CONTRADICTED,
    LINEAR,
    SUPPORTED,
    UNDECIDED,
    Claim,
    ClaimVerdict,
)
from energy_sweep.front.effects.effect import Effect
from energy_sweep.front.effects.estimating import effect_of, unpaired_effect
from energy_sweep.front.effects.evidence import Evidence
from energy_sweep.front.effects.figures import ACCURACY, TO_ACCURACY, work_of
from energy_sweep.front.effects.joules_spread import MARGIN, joules_spread
from energy_sweep.front.effects.linearity import linearity
from energy_sweep.front.effects.pairs import cheapest_reaching, matched_pairs
from energy_sweep.front.effects.runs import MeasuredRun, Runs, same, values_of
from energy_sweep.front.effects.spread_text import spread_text
from energy_sweep.front.merged import Configuration
from energy_sweep.front.priced_study import PricedStudy
from energy_sweep.recipe.dials import Dials, value_text
from energy_sweep.record import JsonDict, Objective
from energy_sweep.uncertainty.effect_sizes import holm

Group = tuple[Any, list[MeasuredRun], float]  # value, runs, mean figure


def whole_verdict(claim: Claim, runs: Runs, studies: Sequence[PricedStudy]) -> ClaimVerdict:
    """Of the largest ratio of joules, or of how linear joules are in epochs."""
    if claim.figure == LINEAR:
        return _linear(claim, runs)
    if claim.axis is not None:
        return _axis_spread(claim, runs)
    if len(studies) != 1:
        return _open(claim, "it is about the configurations of one sweep", "sweep: NAME")
    return _spread(claim, studies[0].by(Objective(name="training")), runs.quality)


def _spread(claim: Claim, priced: PricedStudy, quality: str) -> ClaimVerdict:
    """Of the largest over the smallest joules of equally accurate configurations."""
    where, reference = claim.first.where, None
    if where:
        found = [one for one in priced.priced if _is_at(one, where)]
        if len(found) != 1:
            said = f"{len(found)} configurations are at {_where_text(where)}, which is to name one"
            return _open(claim, said, "runs at it, or where: that names one")
        reference = found[0].trial
    margin = MARGIN if claim.margin is None else claim.margin
    spread = joules_spread(priced, claim.accuracy, reference=reference, margin=margin)
    if spread is None:
        said = "fewer than two configurations are surely that accurate"
        return _open(claim, said, "more seeds, or more validation images")
    pairs = spread.beside.n if spread.beside is not None else None
    answer, decides = _within(claim, spread.spread.low, spread.at_most), ""
    if spread.contended:
        answer, decides = UNDECIDED, "a machine to itself"
    elif pairs is not None and pairs < claim.n:
        answer, decides = UNDECIDED, f"{claim.n - pairs} more seeds: it asks for {claim.n}"
    elif answer == UNDECIDED:
        decides = "more seeds of the most accurate"
    return ClaimVerdict(
        claim=claim,
        answer=answer,
        why=spread_text(spread, priced),
        decides=decides,
        figures={"estimate": spread.spread.ratio, **spread.document},
        quality=quality,
    )


def _is_at(one: Configuration, where: Mapping[str, Any]) -> bool:
    dials = Dials.of(one.runs[0][0])
    return all(same(dials.get(name), value) for name, value in where.items())


def _where_text(where: Mapping[str, Any]) -> str:
    return " ".join(f"{name}={value_text(value)}" for name, value in where.items())


def best_verdict(claim: Claim, runs: Runs) -> tuple[ClaimVerdict, Evidence | None]:
    """Whether a value of an axis is the best: fewest joules, or the highest accuracy.

    That it is, takes each other value to be surely worse, so that the least sure of those tests is
    the one for all (an intersection of hypotheses, which needs no correction). That it is not,
    takes one that is surely better, of as many as there are: those are Holm's.
    """
    groups = _groups(claim, runs)
    mine = next((one for one in groups if same(one[0], claim.best)), None)
    if mine is None or len(groups) < 2:
        missing = f"no run at {claim.axis}={value_text(claim.best)} has it"
        return _open(claim, missing, "runs at that value, and at others"), None
    made = [_between(claim, runs, mine, one) for one in groups if one is not mine]
    effects = [one for one in made if one is not None]
    sign = -1.0 if claim.figure == ACCURACY else 1.0
    worse = [sign * one.contrast.change > 0 for one in effects]
    p_values = [one.contrast.p_value for one in effects]
    supports = max((p if w else 1.0 for p, w in zip(p_values, worse, strict=True)), default=1.0)
    better = [p for p, w in zip(holm(p_values), worse, strict=True) if not w]
    known = len(effects) == len(made)
    shown = Evidence(supports if known else 1.0, min(better, default=1.0), ())
    verdict = ClaimVerdict(
        claim=claim,
        answer=UNDECIDED,
        why=_best_text(groups[0] is mine, groups, claim),
        decides="more seeds",
        effect=min(effects, key=lambda one: sign * one.contrast.change, default=None),
        figures={"means": _means(groups)},
        quality=runs.quality,
    )
    return verdict, shown


def _axis_spread(claim: Claim, runs: Runs) -> ClaimVerdict:
    """Of the value of an axis that takes the most joules over the one that takes the fewest."""
    groups = _groups(claim, runs)
    if len(groups) < 2:
        return _open(claim, "fewer than two values of the axis have runs", "runs at others")
    least, most = groups[0], groups[-1]
    effect = _between(claim, runs, least, most)
    ratio, ends = most[2] / least[2], None
    if effect is not None:
        ends = effect.interval
    answer = UNDECIDED if ends is None else _within(claim, *ends)
    return ClaimVerdict(
        claim=claim,
        answer=answer,
        why=f"{claim.axis}={value_text(most[0])} over {claim.axis}={value_text(least[0])}",
        decides="" if answer != UNDECIDED else "more seeds",
        effect=effect,
        figures={
            "estimate": ratio,
            "interval": None if ends is None else list(ends),
            "means": _means(groups),
        },
        quality=runs.quality,
    )


def _linear(claim: Claim, runs: Runs) -> ClaimVerdict:
    keys = {use.key for run in runs.at(claim.first.where) for use in run.result.stages}
    found = linearity(record for key, record in runs.records.items() if key in keys)
    if found is None or found.low is None or found.high is None:
        return _open(claim, "fewer than two trainings were read epoch by epoch", "longer ones")
    margin = claim.margin or 0.0
    answer = UNDECIDED
    if -margin <= found.low and found.high <= margin:
        answer = SUPPORTED
    elif found.low > margin or found.high < -margin:
        answer = CONTRADICTED
    return ClaimVerdict(
        claim=claim,
        answer=answer,
        why=f"the last epoch beside the first, of {found.trainings} trainings",
        decides="" if answer != UNDECIDED else "more or longer trainings",
        figures={
            "estimate": found.change,
            "interval": [found.low, found.high],
            **{k: v for k, v in found.document.items() if k != "interval"},
        },
        quality=runs.quality,
    )


def _groups(claim: Claim, runs: Runs) -> list[Group]:
    """The runs at each value of the axis and their mean figure, the best first."""
    axis, among = claim.axis or "", runs.at(claim.first.where, claim.first.sweep)
    if claim.accuracy is not None:
        among = cheapest_reaching(runs, among, claim.accuracy, [axis])
    figure = _figure(claim)
    made: list[Group] = []
    for value in values_of(among, axis):
        chosen = [run for run in among if run.is_at({axis: value})]
        known = [f for f in (_value(runs, run, figure) for run in chosen) if f is not None]
        if known:
            made.append((value, chosen, fmean(known)))
    return sorted(made, key=lambda one: one[2], reverse=figure == ACCURACY)


def _between(claim: Claim, runs: Runs, one: Group, other: Group) -> Effect | None:
    axis, figure = claim.axis or "", _figure(claim)
    names = (axis, value_text(one[0]), value_text(other[0]))
    found = matched_pairs(one[1], other[1], [axis, "epochs"] if claim.accuracy else [axis])
    if len(found.pairs) >= min(len(one[1]), len(other[1]), 2):
        return effect_of(runs, found.pairs, figure, names=names, also=found.also)
    return unpaired_effect(runs, one[1], other[1], figure, names=names)


def _figure(claim: Claim) -> str:
    if claim.figure == "joules_spread":
        return TO_ACCURACY if claim.accuracy is not None else "joules"
    return claim.figure


def _value(runs: Runs, run: MeasuredRun, figure: str) -> float | None:
    if figure == ACCURACY:
        return run.accuracy
    work = work_of(run.result, figure)
    try:
        return None if work is None else runs.prices.joules(work)[0]
    except KeyError:
        return None


def _means(groups: Sequence[Group]) -> JsonDict:
    return {value_text(value): mean for value, _, mean in groups}


def _best_text(is_first: bool, groups: Sequence[Group], claim: Claim) -> str:
    best, second = (f"{claim.axis}={value_text(one[0])}" for one in groups[:2])
    return f"by the mean {best} is the best{f', before {second}' if is_first else ''}"


def _within(claim: Claim, low: float, high: float) -> str:
    """Whether an interval of a ratio lies where the claim says."""
    least = -math.inf if claim.low is None else claim.low
    most = math.inf if claim.high is None else claim.high
    if least <= low and high <= most:
        return SUPPORTED
    return CONTRADICTED if high < least or low > most else UNDECIDED


def _open(claim: Claim, why: str, decides: str) -> ClaimVerdict:
    return ClaimVerdict(claim=claim, answer=UNDECIDED, why=why, decides=decides)
