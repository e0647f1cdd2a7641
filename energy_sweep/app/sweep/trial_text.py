"""Numbers and settings as a person reads them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from energy_sweep.front import joules_text
from energy_sweep.front.achieved import achieved
from energy_sweep.front.prices import Prices, demand
from energy_sweep.record import JsonDict, MeterFacts, Objective, Quality, StageRecord, TrialResult

if TYPE_CHECKING:
    from energy_sweep.search import Finished


def alone(
    result: TrialResult,
    *,
    objective: Objective,
    meter: MeterFacts,
    records: Mapping[str, StageRecord],
) -> list[str]:
    """What to say of a trial that was run by itself, in parts that keep together."""
    prices = Prices(records.values(), repeatability=meter.repeatability_of)
    if result.infeasible is not None or result.correct is None:
        return [f"infeasible: {result.infeasible}"]
    wanted = demand(result, objective)
    joules, uncertainty = prices.joules(wanted)
    mark = ", contended by other programs" if prices.is_contended(wanted) else ""
    images = f" of {objective.images:,} images" if objective.name == "lifetime" else ""
    reached = achieved(result.config, result.facts)
    told = [f"level {reached.level:g}: {reached.text}"] if reached.text else []
    return [
        *told,
        f"accuracy {fraction(result.correct / result.n_validation)}"
        f" ({result.correct} of {result.n_validation})",
        f"{objective.name}{images}"
        f" {joules_text(joules)} +- {joules_text(uncertainty)} {meter.quality.value}{mark}",
    ]


def detail(energy: JsonDict) -> str:
    """What training took by epoch, iteration and update, and inference by image; '' if nothing."""
    names = ("per_epoch", "per_iteration", "per_update", "per_image")
    known = [name for name in names if energy[name] is not None]
    if energy["per_update"] == energy["per_iteration"]:
        known = [name for name in known if name != "per_update"]
    told = ", ".join(
        f"{joules_text(energy[name]['joules'])} {name.replace('_', ' ')}" for name in known
    )
    if not known:
        return ""
    quality = Quality.worst(Quality(energy[name]["quality"]) for name in known)
    return f"{told}, {quality.value}"


def origin(config: JsonDict) -> str:
    """Whose weights a trial started from, and what of their joules it is charged with."""
    source = config.get("pretrained")
    if source is None:
        return ""
    share = {1.0: "in full", 0.0: "not at all"}.get(source["share"], f"to {source['share']:.0%}")
    return f"started from {source['name']}, whose training joules are charged {share}"


def finished_parts(event: Finished, *, count: str, objective: str, quality: str) -> list[str]:
    """What a trial of a sweep found and took, and how the sweep stands, in parts."""
    parts = [f"trial {event.number}", *filter(None, [count, words(event.job.params)])]
    if event.result is None:
        return [*parts, f"failed: {event.error}"]
    if event.result.infeasible is not None:
        parts.append(f"infeasible: {event.result.infeasible}")
    else:
        reached = achieved(event.result.config, event.result.facts).text
        parts += [reached] if reached else []
        parts.append(f"accuracy {fraction(event.result.accuracy or 0.0)}")
    if event.joules is not None:
        mark = ", contended" if event.contended else ""
        parts.append(f"{objective} {joules_text(event.joules)} {quality}{mark}")
    spent = f"spent {joules_text(event.spent_joules)} {quality}"
    return [*parts, spent, f"front {event.front}"]


def words(params: JsonDict) -> str:
    """A point as it is typed."""
    return " ".join(f"{name}={value}" for name, value in params.items())


def fraction(value: float) -> str:
    """An accuracy to three digits, without its leading 0."""
    return f"{value:.3f}".removeprefix("0")


def watts_text(watts: float) -> str:
    """Watts to three significant digits and no finer than 0.001, with the unit."""
    return f"{round(watts, 3):.3g} W" if abs(watts) < 999.5 else f"{watts:,.0f} W"


def duration(seconds: float) -> str:
    """A time to come, as roughly as it is known."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
