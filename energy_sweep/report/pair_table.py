"""Two configurations of a study side by side, as text for a terminal."""

from __future__ import annotations

from energy_sweep.front import PricedStudy, contended_text, joules_text
from energy_sweep.front.differences import AccuracyDifference
from energy_sweep.front.joules_difference import JoulesDifference
from energy_sweep.front.next_best import is_sure
from energy_sweep.front.pair_difference import PairDifference, StageDifference
from energy_sweep.recipe.dials import value_text
from energy_sweep.report.figures import objective_text
from energy_sweep.text import terminal

MILLION = 1_000_000
UNKNOWN = "unknown"


def pair_table(priced: PricedStudy, pair: PairDifference, *, width: int | None = None) -> str:
    """What both are set to where that differs, and every figure with its difference."""
    names = [f"trial {row.trial}" for row in (pair.first, pair.second)]
    title = (
        f"{' and '.join(names)} of {priced.study.name}, by accuracy and"
        f" {objective_text(priced.objective)}, {priced.quality}"
    )
    settings = [[name, *map(value_text, both)] for name, both in pair.settings.items()]
    head = ["figure", *names, "difference", "%", "sure"]
    figures = _figures(pair, priced)
    notes = (
        _verdict(pair),
        f"difference: the second minus the first, at 95 %; accuracy in points (of 100), p ="
        f" {pair.accuracy.p_value:.2g}, {_paired_text(pair.accuracy)}; joules {priced.quality}, of"
        " one run: work that both share and what moves all joules alike cancel. sure: p < .05, or"
        " beyond the limits of joules and of their ratio.",
        _own_text(pair),
        priced.scale_text if pair.second.trial in priced.scale_rivals(pair.first.trial) else "",
    )
    return "\n".join(
        [
            terminal.prose(title, width=width),
            terminal.table(["set to", *names], settings, width=width)
            if settings
            else "set to the same, but for what no setting tells",
            "",
            terminal.table(head, figures, left={"figure"}, fold=("%",), width=width),
            *(terminal.prose(note, width=width) for note in notes if note),
        ]
    )


def _figures(pair: PairDifference, priced: PricedStudy) -> list[list[str]]:
    first, second = pair.first, pair.second
    lines = [
        ["accuracy", f"{first.accuracy:.3f}", f"{second.accuracy:.3f}", *_points(pair.accuracy)],
        ["joules", joules_text(first.joules), joules_text(second.joules), *_change(pair.joules)],
        *(_stage(name, one) for name, one in pair.stages.items() if len(pair.stages) > 1),
    ]
    if pair.per_image is not None:
        each = [row.joules_per_image for row in (first, second)]
        if priced.objective.name != "inference":
            lines.append(["joules an image", *map(_known, each), *_change(pair.per_image)])
        many = [None if one is None else MILLION * one for one in each]
        lines.append(["1 million images", *map(_known, many), *_change(pair.per_image, MILLION)])
    lines.append(_plain("bytes", first.file_bytes, second.file_bytes, "{:,.0f}"))
    for images, both in pair.latencies.items():
        first_ms, second_ms = (None if one is None else 1e3 * one for one in both)
        lines.append(_plain(f"ms for {images}", first_ms, second_ms, "{:.3g}"))
    return lines


def _stage(name: str, one: StageDifference) -> list[str]:
    return [f"  {name}", _known(one.first), _known(one.second), *_change(one.joules)]


def _known(joules: float | None) -> str:
    return "-" if joules is None else joules_text(joules)


def _points(found: AccuracyDifference) -> list[str]:
    low, high = 100 * found.low, 100 * found.high
    change = f"{100 * found.change:+.2g} [{low:+.2g}, {high:+.2g}]"
    return [change, "", "yes" if is_sure(found) else "no"]


def _change(found: JoulesDifference, times: int = 1) -> list[str]:
    if not found.change and not found.high:
        return ["the same", "", ""]
    change, off = times * found.change, times * (found.high - found.change)
    share = "" if found.share is None else f"{100 * found.share:+.3g}"
    sure = {True: "yes", False: "no", None: UNKNOWN}[found.is_sure]
    spread = joules_text(change, off).partition("±")[2]
    return [f"{_signed(change)} ±{spread}", share, sure]


def _signed(joules: float) -> str:
    return f"{joules:+.3g}" if abs(joules) < 999.5 else f"{joules:+,.0f}"


def _plain(name: str, first: float | None, second: float | None, form: str) -> list[str]:
    """A figure without an interval: its difference is one of these two files, or machines' runs."""
    cells = ["-" if one is None else form.format(one) for one in (first, second)]
    if first is None or second is None:
        return [name, *cells, "", "", ""]
    share = f"{100 * (second / first - 1):+.3g}" if first else ""
    return [name, *cells, form.replace(":", ":+").format(second - first), share, ""]


def _own_text(pair: PairDifference) -> str:
    """How sure either is of its own accuracy and joules."""
    each = [
        f"trial {row.trial}: accuracy {row.accuracy_low:.3f} to {row.accuracy_high:.3f} (n ="
        f" {row.n}), {joules_text(row.joules, row.uncertainty_joules)}"
        f"{f' ({contended_text(row.contended)})' if row.contended else ''}"
        for row in (pair.first, pair.second)
    ]
    return f"each alone, measured again from scratch: {'; '.join(each)}."


def _paired_text(found: AccuracyDifference) -> str:
    if found.paired:
        return "on the same images"
    return "as of independent answers, since which images each has right is not known"


def _verdict(pair: PairDifference) -> str:
    """Which is better in what, as far as that is sure."""
    numbers = pair.first.trial, pair.second.trial
    said = list[str]()
    if pair.joules.is_sure:
        said.append(f"trial {numbers[pair.joules.change < 0]} surely costs less")
    elif pair.joules.is_sure is None:
        said.append("which costs less is not known, since contended joules say nothing")
    else:
        said.append("which costs less is not sure")
    if is_sure(pair.accuracy):
        said.append(f"trial {numbers[pair.accuracy.change > 0]} is surely more accurate")
    else:
        said.append("which is more accurate is not sure")
    return f"{'; '.join(said)}."
