"""Code that decides keys, weights or costs gives what it gave, or says so by a version.

Keys are the same everywhere. Weights are compared bit for bit where torch, ONNX Runtime and the
processor are those of the golden values, else by their norms within 5 %.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from trial import golden

from energy_sweep.recipe.stages import VERSIONS

RECIPES = golden.recipes()
ANEW = "python -m tests.trial.golden"


def test_every_recipe_has_golden_values() -> None:
    assert golden.known()[1].keys() == RECIPES.keys()


def test_the_recipes_pass_through_every_stage() -> None:
    stages = {one.stage for found in golden.known()[1].values() for one in found}
    assert stages == VERSIONS.keys()


@pytest.mark.parametrize("name", RECIPES)
@pytest.mark.no_cover
def test_golden_values_are_found_again(name: str) -> None:
    taken_on, known = golden.known()
    now = golden.measure(RECIPES[name])
    renamed, silent = golden.changes(known[name], now, exact=taken_on == golden.here())
    if silent:
        pytest.fail(f"{name}: {silent[0]} (or mend the code), then type {ANEW}", pytrace=False)
    if renamed:
        pytest.fail(
            f"{name}: {renamed[0]}, so that studies of before run it anew: if that is meant,"
            f" type {ANEW}",
            pytrace=False,
        )


def test_what_changed_is_named() -> None:
    _, known = golden.known()
    before = known["trunk"]
    trunk = [one.stage for one in before].index("trunk")
    one = before[trunk]

    def with_another(**changes: Any) -> list[golden.Golden]:
        return [*before[:trunk], dataclasses.replace(one, **changes), *before[trunk + 1 :]]

    def said(now: list[golden.Golden], *, exact: bool = True) -> tuple[list[str], list[str]]:
        return golden.changes(before, now, exact=exact)

    assert said(before) == ([], [])
    assert "VERSIONS['trunk']" in said(with_another(weights="0"))[1][0]
    assert said(with_another(weights="0"), exact=False) == ([], [])
    assert said(with_another(norm=2 * (one.norm or 0)), exact=False)[1]
    assert "costs" in said(with_another(units=7.0))[1][0]
    assert "costs" in said(with_another(joules=7.0))[1][0]
    assert said(with_another(work_key="0", weights="0")) == (
        ["stage trunk has another work key"],
        [],
    )
    assert said(with_another(cost_key="0", joules=7.0)) == (
        ["stage trunk has another cost key"],
        [],
    )
    assert "the stages are now" in said(before[1:])[0][0]
