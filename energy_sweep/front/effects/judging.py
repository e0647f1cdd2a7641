"""Claims held against what was measured: supported, contradicted, or not decided here."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from energy_sweep.front.effects.claims import (
    CONTRADICTED,
    LINEAR,
    SPREAD,
    SUPPORTED,
    UNDECIDED,
    Claim,
    ClaimVerdict,
    Side,
)
from energy_sweep.front.effects.effect import Effect
from energy_sweep.front.effects.estimating import SAME_WORK, effect_of, unpaired_effect
from energy_sweep.front.effects.evidence import Evidence, evidence, pairs_needed
from energy_sweep.front.effects.figures import IN_TURN, TO_ACCURACY
from energy_sweep.front.effects.in_turn import in_turn_effect
from energy_sweep.front.effects.pairs import cheapest_reaching, matched_pairs
from energy_sweep.front.effects.runs import Runs, runs_of, same
from energy_sweep.front.effects.whole_studies import best_verdict, whole_verdict
from energy_sweep.front.priced_study import PricedStudy
from energy_sweep.recipe.dials import value_text
from energy_sweep.record import BadInput
from energy_sweep.uncertainty.effect_sizes import holm

SURE = 0.05
ALIKE = 0.01  # of log ratios: they differ by less than 1 %
BESIDE = {
    "joules": "joules_per_update",
    "joules_per_update": "joules",
    "joules_per_epoch": "joules",
    "joules_per_training_image": "joules",
}


@dataclass(frozen=True, eq=False)
class Judge:
    """The studies of an experiment by the name of their sweep, those that were run."""

    studies: Mapping[str, PricedStudy]
    _known: dict[tuple[bool, tuple[str, ...]], Runs] = field(
        default_factory=dict[tuple[bool, tuple[str, ...]], Runs]
    )

    def verdicts(self, claims: Sequence[Claim]) -> tuple[ClaimVerdict, ...]:
        """One for each claim. Claims are a family of tests, and controls are another."""
        found = [self._first_look(claim) for claim in claims]
        for controls in (False, True):
            places = [
                place
                for place, (verdict, shown) in enumerate(found)
                if shown is not None and verdict.claim.control == controls
            ]
            shown = [found[place][1] for place in places]
            adjusted = holm([one.p_value for one in shown if one is not None])
            for place, p_value in zip(places, adjusted, strict=True):
                found[place] = _decided(*found[place], p_value), None
        return tuple(verdict for verdict, _ in found)

    def runs(self, sweeps: Sequence[str], *, is_pooled: bool = True) -> Runs:
        """Those of some sweeps, priced together."""
        key = is_pooled, tuple(sweeps)
        if key not in self._known:
            chosen = {name: self.studies[name] for name in sweeps}
            self._known[key] = runs_of(chosen, is_pooled=is_pooled)
        return self._known[key]

    def _first_look(self, claim: Claim) -> tuple[ClaimVerdict, Evidence | None]:
        """A verdict as far as it needs no other claim, and the evidence if it does."""
        named = [side.sweep for side in (claim.first, claim.second) if side.sweep is not None]
        missing = [name for name in named if name not in self.studies]
        if missing or not self.studies:
            name = missing[0] if missing else "any"
            return _open(claim, f"sweep {name} has no results yet", "run the experiment"), None
        is_between = len(set(named)) == 2
        sweeps = list(dict.fromkeys(named)) or list(self.studies)
        try:
            runs = self.runs(sweeps, is_pooled=not is_between)
        except BadInput as refused:
            return _open(claim, str(refused), "one machine and one meter for all sweeps"), None
        if claim.figure in (SPREAD, LINEAR):
            return whole_verdict(claim, runs, [self.studies[name] for name in sweeps]), None
        if claim.figure == IN_TURN:
            effect = in_turn_effect(runs.records)
            if effect is None:
                said = "fewer than two graphs had two kinds of weights"
                return _open(claim, said, "several nets"), None
            return _weighed(claim, runs, effect, None)
        if claim.expect == "best":
            return best_verdict(claim, runs)
        return _contrast(claim, runs, is_between)


def _contrast(claim: Claim, runs: Runs, is_between: bool) -> tuple[ClaimVerdict, Evidence | None]:
    effect, why = contrast_effect(claim, runs, is_between)
    if effect is None:
        return _open(claim, why, "runs of both sides"), None
    return _weighed(claim, runs, effect, _beside(claim, runs, effect, is_between))


def _weighed(
    claim: Claim, runs: Runs, effect: Effect, beside: Effect | None
) -> tuple[ClaimVerdict, Evidence | None]:
    """What an effect says of a claim before it is adjusted; no evidence where it says nothing."""
    verdict = ClaimVerdict(
        claim=claim,
        answer=UNDECIDED,
        why="",
        effect=effect,
        beside=beside,
        quality=runs.quality,
    )
    if effect.contrast.test == SAME_WORK:
        said = "both sides did the same work, which has one price here: this measures nothing"
        return dataclasses.replace(verdict, why=said, decides="sides in two sweeps"), None
    if effect.contended:
        said = "other programs ran in all windows that it rests on"
        return dataclasses.replace(verdict, why=said, decides="a machine to itself"), None
    if effect.pairs < claim.n:
        said = f"{effect.pairs} of the {claim.n} pairs that the claim asks for"
        more = claim.n - effect.pairs
        decides = f"{more} more seeds" if more > 1 else "1 more seed"
        return dataclasses.replace(verdict, why=said, decides=decides, needed=more), None
    return verdict, evidence(claim, effect.contrast)


def contrast_effect(claim: Claim, runs: Runs, is_between: bool) -> tuple[Effect | None, str]:
    """The effect that a claim is about; None with why there is none."""
    sides = [runs.at(side.where, side.sweep) for side in (claim.first, claim.second)]
    about = _about(claim.first, claim.second)
    if claim.figure == TO_ACCURACY and claim.accuracy is not None:
        sides = [cheapest_reaching(runs, side, claim.accuracy, about) for side in sides]
        about = [*about, "epochs"]
    for place, side in enumerate((claim.first, claim.second)):
        if not sides[place]:
            return None, f"no run has {_side_text(side, about) or 'what it is about'}"
    names = (
        claim.axis or ", ".join(about) or "sweep",
        _side_text(claim.first, about),
        _side_text(claim.second, about),
    )
    found = matched_pairs(sides[0], sides[1], about, within_sweeps=not is_between)
    effect = effect_of(
        runs, found.pairs, claim.figure, names=names, also=found.also, is_between_sweeps=is_between
    )
    if effect is None and not found.pairs:
        effect = unpaired_effect(
            runs, sides[0], sides[1], claim.figure, names=names, is_between_sweeps=is_between
        )
    return effect, "" if effect else "no two runs match, and a side has fewer than two"


def _beside(claim: Claim, runs: Runs, effect: Effect, is_between: bool) -> Effect | None:
    """The effect on a step of a claim about whole trainings, or the other way round."""
    other = BESIDE.get(claim.figure)
    if other is None:
        return None
    found, _ = contrast_effect(dataclasses.replace(claim, figure=other), runs, is_between)
    if found is None or abs(found.contrast.change - effect.contrast.change) < ALIKE:
        return None
    return found


def _decided(verdict: ClaimVerdict, shown: Evidence | None, adjusted: float) -> ClaimVerdict:
    effect = verdict.effect
    if shown is None or effect is None:
        return verdict
    effect = dataclasses.replace(effect, adjusted=adjusted)
    verdict = dataclasses.replace(verdict, effect=effect)
    if adjusted < SURE:
        answer = SUPPORTED if shown.supports <= shown.contradicts else CONTRADICTED
        return dataclasses.replace(verdict, answer=answer, decides="")
    if shown.p_value < SURE:
        said = "sure alone, but not as one of so many claims"
        return dataclasses.replace(verdict, why=said, decides="more seeds")
    if verdict.claim.expect == "best":
        return verdict  # which says what is open
    if effect.contrast.n < 2:
        return dataclasses.replace(
            verdict, why="one pair shows no spread", decides="more seeds or settings"
        )
    needed = pairs_needed(effect, shown)
    if needed is None:
        what = "the meter leaves" if effect.is_ratio else "the images leave"
        said = f"{what} more open than that, however many pairs there are"
        more = "a surer meter" if effect.is_ratio else "more validation images"
        return dataclasses.replace(verdict, why=said, decides=more)
    more = max(1, needed - effect.contrast.n)
    decides = f"{more} more pair{'s' if more > 1 else ''}"
    return dataclasses.replace(
        verdict, why="the interval meets both answers", decides=decides, needed=more
    )


def _open(claim: Claim, why: str, decides: str) -> ClaimVerdict:
    return ClaimVerdict(claim=claim, answer=UNDECIDED, why=why, decides=decides)


def _about(first: Side, second: Side) -> list[str]:
    """The dials that the two sides fix otherwise."""
    names = dict.fromkeys([*first.where, *second.where])
    return [
        name
        for name in names
        if not (name in first.where and name in second.where)
        or not same(first.where[name], second.where[name])
    ]


def _side_text(side: Side, about: Sequence[str]) -> str:
    said = [f"{name}={value_text(side.where[name])}" for name in about if name in side.where]
    if len(said) == 1 and len(about) == 1:
        said = [value_text(side.where[about[0]])]
    return " ".join([*said, *([side.sweep] if side.sweep and not said else [])])
