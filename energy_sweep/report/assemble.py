"""One HTML file out of the small ones of `page/`: styles, scripts, sections, and their data."""

from __future__ import annotations

import html
import json
from collections.abc import Iterable, Sequence
from importlib import resources
from string import Template
from typing import Any

from energy_sweep.report.section import Section

STYLES = ("style.css", "top.css", "tables.css", "sections.css")
# In this order: the first makes the object that the others add to.
BASE = ("core.js", "theme.js", "format.js", "plot.js", "stacked.js")
# Those of one study, too.
SCRIPTS = (
    *BASE,
    *("rows.js", "pricing.js", "objective.js", "encoding.js"),
    *("front.js", "front_controls.js", "points.js"),
    *("headline.js", "objective_controls.js", "compare.js", "trials.js", "copy.js"),
    "follow.js",
)


def assemble_page(
    *,
    title: str,
    top: str,
    data: Any,
    sections: Sequence[Section],
    scripts: Sequence[str] = SCRIPTS,
) -> str:
    """A page that asks nothing of any network; `top` is escaped HTML, `data` plain values."""
    # Plotly is slow to import, and the tables do not need it.
    from plotly.offline import get_plotlyjs  # pyright: ignore[reportMissingTypeStubs]

    drawing = dict.fromkeys(one.script for one in sections if one.script is not None)
    with_data = [one for one in sections if one.data is not None]
    return Template(_text("page.html")).substitute(
        title=html.escape(title),
        style=_texts(STYLES),
        top=top,
        sections="\n".join(map(_section, sections)),
        data="\n".join([_data("page", data), *(_data(one.key, one.data) for one in with_data)]),
        plotly=str(get_plotlyjs()),
        scripts=_texts((*scripts, *drawing)),
    )


def _section(one: Section) -> str:
    name = html.escape(one.key)
    return (
        f'<section id="{name}" aria-labelledby="{name}-title">'
        f'<h2 id="{name}-title">{html.escape(one.title)}</h2>\n{one.html}\n</section>'
    )


def _data(key: str, data: Any) -> str:
    """Values that a script reads; no text in them can end the element."""
    text = json.dumps(data, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")
    return f'<script type="application/json" id="data-{html.escape(key)}">{text}</script>'


def _texts(names: Iterable[str]) -> str:
    return "\n".join(_text(name).strip() for name in names)


def _text(name: str) -> str:
    found = resources.files("energy_sweep.report").joinpath("page", name)
    return found.read_text(encoding="utf-8")
