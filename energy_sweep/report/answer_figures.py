"""Plotly figures of what a study answers, as plain data: which axis matters, how its front grew."""

from __future__ import annotations

import html

from energy_sweep.front import PricedStudy
from energy_sweep.front.growth import LEAST_GAIN, growth
from energy_sweep.front.importance import TARGETS
from energy_sweep.record import BadInput, JsonDict
from energy_sweep.report.figures import GRID, PALETTE, base_layout


def importance_figure(priced: PricedStudy) -> JsonDict:
    """By axis, the share of the variance of accuracy and of log joules that it explains alone.

    BadInput where that is not known: too few configurations, or nothing that varies.
    """
    found = priced.importance
    if found is None:
        raise BadInput(
            f"{priced.study.name}: which axis matters takes four configurations that differ in"
            " accuracy and in joules: sweep over more values"
        )
    data: list[JsonDict] = []
    for target, colour in zip(TARGETS, PALETTE, strict=False):
        shares = [one[target] for one in found.axes.values()]
        data.append(
            {
                "type": "bar",
                "orientation": "h",
                "name": target if target == "accuracy" else f"joules, {priced.quality}",
                "x": [share.share for share in shares],
                "y": [html.escape(axis) for axis in found.axes],
                "marker": {"color": colour},
                "error_x": {
                    "type": "data",
                    "symmetric": False,
                    "array": [share.high - share.share for share in shares],
                    "arrayminus": [share.share - share.low for share in shares],
                    "thickness": 1.1,
                },
            }
        )
    title = {"text": "share of the variance, explained alone"}
    layout = base_layout() | {
        "barmode": "group",
        "xaxis": {"title": title, "range": [0, 1.02], "tickformat": ".0%", "gridcolor": GRID},
        "yaxis": {"autorange": "reversed", "automargin": True},
    }
    return {"data": data, "layout": layout}


def growth_figure(priced: PricedStudy) -> JsonDict:
    """The share of the final front's area that was known, against all joules spent by then."""
    steps = growth(priced)
    if not steps:
        raise BadInput(f"{priced.study.name} has no front yet: nothing has grown")
    line = {
        "type": "scatter",
        "mode": "lines",
        "name": "known",
        "x": [0.0, *(step.spent_joules for step in steps), priced.spent_joules],
        "y": [0.0, *(step.share for step in steps), steps[-1].share],
        "line": {"shape": "hv", "color": PALETTE[0]},
        "hoverinfo": "skip",
        "showlegend": False,
    }
    gains = [step for step in steps if step.gained > LEAST_GAIN]
    marks = {
        "type": "scatter",
        "mode": "markers",
        "name": "enlarged",
        "x": [step.spent_joules for step in gains],
        "y": [step.share for step in gains],
        "text": [f"trial {step.trial} brought {100 * step.gained:.2g} %" for step in gains],
        "hovertemplate": "%{text}<extra></extra>",
        "marker": {"color": PALETTE[0], "size": 8},
        "showlegend": False,
    }
    layout = base_layout() | {
        "xaxis": {"title": {"text": f"joules spent, {priced.quality}"}, "gridcolor": GRID},
        "yaxis": {
            "title": {"text": "share of the final front"},
            "tickformat": ".0%",
            "range": [0, 1.04],
            "gridcolor": GRID,
        },
    }
    return {"data": [line, marks], "layout": layout}
