"""The figures below the top, in a browser: their points are the rows of `front --json`."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import page_study
import pytest
from chromium import Tab
from playwright.sync_api import Browser

from energy_sweep.front import PricedStudy, front_document
from energy_sweep.front.importance import axis_text, ordered_values
from energy_sweep.record import Objective

pytestmark = pytest.mark.slow

STUDY = page_study.by_epoch(page_study.small())
OBJECTIVES = (
    Objective(name="training"),
    Objective(name="inference"),
    Objective(name="lifetime", images=2000),
)
# The traces of a figure: plain lists, however Plotly keeps them.
TRACES = """id => document.getElementById(id).data.map((trace) => ({
  name: trace.name, yaxis: trace.yaxis ?? "y", mode: trace.mode,
  x: [...trace.x], y: [...trace.y], trials: trace.customdata ? [...trace.customdata] : [],
}))"""


@pytest.fixture(scope="module")
def opened(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    with page_study.opened_page(chromium, STUDY, tmp_path_factory.mktemp("looks")) as found:
        found.page.evaluate("dispatchEvent(new Event('beforeprint'))")
        found.page.wait_for_selector("#growth-figure .point")
        yield found


@pytest.fixture(params=OBJECTIVES, ids=lambda one: one.name)
def asked(request: pytest.FixtureRequest, opened: Tab) -> tuple[Tab, dict[int, dict[str, Any]]]:
    """The page switched to an objective, and the rows of the document by trial."""
    objective: Objective = request.param
    opened.page.evaluate(
        "asked => void page.setObjective(asked)",
        {"name": objective.name, "images": objective.images},
    )
    document = front_document(STUDY, objective)
    return opened, {row["trial"]: row for row in (*document["front"], *document["dominated"])}


def traces(opened: Tab, figure: str) -> list[dict[str, Any]]:
    """Those of a figure, once all that is out of sight has followed what was asked."""
    opened.page.evaluate("dispatchEvent(new Event('beforeprint'))")
    return opened.page.evaluate(TRACES, figure)


def test_the_points_along_axes_are_the_rows(asked: tuple[Tab, dict[int, dict[str, Any]]]) -> None:
    opened, rows = asked
    axes = list(PricedStudy(STUDY).axes)
    for place, axis in enumerate(axes):
        texts = ordered_values([row["params"][axis] for row in rows.values()])
        drawn: defaultdict[str, list[int]] = defaultdict(list)
        for trace in traces(opened, f"axis-{place}-figure"):
            figure = "joules" if trace["yaxis"] == "y2" else "accuracy"
            for trial, x, y in zip(trace["trials"], trace["x"], trace["y"], strict=False):
                drawn[figure].append(trial)
                assert texts[x] == axis_text(rows[trial]["params"][axis])
                assert y == pytest.approx(rows[trial][figure], rel=1e-12)
        assert sorted(drawn["accuracy"]) == sorted(drawn["joules"]) == sorted(rows)


def test_efficiency_is_accuracy_over_joules(asked: tuple[Tab, dict[int, dict[str, Any]]]) -> None:
    opened, rows = asked
    below, above, [best] = (
        list(zip(trace["trials"], trace["y"], strict=True))
        for trace in traces(opened, "efficiency-figure")
    )
    assert sorted(trial for trial, _ in (*below, *above)) == sorted(rows)
    for trial, value in (*below, *above):
        assert value == pytest.approx(rows[trial]["accuracy"] / rows[trial]["joules"], rel=1e-12)
    floor = float(opened.page.input_value("#efficiency-floor"))
    assert {trial for trial, _ in above} == {
        trial for trial, row in rows.items() if row["accuracy"] >= floor
    }
    assert best[1] == max(value for _, value in above)
    assert f"trial {best[0]} " in opened.page.inner_text("#efficiency-said")


def test_the_least_accuracy_is_the_users_to_set(opened: Tab) -> None:
    said = "document.getElementById('efficiency-said').textContent"
    change = """value => {
      const floor = document.getElementById("efficiency-floor");
      floor.value = value;
      floor.dispatchEvent(new Event("input"));
    }"""
    before = opened.page.input_value("#efficiency-floor")
    highest = opened.page.get_attribute("#efficiency-floor", "max") or ""
    opened.page.evaluate(change, highest)
    strict = opened.page.evaluate(said)
    opened.page.evaluate(change, before)
    assert strict != opened.page.evaluate(said)
    assert f"{float(highest):.3f} or more" in strict or "No configuration" in strict


def test_bars_of_stages_and_domains_add_up(asked: tuple[Tab, dict[int, dict[str, Any]]]) -> None:
    opened, rows = asked
    members = opened.page.evaluate("page.now.front.map((row) => row.trial)")
    for figure in ("stages-figure", "domains-figure"):
        sums: defaultdict[int, list[float]] = defaultdict(list)
        for trace in traces(opened, figure):
            for trial, joules in zip(trace["trials"], trace["x"], strict=True):
                sums[trial].append(joules)
        assert set(members) <= sums.keys()
        for trial, parts in sums.items():
            assert math.fsum(parts) == pytest.approx(rows[trial]["joules"], rel=1e-12)


def test_lines_of_lengths_are_rows(asked: tuple[Tab, dict[int, dict[str, Any]]]) -> None:
    opened, rows = asked
    behind, *coloured = traces(opened, "lengths-figure")
    points = [(x, y) for x, y in zip(behind["x"], behind["y"], strict=True) if x is not None]
    for line in coloured:
        for trial, x, y in zip(line["trials"], line["x"], line["y"], strict=True):
            assert (x, y) == (rows[trial]["params"]["epochs"], rows[trial]["accuracy"])
            points.append((x, y))
    wanted = [(row["params"]["epochs"], row["accuracy"]) for row in rows.values()]
    assert sorted(points) == sorted(wanted)


def test_what_is_pinned_is_shown_everywhere(opened: Tab) -> None:
    opened.page.evaluate("void page.setObjective({name: 'training'})")
    [trial, *_] = opened.page.evaluate("page.now.dominated.map((row) => row.trial)")
    opened.page.evaluate("trial => page.select(trial)", trial)
    for figure in ("stages-figure", "lengths-figure", "losses-figure", "parallel-figure"):
        drawn = {trial for trace in traces(opened, figure) for trial in trace["trials"]}
        assert trial in drawn, figure
    opened.page.evaluate("trial => page.select(trial)", trial)
    drawn = {trial for trace in traces(opened, "parallel-figure") for trial in trace["trials"]}
    assert trial not in drawn


def test_what_is_out_of_sight_follows_when_it_comes_to_be_seen(opened: Tab) -> None:
    page = opened.page
    names = "[...document.getElementById('stages-figure').data[0].customdata].join()"
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.evaluate("scrollTo(0, 0)")
    page.wait_for_timeout(100)
    before = page.evaluate(names)
    [trial, *_] = page.evaluate("page.now.dominated.map((row) => row.trial)")
    page.evaluate("trial => page.pin(trial)", trial)
    assert page.evaluate(names) == before
    page.locator("#stages-figure").scroll_into_view_if_needed()
    page.wait_for_function(f"{names} !== {before!r}")
    assert str(trial) in page.evaluate(names).split(",")


def test_a_click_on_a_point_below_pins_it(opened: Tab) -> None:
    opened.page.evaluate("page.pin(null)")
    point = opened.page.locator("#growth-figure path.point").last
    point.scroll_into_view_if_needed()
    box = point.bounding_box()
    assert box is not None
    opened.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    opened.page.wait_for_function("page.pinned[0] !== null")
    assert opened.page.evaluate("page.pinned[0]") in traces(opened, "growth-figure")[1]["trials"]


def test_what_compression_kept_is_drawn_of_the_trial_that_is_chosen(opened: Tab) -> None:
    row = next(one for one in PricedStudy(STUDY).rows if one.params["compression.level"])
    opened.page.select_option("#kept-trial", str(row.trial))
    said = f"Trial {row.trial} has 9 of 28 weights left (32 %): from 25 % of head to 50 % of conv."
    assert opened.page.inner_text("#kept-said") == said
    [bars] = opened.page.evaluate(TRACES, "kept-layers-figure")
    assert bars["x"] == [0.5, 0.25]
    drawn = opened.page.evaluate("[...document.getElementById('kept-first-figure').data[0].z]")
    # Two kernels beside each other, with a gap between them.
    assert drawn == [[0, 1, None, 1, 1], [1, 0, None, 0, 0]]


def test_joules_to_an_accuracy_are_those_of_the_cheapest_that_reaches_it(
    asked: tuple[Tab, dict[int, dict[str, Any]]],
) -> None:
    opened, rows = asked
    opened.page.select_option("#target-axis", label="batch")
    lines = traces(opened, "target-figure")
    assert len(lines) > 1
    for line in lines:
        least = float(line["name"]) - 5e-4  # as it is written
        for batch, joules, trial in zip((32, 64), line["y"], line["trials"], strict=True):
            fits = [
                row["joules"]
                for row in rows.values()
                if row["params"]["batch"] == batch and row["accuracy"] >= least
            ]
            assert (joules is None) == (not fits)
            if trial is not None:
                assert joules == pytest.approx(min(fits))
                assert rows[trial]["joules"] == pytest.approx(joules)
