"""What a user is told of the plans that were chosen: how each net is run, and what that saves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from energy_sweep.front import joules_text
from energy_sweep.recipe.plan import DEFAULT_PLAN, Plan
from energy_sweep.record import JsonDict, Quality, StageRecord, from_json

MOST_LINES = 4


def plan_lines(records: Sequence[StageRecord]) -> list[str]:
    """A line for each of a few trials of plans; of many, the first and a summary."""
    varying = _varying(records)
    shown = records if len(records) <= MOST_LINES else records[: MOST_LINES - 1]
    lines = [f"plan: {_label(record, varying)}: {_describe(record)}" for record in shown]
    rest = Counter(_plan(record).name for record in records[len(shown) :])
    if rest:
        counts = ", ".join(f"{name} in {count}" for name, count in rest.most_common())
        lines.append(f"plan: and {rest.total()} more nets, batches or precisions: {counts}")
    return lines


def _describe(record: StageRecord) -> str:
    facts, plan = record.facts, _plan(record)
    if "infeasible" in facts:
        return f"{plan.name}; no other was tried: {facts['infeasible']}"
    if not facts.get("tried", True):
        return _untried(plan, facts["worth"], record)
    since = f"remembered from {facts['remembered']}" if "remembered" in facts else ""
    if plan == DEFAULT_PLAN:
        parts = ["contiguous", since, "as nothing that was tried is surely cheaper"]
    else:
        saved = facts["saving"]
        margin = [_quality(record), f"+-{_percent(saved['uncertainty'])}"]
        said = ", ".join(filter(None, margin))
        parts = [plan.name, since, f"{_percent(saved['share'])} below plain ({said})"]
    text = ", ".join(filter(None, parts))
    return "; ".join([text, *([_bf16(facts["bf16"])] if facts["bf16"] else [])])


def _quality(record: StageRecord) -> str:
    """How its joules were obtained; empty where this study has none of it."""
    qualities = [mark.reading.quality for mark in record.marks]
    return Quality.worst(qualities).value if qualities else ""


def _untried(plan: Plan, worth: JsonDict, record: StageRecord) -> str:
    """Why nothing else was tried: what that would likely save, and what it would cost."""
    joules = worth["share"] * worth["steps"] * worth["joules_per_step"]
    return (
        f"{plan.name}, no other was tried: {worth['steps']:,.0f} steps to come could save about"
        f" {joules_text(joules)}, and trying costs about {joules_text(worth['price_joules'])}"
        f" ({_quality(record)})"
    )


def _bf16(found: JsonDict) -> str:
    share, uncertainty = found["share"], found["uncertainty"]
    if uncertainty is None:
        return f"precision=bf16 would take about {1 - share:.1f} times the joules of a step"
    margin = f"(+-{_percent(uncertainty)})"
    if abs(share) <= uncertainty:
        return (
            f"precision=bf16 would change the joules of a step by less than could be seen {margin}"
        )
    if share < 0:
        return f"precision=bf16 would cost {_percent(-share)} more {margin}"
    return f"precision=bf16 would save another {_percent(share)} {margin}"


def _label(record: StageRecord, varying: Sequence[str]) -> str:
    settings = record.settings
    model, (_, height, width) = settings["model"], settings["shape"]
    dials = [f"{name}={model[name]}" for name in varying if name in model]
    words = [model["name"], *dials, f"{height}x{width}", f"batch {settings['batch']}"]
    return " ".join([*words, settings["precision"]])


def _varying(records: Sequence[StageRecord]) -> list[str]:
    """Settings of a net in which nets of the same name differ."""
    models: list[JsonDict] = [record.settings["model"] for record in records]
    names = dict.fromkeys(name for model in models for name in model)
    return [
        name
        for name in names
        if len({(str(model["name"]), str(model.get(name))) for model in models})
        > len({str(model["name"]) for model in models})
    ]


def _plan(record: StageRecord) -> Plan:
    return from_json(Plan, record.facts["plan"])


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
