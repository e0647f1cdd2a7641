"""What each compression saved, for what it took: against the same configuration left dense."""

from __future__ import annotations

import html
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from energy_sweep.configuration import Configuration, configurations, joules_text, price_list
from energy_sweep.price import Prices
from energy_sweep.record import (
    TRAINING_STAGES,
    Objective,
    Plain,
    StudyRecord,
    TrialResult,
    digest,
)

# What makes a configuration a compressed one; the rest is the same in its dense twin.
OWN = ("compression", "level", "teacher", "max_accuracy_loss")
EFFORT = ("teacher", "compress", "recover")
HEAD = (
    *("trial", "compression", "removed", "accuracy", "per image", "saved per image"),
    *("by the last step", "effort", "pays from"),
)


class Figure(NamedTuple):
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
    without it. `effort` is what compressing, recovering and teaching took; `images` is how many
    have to be answered before that is saved, None where nothing surely is.
    """

    trial: int
    dense: int
    compression: str
    removed: float | None
    accuracy_change: float
    per_image: float
    saved: Figure
    last_step: Figure | None
    effort: Figure
    kept: Mapping[str, str]

    @property
    def cells(self) -> tuple[str, ...]:
        """What a table says of it, under `HEAD`."""
        return (
            str(self.trial),
            self.compression,
            "-" if self.removed is None else f"{self.removed:.3f}",
            f"{self.accuracy_change:+.4f}",
            joules_text(self.per_image),
            self.saved.text,
            "" if self.last_step is None else self.last_step.text,
            self.effort.text,
            "not surely" if self.images is None else f"{self.images:,.0f} images",
        )

    @property
    def images(self) -> float | None:
        is_sure = self.saved.joules > self.saved.uncertainty
        return self.effort.joules / self.saved.joules if is_sure else None


def savings(study: StudyRecord) -> tuple[Saving, ...]:
    """Every compressed configuration that has a dense twin in the study, by trial number."""
    prices = price_list(study)
    found = configurations(study, Objective(name="training"))
    dense = {_twin(one): one for one in found if not _level(one)}
    nets = {_net(_result(one)): one for one in found}
    made = (
        _saving(one, twin, nets.get(_net(_result(one))[:-1]), prices)
        for one in found
        if _level(one) and (twin := dense.get(_twin(one))) is not None
    )
    return tuple(sorted((one for one in made if one is not None), key=lambda one: one.trial))


def savings_lines(found: Sequence[Saving]) -> list[tuple[str, ...]]:
    """The savings as a table, its head first; a column that says nothing is left out."""
    lines = [HEAD, *(one.cells for one in found)]
    said = [index for index in range(len(HEAD)) if any(line[index] for line in lines[1:])]
    return [tuple(line[index] for index in said) for line in lines]


def savings_html(study: StudyRecord) -> str:
    """The savings as a section of the report; empty where the study compressed nothing."""
    found = savings(study)
    if not found:
        return ""
    quality = study.meter.quality.value
    head, *cells = savings_lines(found)
    titles = "".join(f"<th>{title}</th>" for title in head)
    lines = "".join(_line(line) for line in cells)
    kept = "".join(
        f"<li>trial {one.trial} ({html.escape(one.compression)}): "
        + html.escape(", ".join(f"{name} {part}" for name, part in one.kept.items()))
        + "</li>"
        for one in found
        if one.kept
    )
    layers = f"<details><summary>What was kept, layer by layer</summary><ul>{kept}</ul></details>"
    return (
        "<h2>What compression saved</h2>"
        f'<p class="soft">Against the same configuration left dense, in joules ({quality}). Effort'
        " is compressing, recovering and teaching; it pays from so many images on. A saving below"
        " 0 is a compressed net that costs more, or a last step that does: int8 on top of pruning"
        " often does on small nets.</p>"
        f'<div class="scroll"><table><thead><tr>{titles}</tr></thead><tbody>{lines}</tbody></table>'
        f"</div>{layers if kept else ''}"
    )


def _line(cells: Iterable[str]) -> str:
    return "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in cells) + "</tr>"


def _saving(
    one: Configuration, dense: Configuration, before: Configuration | None, prices: Prices
) -> Saving | None:
    """None where a part was never metered; `before` is the same net without its last step."""
    result = _result(one)
    is_chain = "steps" in result.config["compression"]
    try:
        effort = Figure(*prices.joules(_demand(result, EFFORT)))
        own, _ = prices.joules(_demand(result, ["infer"]))
        saved = _less(result, _result(dense), prices)
        by_last = _less(result, _result(before), prices) if is_chain and before else None
    except KeyError:
        return None
    return Saving(
        trial=one.trial,
        dense=dense.trial,
        compression=_name(result.config["compression"]),
        removed=_removed(result.facts, _result(dense).facts),
        accuracy_change=one.accuracy - dense.accuracy,
        per_image=own,
        saved=saved,
        last_step=by_last,
        effort=effort,
        kept=_kept(result.facts),
    )


def _less(result: TrialResult, before: TrialResult, prices: Prices) -> Figure:
    """How many joules fewer than `before` an image costs."""
    difference = defaultdict[str, float](float, _demand(before, ["infer"]))
    for key, units in _demand(result, ["infer"]).items():
        difference[key] -= units
    joules, uncertainty = prices.joules(difference)
    return Figure(joules, abs(uncertainty))


def _net(result: TrialResult) -> tuple[str, ...]:
    """The stages that made a net, by their keys and how far they went."""
    return tuple(f"{u.key}@{u.units:g}" for u in result.stages if u.stage in TRAINING_STAGES)


def _name(compression: Plain) -> str:
    steps = compression.get("steps")
    return "+".join(s["technique"]["name"] for s in steps) if steps else compression["name"]


def _removed(facts: Plain, dense: Plain) -> float | None:
    """The share of weight bits that is gone; of students, the share of parameters."""
    if "removed_weight_bits" in facts:
        return facts["removed_weight_bits"]
    if "parameters" in facts and dense.get("parameters"):
        return 1 - facts["parameters"] / dense["parameters"]
    return None


def _kept(facts: Plain) -> dict[str, str]:
    """What is left of each layer, in words."""
    if "channels" in facts and "dense_channels" in facts:
        dense = facts["dense_channels"]
        return {name: f"{n} of {dense[name]}" for name, n in facts["channels"].items()}
    if "ranks" in facts:
        return {name: f"rank {rank}" for name, rank in facts["ranks"].items()}
    shares = facts.get("sparsity_by_layer", {})
    return {name: f"{1 - share:.2f} of the weights" for name, share in shares.items()}


def _result(one: Configuration) -> TrialResult:
    return one.runs[0][1]


def _level(one: Configuration) -> float:
    return _result(one).config.get("level", 0.0)


def _twin(one: Configuration) -> str:
    return digest({k: v for k, v in _result(one).config.items() if k not in OWN})


def _demand(result: TrialResult, stages: Iterable[str]) -> dict[str, float]:
    wanted, found = tuple(stages), defaultdict[str, float](float)
    for use in result.stages:
        if use.stage in wanted:
            found[use.cost_key] += use.units
    return dict(found)
