"""What each compression saved, for what it took: against the same configuration left dense."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from energy_sweep.front.achieved import achieved, kept_by_layer, name_of
from energy_sweep.front.configurations import Configuration, joules_text
from energy_sweep.front.prices import Prices, Usage, apart
from energy_sweep.front.scale import ScaleFactor, joules_by_source, order_depends
from energy_sweep.front.twins import (
    epochs_of,
    is_compressed,
    nearest_twin,
    result_of,
    twin_key,
)
from energy_sweep.record import (
    TRAINING_STAGES,
    JsonDict,
    TrialResult,
)

if TYPE_CHECKING:
    from energy_sweep.front.accuracy import AccuracyTable
    from energy_sweep.front.differences import AccuracyDifference

EFFORT = ("teacher", "compress", "recover")
# Accuracy that is surely lost beyond this is too much for a saving to pay.
MARGIN = 0.01
# Two prices that differ by a smaller share of theirs are equal but for the rounding of floats.
ROUNDING = 1e-12

Work = frozenset[tuple[str, float]]  # units of each pool


class Joules(NamedTuple):
    """Joules, and what they are unsure of."""

    joules: float
    uncertainty: float

    @property
    def text(self) -> str:
        return joules_text(*self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Saving:
    """One compressed configuration beside its dense twin, in joules per image.

    `last_step` is what the last step of a chain saves of that, where the study has the same net
    without it. The twin is the trial `dense`; this one was trained for `more_epochs` than that,
    recovery among them: unless they are 0, the change of `accuracy` is not due to compression
    alone. `effort` is what compressing, recovering and teaching took; `images` is how many have to
    be answered before that is saved, None where nothing surely is, or where accuracy is surely lost
    by more than `MARGIN`.
    """

    trial: int
    dense: int
    more_epochs: float
    compression: str
    removed: float | None
    achieved: str
    accuracy: AccuracyDifference
    per_image: float
    saved: Joules
    last_step: Joules | None
    effort: Joules
    kept: Mapping[str, str]

    @property
    def loses(self) -> bool:
        """Whether accuracy is surely lost by more than is tolerated."""
        return self.accuracy.high < -MARGIN

    @property
    def images(self) -> float | None:
        is_sure = self.saved.joules > self.saved.uncertainty and not self.loses
        return self.effort.joules / self.saved.joules if is_sure else None

    @property
    def document(self) -> JsonDict:
        """What JSON says of it."""
        named = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        figures = {k: v._asdict() for k, v in named.items() if isinstance(v, Joules)}
        change = named.pop("accuracy")
        return {
            **named,
            **figures,
            "accuracy_change": change.change,
            "accuracy_interval": [change.low, change.high],
            "accuracy_p_value": change.p_value,
            "accuracy_paired": change.paired,
            "pays_from_images": self.images,
        }


def savings(
    accuracies: AccuracyTable,
    prices: Prices,
    factors: Sequence[ScaleFactor] = (),
    *,
    trials: Collection[int] | None = None,
) -> tuple[Saving, ...]:
    """Every compressed configuration of a table that has a dense twin there, by trial number.

    Or those of some `trials`. What is saved at some of the scale `factors` of the sources alone is
    not surely saved.
    """
    from energy_sweep.front.differences import differences  # which loads NumPy

    found, costs = accuracies.configurations, _Costs(prices, factors)
    dense, nets = defaultdict[str, list[int]](list), dict[tuple[str, ...], int]()
    for place, one in enumerate(found):
        if not is_compressed(one):
            dense[twin_key(one)].append(place)
        nets[_net(result_of(one))] = place
    pairs = list[tuple[int, int]]()
    for place, one in enumerate(found):
        wanted = is_compressed(one) and (trials is None or one.trial in trials)
        if wanted and (twins := dense.get(twin_key(one))):
            nearest = nearest_twin(one, [found[twin] for twin in twins])
            pairs.append((place, twins[nearest]))
    made = list[Saving]()
    for (place, twin), change in zip(pairs, differences(accuracies, pairs), strict=True):
        before = nets.get(_net(result_of(found[place]))[:-1])
        shorter = None if before is None else found[before]
        saving = _saving(found[place], found[twin], shorter, costs=costs, change=change)
        made += [] if saving is None else [saving]
    return tuple(sorted(made, key=lambda one: one.trial))


@dataclass(frozen=True, slots=True)
class _Costs:
    """What work costs, and the factors that the joules of its sources may be off by."""

    prices: Prices
    factors: Sequence[ScaleFactor]
    _known: dict[tuple[Work, Work], Joules] = field(default_factory=dict[tuple[Work, Work], Joules])

    def less(self, result: TrialResult, before: TrialResult) -> Joules:
        """How many joules fewer than `before` an image costs."""
        now, then = _demand(result, ["infer"]), _demand(before, ["infer"])
        both = frozenset(now.items()), frozenset(then.items())
        if both not in self._known:
            self._known[both] = self._less(now, then)
        return self._known[both]

    def _less(self, now: Usage, then: Usage) -> Joules:
        from energy_sweep.front.ratio_noise import difference_joules  # which loads NumPy

        difference = apart(then, now)
        joules, uncertainty = difference_joules(difference, self.prices)
        if abs(joules) < ROUNDING * abs(self.prices.joules(then)[0]):
            joules = 0.0
        # What rests on contended windows alone is not surely saved, however much it is.
        is_open = self.prices.is_contended(difference) or order_depends(
            joules_by_source(now, self.prices), joules_by_source(then, self.prices), self.factors
        )
        return Joules(joules, max(abs(uncertainty), abs(joules) if is_open else 0.0))


def _saving(
    one: Configuration,
    dense: Configuration,
    before: Configuration | None,
    *,
    costs: _Costs,
    change: AccuracyDifference,
) -> Saving | None:
    """None where a part was never metered; `before` is the same net without its last step."""
    result = result_of(one)
    reached = achieved(result.config, result.facts)
    is_chain = "steps" in result.config["compression"]
    try:
        effort = Joules(*costs.prices.joules(_demand(result, EFFORT)))
        own, _ = costs.prices.joules(_demand(result, ["infer"]))
        saved = costs.less(result, result_of(dense))
        by_last = costs.less(result, result_of(before)) if is_chain and before else None
    except KeyError:
        return None
    return Saving(
        trial=one.trial,
        dense=dense.trial,
        compression=name_of(result.config["compression"]),
        more_epochs=epochs_of(one) - epochs_of(dense),
        removed=reached.removed,
        achieved=reached.text,
        accuracy=change,
        per_image=own,
        saved=saved,
        last_step=by_last,
        effort=effort,
        kept=kept_by_layer(result.facts),
    )


def _net(result: TrialResult) -> tuple[str, ...]:
    """The stages that made a net, by their keys and how far they went."""
    return tuple(f"{u.key}@{u.units:g}" for u in result.stages if u.stage in TRAINING_STAGES)


def _demand(result: TrialResult, stages: Iterable[str]) -> dict[str, float]:
    wanted, found = tuple(stages), defaultdict[str, float](float)
    for use in result.stages:
        if use.stage in wanted:
            found[use.cost_key] += use.units
    return dict(found)
