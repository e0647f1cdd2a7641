"""Two configurations of a study side by side: what they are set to, what differs, how surely."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from energy_sweep.front.configurations import Configuration, Row, image_demand
from energy_sweep.front.differences import AccuracyDifference, differences
from energy_sweep.front.document import plain_row
from energy_sweep.front.joules_difference import JoulesDifference, joules_difference
from energy_sweep.front.next_best import accuracy_document
from energy_sweep.front.priced_study import PricedStudy
from energy_sweep.front.prices import Usage, charged
from energy_sweep.recipe.dials import PLACES, list_text
from energy_sweep.record import BadInput, JsonDict, Objective

# What is typed for what stands at the top of a canonical configuration.
TYPED = {place[0]: name for name, place in PLACES.items() if len(place) == 1}


@dataclass(frozen=True, slots=True, kw_only=True)
class StageDifference:
    """Joules of one stage, as the objective charges them, of both; None where one has no such
    stage. `joules` is the second's minus the first's."""

    first: float | None
    second: float | None
    joules: JoulesDifference


@dataclass(frozen=True, slots=True, kw_only=True)
class PairDifference:
    """The second configuration beside the first: every difference is its figure minus the first's.

    `settings` are the dials, by their typed names, that differ, with both values. `per_image` is
    None where images of one were not measured. The latencies are seconds by the number of images at
    once, of both.
    """

    first: Row
    second: Row
    settings: Mapping[str, tuple[Any, Any]]
    accuracy: AccuracyDifference
    joules: JoulesDifference
    stages: Mapping[str, StageDifference]
    per_image: JoulesDifference | None
    latencies: Mapping[int, tuple[float | None, float | None]]

    @property
    def document(self) -> JsonDict:
        """What JSON says of it."""
        each = None if self.per_image is None else self.per_image.document
        return {
            "first": plain_row(self.first),
            "second": plain_row(self.second),
            "settings": {name: list(values) for name, values in self.settings.items()},
            **accuracy_document(self.accuracy),
            **self.joules.document,
            "stages": {
                stage: {"first": one.first, "second": one.second, **one.joules.document}
                for stage, one in self.stages.items()
            },
            "per_image": each,
            "latency_seconds": {str(n): list(both) for n, both in self.latencies.items()},
        }


def pair_difference(priced: PricedStudy, first: int, second: int) -> PairDifference:
    """The configurations of two trials; BadInput where they are one, or one has no price."""
    rows = [_row(priced, trial) for trial in (first, second)]
    places = [one.trial for one in priced.priced]
    pair = places.index(rows[0].trial), places.index(rows[1].trial)
    if pair[0] == pair[1]:
        raise BadInput(f"trials {first} and {second} are one configuration: type two that differ")
    one, other = (priced.priced[place] for place in pair)
    return PairDifference(
        first=rows[0],
        second=rows[1],
        settings=_settings(one, other),
        accuracy=differences(priced.accuracies, [(pair[1], pair[0])])[0],
        joules=_difference(priced, one.demand, other.demand),
        stages=_stages(priced, one, other),
        per_image=_per_image(priced, one, other),
        latencies=_latencies(priced, one, other),
    )


def _row(priced: PricedStudy, trial: int) -> Row:
    row = priced.row_by_trial.get(trial)
    if row is None:
        raise BadInput(
            f"trial {trial} is none of those that were measured and have a price: type the number"
            " of another"
        )
    return row


def _difference(priced: PricedStudy, first: Usage, second: Usage) -> JoulesDifference:
    return joules_difference(second, first, priced.prices, priced.study.meter.scale_band_of)


def _settings(one: Configuration, other: Configuration) -> dict[str, tuple[Any, Any]]:
    """Both values of what was resolved otherwise; leaves of the configurations."""
    mine, theirs = (_leaves(configuration.runs[0][1].config) for configuration in (one, other))
    names = dict.fromkeys([*mine, *theirs])
    both = {name: (mine.get(name), theirs.get(name)) for name in names}
    return {name: values for name, values in both.items() if values[0] != values[1]}


def _leaves(config: JsonDict, above: str = "") -> JsonDict:
    """Every single value of a canonical configuration, by the name that is typed for it."""
    found: JsonDict = {}
    for name, value in config.items():
        path = f"{above}.{name}" if above else TYPED.get(name, name)
        if not isinstance(value, dict):
            found[path] = value
            continue
        part = cast(JsonDict, value)
        steps: list[JsonDict] = part.get("steps", [])
        if steps:
            found[path] = list_text(step["technique"]["name"] for step in steps)
        elif "name" in part:
            found[path] = part["name"]
        for step in steps:
            rest: JsonDict = {**step["technique"], "level": step.get("level")}
            found |= _leaves(_unnamed(rest), f"{path}.{rest['name']}")
        found |= _leaves(_unnamed({k: v for k, v in part.items() if k != "steps"}), path)
    return found


def _unnamed(part: JsonDict) -> JsonDict:
    return {name: value for name, value in part.items() if name != "name"}


def _stages(
    priced: PricedStudy, one: Configuration, other: Configuration
) -> dict[str, StageDifference]:
    """By stage in the order of a trial; what cannot be priced is left out."""
    mine, theirs = (_by_stage(each, priced.objective) for each in (one, other))
    found: dict[str, StageDifference] = {}
    for stage in dict.fromkeys([*mine, *theirs]):
        first, second = mine.get(stage, {}), theirs.get(stage, {})
        costs = [priced.prices.joules(wanted)[0] if wanted else None for wanted in (first, second)]
        found[stage] = StageDifference(
            first=costs[0], second=costs[1], joules=_difference(priced, first, second)
        )
    return found


def _by_stage(configuration: Configuration, objective: Objective) -> dict[str, Usage]:
    """Units of each pool that the objective charges, by stage, a mean over seeds."""
    wanted = defaultdict[str, defaultdict[str, float]](lambda: defaultdict(float))
    for _, result in configuration.runs:
        for use in result.stages:
            if times := charged(use.stage, objective):
                units = 1.0 if use.stage == "infer" else use.units
                wanted[use.stage][use.cost_key] += times * units / len(configuration.runs)
    return {stage: dict(units) for stage, units in wanted.items()}


def _per_image(
    priced: PricedStudy, one: Configuration, other: Configuration
) -> JoulesDifference | None:
    wanted = [image_demand(each) for each in (one, other)]
    known = all(units and all(priced.prices.pool(key) for key in units) for units in wanted)
    return _difference(priced, wanted[0], wanted[1]) if known else None


def _latencies(
    priced: PricedStudy, one: Configuration, other: Configuration
) -> dict[int, tuple[float | None, float | None]]:
    """Seconds of a batch, by its images, of the first net of each."""
    mine, theirs = (_pools(each) for each in (one, other))
    found: dict[int, tuple[float | None, float | None]] = {}
    for images in sorted({*mine, *theirs}):
        each = [priced.prices.pool(pools.get(images, "")) for pools in (mine, theirs)]
        seconds = [None if pool is None else images * pool.seconds_per_unit for pool in each]
        found[images] = (seconds[0], seconds[1])
    return found


def _pools(configuration: Configuration) -> dict[int, str]:
    known = configuration.runs[0][1].facts.get("inference", {})
    return {int(images): key for images, key in known.items() if str(images).isdecimal()}
