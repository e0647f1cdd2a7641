"""Plotly figures of a priced study, as plain data: no import of plotly."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence

from energy_sweep.front import PricedStudy, Row, contended_text, joules_text
from energy_sweep.front.infeasible import InfeasibleRow
from energy_sweep.front.sureness import percent_text
from energy_sweep.recipe.dials import value_text
from energy_sweep.record import JsonDict, Objective
from energy_sweep.report.marks import Encoding, code_of, groups, legend, opacity

INK, SOFT, FAINT, GRID = "#1d2733", "#5d6875", "#8a94a0", "#e8ebef"
PALETTE = ("#31356e", "#2f7f9d", "#43aa8b", "#e3a12d", "#cf5a3c", "#8f4a7f")
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "pentagon", "star")
# Plotly's own share button would send private results to its cloud.
CONFIG: JsonDict = {
    "showSendToCloud": False,
    "displaylogo": False,
    "responsive": True,
    "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d"],
}
OBJECTIVES = {
    "training": "training joules",
    "inference": "joules per image",
    "lifetime": "joules of training and {images:,} images",
}


def objective_text(objective: Objective) -> str:
    """What the joules of an objective are the joules of."""
    return OBJECTIVES[objective.name].format(images=objective.images)


def front_figure(priced: PricedStudy) -> JsonDict:
    """Accuracy against joules; the front has a stepped line and error bars."""
    colours = code_of(priced.ranked, ("compression.level", "compression"), PALETTE)
    symbols = code_of(priced.ranked, ("batch", "model"), SYMBOLS)
    x_axis = _joules_axis(priced)
    x_axis["title"]["text"] += _shared(priced.front)
    left, right = (10**end if x_axis["type"] == "log" else end for end in x_axis["range"])
    y_axis = _accuracy_axis(priced)
    data = [
        *_points(priced, "dominated", colours=colours, symbols=symbols),
        _step(priced.front, right),
        *_points(priced, "front", colours=colours, symbols=symbols),
        _crosses(priced, left, y_axis["range"][0]),
        *legend(colours, "color", PALETTE[0]),
        *legend(symbols, "symbol", FAINT),
    ]
    return {"data": data, "layout": {**base_layout(), "xaxis": x_axis, "yaxis": y_axis}}


def hover(row: Row, quality: str) -> str:
    """The label of a point: one setting a line."""
    low, high, per_image = row.accuracy_low, row.accuracy_high, row.joules_per_image
    lines = [
        f"<b>trial {row.trial}</b>",
        *_settings(row),
        row.achieved,
        f"<br>accuracy {row.accuracy:.3f}  [{low:.3f}, {high:.3f}]",
        f"{joules_text(row.joules, row.uncertainty_joules)} {quality}",
        contended_text(row.contended),
        "" if row.belongs is None else f"{percent_text(row.belongs)} sure to belong",
        "" if per_image is None else f"{joules_text(per_image)} {quality} per image",
        f"n = {row.n} {'seed' if row.n == 1 else 'seeds'}",
    ]
    return "<br>".join(filter(None, lines))


def _markers(
    name: str, points: Sequence[tuple[float, float, int, str]], marker: JsonDict
) -> JsonDict:
    """A trace of labelled points (x, y, trial, label) without a legend entry."""
    x, y, trials, labels = map(list, zip(*points, strict=True)) if points else ([], [], [], [])
    return {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "showlegend": False,
        "x": x,
        "y": y,
        "customdata": trials,
        "text": labels,
        "hovertemplate": "%{text}<extra></extra>",
        "marker": marker,
    }


def _points(
    priced: PricedStudy, side: str, *, colours: Encoding, symbols: Encoding
) -> list[JsonDict]:
    """The configurations of one side, `front` (with error bars) or `dominated`.

    Those that are marked alike are one trace, so that a click on the legend can hide them.
    """
    front, quality = side == "front", priced.quality
    traces: list[JsonDict] = []
    side_rows = priced.front if front else priced.dominated
    for names, rows in groups(side_rows, (colours, symbols)):
        marker = {
            "size": 11 if front else 7,
            "opacity": [opacity(row) for row in rows] if front else 0.45,
            "color": colours.mark(rows[0]),
            "symbol": symbols.mark(rows[0]),
            "line": {"width": 1.2 if front else 0, "color": "white"},
        }
        points = [(r.joules, r.accuracy, r.trial, hover(r, quality)) for r in rows]
        bars = _error_bars(rows) if front else {}
        traces.append({**_markers(side, points, marker), **bars, "meta": {"groups": names}})
    return traces


def _error_bars(rows: Sequence[Row]) -> JsonDict:
    bars: JsonDict = {"type": "data", "thickness": 1.1, "width": 0, "color": "#6b7784"}
    up = [row.accuracy_high - row.accuracy for row in rows]
    down = [row.accuracy - row.accuracy_low for row in rows]
    return {
        "error_x": {**bars, "array": [row.noise_joules for row in rows]},
        "error_y": {**bars, "symmetric": False, "array": up, "arrayminus": down},
    }


def _shared(front: Sequence[Row]) -> str:
    """A line on what bars along the joules leave out, since it moves all points alike."""
    known = [row for row in front if row.joules > 0]
    own = max((row.noise_joules / row.joules for row in known), default=0.0)
    everything = max((row.uncertainty_joules / row.joules for row in known), default=0.0)
    if not everything:
        return ""
    return (
        f"<br><span style='font-size:.8em'>bars: beside the other points, at most ±"
        f" {100 * own:.2g} %; run again, all together within ± {100 * everything:.2g} %</span>"
    )


def _step(front: Sequence[Row], edge: float) -> JsonDict:
    """The front holds its accuracy until more joules buy more: up to the right edge."""
    return {
        "type": "scatter",
        "mode": "lines",
        "name": "front",
        "showlegend": False,
        "hoverinfo": "skip",
        "x": [row.joules for row in front] + [edge for _ in front[-1:]],
        "y": [row.accuracy for row in (*front, *front[-1:])],
        "line": {"shape": "hv", "color": INK, "width": 1.6},
    }


def _crosses(priced: PricedStudy, edge: float, floor: float) -> JsonDict:
    """Infeasible trials have no accuracy: they lie on the floor, at the joules they took.

    Those that took less than the left edge lie on it; the label gives the joules.
    """
    points: list[tuple[float, float, int, str]] = []
    for row in priced.infeasible:
        if row.joules is not None:
            lines = [f"<b>trial {row.trial}</b>", *_settings(row)]
            lines += [f"<br>infeasible: {html.escape(row.reason)}"]
            lines += [f"{joules_text(row.joules)} of training {priced.quality}"]
            points.append((max(edge, row.joules), floor, row.trial, "<br>".join(lines)))
    trace = _markers("infeasible", points, {"symbol": "x", "size": 8, "color": FAINT})
    return {**trace, "showlegend": bool(points), "cliponaxis": False}


def _settings(row: Row | InfeasibleRow) -> list[str]:
    return [html.escape(f"{name} = {value_text(value)}") for name, value in row.params.items()]


def _joules_axis(priced: PricedStudy) -> JsonDict:
    joules = [row.joules for row in priced.ranked]
    title = f"{priced.objective.name} joules, {priced.quality}"
    axis: JsonDict = {"gridcolor": GRID, "zeroline": False, "ticks": "outside", "tickcolor": GRID}
    if not joules or min(joules) <= 0:
        limits = [min(joules, default=0.0), max(joules, default=1.0) * 1.05 or 1.0]
        return {**axis, "type": "linear", "range": limits, "title": {"text": title}}
    low, high = math.log10(min(joules)), math.log10(max(joules))
    pad = max(0.02, 0.06 * (high - low))
    axis |= {"type": "log", "range": [low - pad, high + pad], "tickformat": "~g"}
    if 0.7 < high - low < 3:
        axis["dtick"] = "D2"  # 1, 2, 5: the default labels every digit, in tiny print
    return {**axis, "title": {"text": f"{title}, log scale"}}


def _accuracy_axis(priced: PricedStudy) -> JsonDict:
    """The neighbourhood of the front; hopeless configurations lie below it, and are counted."""
    rows = priced.ranked
    lowest = min((row.accuracy for row in rows), default=0.0)
    high = max((row.accuracy_high for row in rows), default=1.0)
    foot = min((row.accuracy_low for row in priced.front), default=lowest)
    low = max(lowest, foot - 2 * (high - foot))
    pad = max(0.005, 0.04 * (high - low))
    below = sum(row.accuracy < low for row in rows)
    title = "accuracy" + (f" ({below} below: zoom out)" if below else "")
    limits = [low - pad, min(high + pad, 1 + pad / 2)]
    axis = {"gridcolor": GRID, "zeroline": False, "tickformat": ".3~f"}
    return {**axis, "title": {"text": title}, "range": limits}


def base_layout() -> JsonDict:
    """What all figures of a notebook have in common."""
    font = "ui-sans-serif, system-ui, 'Segoe UI', 'Helvetica Neue', 'Liberation Sans', sans-serif"
    return {
        "font": {"family": font, "size": 13, "color": INK},
        "margin": {"l": 64, "r": 12, "t": 32, "b": 56},
        "paper_bgcolor": "white",
        "plot_bgcolor": "white",
        # Without a colour of its own, the text takes that of the border.
        "hoverlabel": {
            "bgcolor": "white",
            "bordercolor": "#c9d3dc",
            "align": "left",
            "font": {"color": INK},
        },
        "modebar": {"color": SOFT, "activecolor": INK},
        "hovermode": "closest",
        "legend": {
            "font": {"size": 12},
            "grouptitlefont": {"size": 12},
            "tracegroupgap": 12,
            "groupclick": "toggleitem",
        },
    }
