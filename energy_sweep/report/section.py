"""A part of the page below its top: what to show of a study, and which script draws it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from energy_sweep.front import PricedStudy


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One section of the page.

    `html` is its body below the title, escaped, with places for figures such as
    `<div class="plot" id="bill-figure">`. `data` are plain values for `script`, the name of a file
    in `report/page/` that draws it: `page.section(key, (data, root) => ...)`.
    """

    key: str
    title: str
    html: str
    data: Any = None
    script: str | None = None


# What makes one of a study, or None where there is nothing to show.
MakeSection = Callable[[PricedStudy], Section | None]
