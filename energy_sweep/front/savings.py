"""What each compression saved, for what it took: against the same configuration left dense."""

from __future__ import annotations

import dataclasses
import html
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from energy_sweep.front.achieved import achieved, kept_by_layer, name_of
from energy_sweep.front.configurations import Configuration, configurations, joules_text, price_list
from energy_sweep.front.prices import Prices
from energy_sweep.front.twins import (
    epochs_of,
    is_compressed,
    nearest_twin,
    result_of,
    right_of,
    twin_key,
)
from energy_sweep.record import (
    TRAINING_STAGES,
    JsonDict,
    Objective,
    StudyRecord,
    TrialResult,
)
from energy_sweep.uncertainty.intervals import Interval, newcombe

EFFORT = ("teacher", "compress", "recover")
# Accuracy that is surely lost beyond this is too much for a saving to pay.
MARGIN = 0.01
HEAD = (
    *("trial", "compression", "achieved", "against dense", "accuracy", "95 % interval"),
    *("per image", "saved per image", "by the last step", "effort", "pays from"),
)


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
    recovery among them: unless they are 0, the change of accuracy is not due to compression alone.
    `accuracy_interval` is that of the change. `effort` is what compressing, recovering and teaching
    took; `images` is how many have to be answered before that is saved, None where nothing surely
    is, or where accuracy is surely lost by more than `MARGIN`.
    """

    trial: int
    dense: int
    more_epochs: float
    compression: str
    removed: float | None
    achieved: str
    accuracy_change: float
    accuracy_interval: Interval
    per_image: float
    saved: Joules
    last_step: Joules | None
    effort: Joules
    kept: Mapping[str, str]

    @property
    def cells(self) -> tuple[str, ...]:
        """What a table says of it, under `HEAD`."""
        low, high = self.accuracy_interval
        return (
            str(self.trial),
            self.compression,
            self.achieved or "-",
            f"trial {self.dense}",
            f"{self.accuracy_change:+.4f}{self._epochs}",
            f"{low:+.3f} to {high:+.3f}",
            joules_text(self.per_image),
            self.saved.text,
            "" if self.last_step is None else self.last_step.text,
            self.effort.text,
            self._pays,
        )

    @property
    def loses(self) -> bool:
        """Whether accuracy is surely lost by more than is tolerated."""
        return self.accuracy_interval.high < -MARGIN

    @property
    def images(self) -> float | None:
        is_sure = self.saved.joules > self.saved.uncertainty and not self.loses
        return self.effort.joules / self.saved.joules if is_sure else None

    @property
    def document(self) -> JsonDict:
        """What JSON says of it."""
        named = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        figures = {k: v._asdict() for k, v in named.items() if isinstance(v, Joules)}
        interval = list(self.accuracy_interval)
        return {**named, **figures, "accuracy_interval": interval, "pays_from_images": self.images}

    @property
    def _epochs(self) -> str:
        """What else than compression the change of accuracy is due to."""
        more = self.more_epochs
        count = f"{abs(more):g} epoch{'' if abs(more) == 1 else 's'}"
        return f" ({count} {'more' if more > 0 else 'fewer'})" if more else ""

    @property
    def _pays(self) -> str:
        if self.loses:
            return "loses accuracy"
        return "not surely" if self.images is None else f"{self.images:,.0f} images"


def savings(study: StudyRecord) -> tuple[Saving, ...]:
    """Every compressed configuration that has a dense twin in the study, by trial number."""
    prices = price_list(study)
    found = configurations(study, Objective(name="training"))
    dense = defaultdict[str, list[Configuration]](list)
    for one in found:
        if not is_compressed(one):
            dense[twin_key(one)].append(one)
    nets = {_net(result_of(one)): one for one in found}
    made = (
        _saving(one, nearest_twin(one, twins), nets.get(_net(result_of(one))[:-1]), prices)
        for one in found
        if is_compressed(one) and (twins := dense.get(twin_key(one)))
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
        f'<p class="soft">Against the same configuration left dense, in joules ({quality}), trained'
        " for as many epochs in all, recovery among them, or for the nearest number that the study"
        " has: then the table says how many epochs more or fewer, and the change of accuracy is not"
        " due to compression alone. The interval is of that change (Newcombe's, 95 %). Effort"
        " is compressing, recovering and teaching; it pays from so many images on, unless accuracy"
        f" is surely lost by more than {MARGIN:g}. A saving below"
        " 0 is a compressed net that costs more, or a last step that does: int8 on top of pruning"
        " often does on small nets.</p>"
        f'<div class="scroll"><table class="crowded"><thead><tr>{titles}</tr></thead>'
        f"<tbody>{lines}</tbody></table></div>{layers if kept else ''}"
    )


def _line(cells: Iterable[str]) -> str:
    return "<tr>" + "".join(f"<td>{_in_parts(cell)}</td>" for cell in cells) + "</tr>"


def _in_parts(cell: str) -> str:
    """A cell that may break between its parts, and in the midst of no number or unit."""
    parts = re.split(r" (?=± |\(|to )", cell)
    return " ".join(f'<span class="whole">{html.escape(part)}</span>' for part in parts)


def _saving(
    one: Configuration, dense: Configuration, before: Configuration | None, prices: Prices
) -> Saving | None:
    """None where a part was never metered; `before` is the same net without its last step."""
    result = result_of(one)
    reached = achieved(result.config, result.facts)
    is_chain = "steps" in result.config["compression"]
    try:
        effort = Joules(*prices.joules(_demand(result, EFFORT)))
        own, _ = prices.joules(_demand(result, ["infer"]))
        saved = _less(result, result_of(dense), prices)
        by_last = _less(result, result_of(before), prices) if is_chain and before else None
    except KeyError:
        return None
    return Saving(
        trial=one.trial,
        dense=dense.trial,
        compression=name_of(result.config["compression"]),
        more_epochs=epochs_of(one) - epochs_of(dense),
        removed=reached.removed,
        achieved=reached.text,
        accuracy_change=one.accuracy - dense.accuracy,
        accuracy_interval=newcombe(*right_of(one), *right_of(dense)),
        per_image=own,
        saved=saved,
        last_step=by_last,
        effort=effort,
        kept=kept_by_layer(result.facts),
    )


def _less(result: TrialResult, before: TrialResult, prices: Prices) -> Joules:
    """How many joules fewer than `before` an image costs."""
    difference = defaultdict[str, float](float, _demand(before, ["infer"]))
    for key, units in _demand(result, ["infer"]).items():
        difference[key] -= units
    joules, uncertainty = prices.joules(difference)
    # What rests on contended windows alone is not surely saved, however much it is.
    least = abs(joules) if prices.is_contended(difference) else 0.0
    return Joules(joules, max(abs(uncertainty), least))


def _net(result: TrialResult) -> tuple[str, ...]:
    """The stages that made a net, by their keys and how far they went."""
    return tuple(f"{u.key}@{u.units:g}" for u in result.stages if u.stage in TRAINING_STAGES)


def _demand(result: TrialResult, stages: Iterable[str]) -> dict[str, float]:
    wanted, found = tuple(stages), defaultdict[str, float](float)
    for use in result.stages:
        if use.stage in wanted:
            found[use.cost_key] += use.units
    return dict(found)
