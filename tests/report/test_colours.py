"""Colours of the page, as those see them who lack a kind of cones."""

from __future__ import annotations

import itertools
import math
import re
from pathlib import Path

import pytest

from energy_sweep.report import html_page

STYLE = Path(html_page.__file__).parent / "page" / "style.css"
# What the three kinds of cones make of linear red, green and blue where one is missing (Machado,
# Oliveira and Fernandes, 2009, at severity 1).
BLIND = {
    "protan": ((0.152, 1.053, -0.205), (0.115, 0.786, 0.099), (-0.004, -0.048, 1.052)),
    "deutan": ((0.367, 0.861, -0.228), (0.280, 0.673, 0.047), (-0.012, 0.043, 0.969)),
    "tritan": ((1.256, -0.077, -0.179), (-0.078, 0.931, 0.148), (0.005, 0.691, 0.304)),
}
# About five just noticeable differences (CIE 1976).
APART = 12.0


def linear(colour: str) -> list[float]:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    return [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]


def lab(light: list[float]) -> tuple[float, float, float]:
    r, g, b = (min(1.0, max(0.0, part)) for part in light)
    x = (0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.9505
    y = 0.2126 * r + 0.7152 * g + 0.0722 * b
    z = (0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.089
    fx, fy, fz = (t ** (1 / 3) if t > 0.008856 else 7.787 * t + 16 / 116 for t in (x, y, z))
    return 116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)


def seen(colour: str, kind: str | None) -> tuple[float, float, float]:
    light = linear(colour)
    if kind is not None:
        light = [sum(a * b for a, b in zip(row, light, strict=True)) for row in BLIND[kind]]
    return lab(light)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("kind", [None, *BLIND])
def test_colours_are_told_apart_by_the_colour_blind_too(scheme: str, kind: str | None) -> None:
    light, dark = STYLE.read_text(encoding="utf-8").split("@media", 1)
    style = light if scheme == "light" else dark
    for name in ("colour", "ramp"):
        colours = re.findall(rf"--{name}-\d: (#[0-9a-f]{{6}})", style)
        assert len(colours) == (8 if name == "colour" else 5)
        for one, other in itertools.combinations(colours, 2):
            apart = math.dist(seen(one, kind), seen(other, kind))
            assert apart > APART, (name, one, other, apart)
