"""Pages of studies that are empty, damaged, hostile or large."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path
from typing import Any

import page_study
import pytest
import toy_study
from chromium import tab
from playwright.sync_api import Browser, Page

from energy_sweep.front import front_document
from energy_sweep.record import Objective, StudyRecord
from energy_sweep.report.html_page import write_report

pytestmark = pytest.mark.slow

POINTS = "#front path.point"
STUDY = page_study.small()
MOST_BYTES, MOST_OPENING, MOST_CLICK = 15e6, 5.0, 0.2
SLOW_MACHINE = 4.0  # times as long as that is taken for the load of other tests
SEE = """asked => {
  const now = page.setObjective({rate: null, ...asked});
  return [now.front.map((row) => row.trial), now.rows.map((row) => [row.joules, row.perImage])];
}"""


def seen_of(chromium: Browser, study: StudyRecord, objective: Objective, path: Path) -> Any:
    """Opens the page of a study, and gives what asks it for a front by an objective."""
    write_report(study, objective, path)
    with tab(chromium) as found:
        found.page.goto(path.as_uri())
        found.page.wait_for_selector("#headline p")
        found.page.evaluate("dispatchEvent(new Event('beforeprint'))")
        told = {
            name: found.page.evaluate(SEE, {"name": name, "images": 1000})
            for name in ("training", "inference", "lifetime")
        }
        told["headline"] = found.page.locator("#headline").inner_text()
        assert found.complaints == []
    return told


def test_nets_that_were_never_run_cost_their_training(chromium: Browser, tmp_path: Path) -> None:
    uses = [("trunk", "trunk", "epoch", 2.0)], [("trunk", "more", "epoch", 3.0)]
    trials = [toy_study.trial(n, use, correct=340 + n, lr=n) for n, use in enumerate(uses)]
    stages = [toy_study.stage("trunk", k, "epoch", (3, 3.0, 0.1)) for k in ("trunk", "more")]
    study = toy_study.study(trials, stages)
    told = seen_of(chromium, study, Objective(), tmp_path / "trained.html")
    for name in ("training", "inference", "lifetime"):
        document = front_document(study, Objective(name=name, images=1000))
        assert told[name][0] == [row["trial"] for row in document["front"]]
        by_trial = sorted((*document["front"], *document["dominated"]), key=lambda r: r["trial"])
        assert told[name][1] == [[row["joules"], row["joules_per_image"]] for row in by_trial]


def test_what_has_lost_its_readings_is_left_out(chromium: Browser, tmp_path: Path) -> None:
    stages = {key: one for key, one in STUDY.stages.items() if one.stage != "infer"}
    study = dataclasses.replace(STUDY, stages=stages)
    objective = Objective(name="training")
    told = seen_of(chromium, study, objective, tmp_path / "unpriced.html")
    document = front_document(study, objective)
    assert told["training"][0] == [row["trial"] for row in document["front"]] != []
    assert told["inference"] == told["lifetime"] == [[], []]
    assert "Nothing measured yet that has a price" in told["headline"]


def test_a_study_without_trials_has_a_page(chromium: Browser, tmp_path: Path) -> None:
    told = seen_of(chromium, toy_study.study([], []), Objective(), tmp_path / "empty.html")
    assert told["lifetime"] == [[], []] and "Nothing measured yet" in told["headline"]


def test_names_of_a_study_are_words_and_nothing_else(chromium: Browser, tmp_path: Any) -> None:
    bad = "<img src=x onerror='window.harmed = true'><script>window.harmed = true</script>"
    uses = [("trunk", "trunk", "epoch", 1.0)]
    trials = [
        toy_study.trial(0, uses, correct=340, **{f"axis {bad}": bad, "batch": 32}),
        toy_study.trial(1, uses, correct=300, **{f"axis {bad}": "plain", "batch": 64}),
        toy_study.trial(2, uses, correct=None, **{f"axis {bad}": bad, "batch": 64}),
    ]
    made = toy_study.study(trials, [toy_study.stage("trunk", "trunk", "epoch", (1, 1.0, 0.0))])
    path = tmp_path / "hostile.html"
    write_report(dataclasses.replace(made, name=bad), Objective(name="training"), path)
    with tab(chromium) as found:
        found.page.goto(path.as_uri())
        found.page.wait_for_selector(POINTS)
        found.page.evaluate("dispatchEvent(new Event('beforeprint'))")
        found.page.evaluate("page.pin(0, 1)")
        found.page.locator("#facet-by").select_option(index=1)
        found.page.locator(POINTS).first.hover(force=True)
        found.page.wait_for_selector("#front .hovertext")
        assert found.page.evaluate("window.harmed") is None
        assert found.page.locator("main img, main script").count() == 0
        assert "<img" in found.page.locator("#compare").inner_text()
        assert found.complaints == []


def test_five_thousand_configurations_open_fast(chromium: Browser, large_page: Path) -> None:
    path = large_page
    assert path.stat().st_size < MOST_BYTES
    with tab(chromium) as found:
        start = time.monotonic()
        found.page.goto(path.as_uri())
        found.page.wait_for_selector("#trials-body tr")
        found.page.wait_for_selector(POINTS)
        opening = time.monotonic() - start
        assert found.page.locator(POINTS).count() == 5000
        took = clicked(found.page)
        megabytes = path.stat().st_size / 1e6
        print(f"5,000: {megabytes:.1f} MB, opened in {opening:.2f} s, a click took {took:.3f} s")
        assert opening < SLOW_MACHINE * MOST_OPENING
        assert took < SLOW_MACHINE * MOST_CLICK
        assert found.page.locator("#trials-body tr").count() <= 100
        assert found.complaints == []


def test_five_thousand_are_thinned_and_said_to_be(chromium: Browser, large_page: Path) -> None:
    with tab(chromium) as found:
        page = found.page
        page.goto(large_page.as_uri())
        page.wait_for_selector("#front path.point")
        took = page.evaluate(
            "(() => { const at = performance.now(); dispatchEvent(new Event('beforeprint'));"
            " return performance.now() - at; })()"
        )
        assert took < 8000, "all sections of 5,000 configurations"
        page.wait_for_selector("#growth-figure .point")
        assert "of 4," in page.inner_text("#axes-shown")
        assert "of 5,000 are drawn, evenly" in page.inner_text("#parallel-shown")
        assert "of 5,000 are drawn, evenly" in page.inner_text("#efficiency-shown")
        assert page.locator("#axis-0-figure path.point").count() < 2500
        assert found.complaints == []


def clicked(page: Page) -> float:
    """Seconds from a click on a point until both figures and table have answered."""
    page.evaluate(
        """() => {
          addEventListener("mouseup", () => { window.pressed = performance.now(); }, true);
          page.on("pin", () => requestAnimationFrame(() => setTimeout(() => {
            window.answered = performance.now() - window.pressed;
          })));
        }"""
    )
    mark = page.locator("#front .scatterlayer .trace").nth(2).locator(".point").nth(2)
    mark.scroll_into_view_if_needed()
    box = mark.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.wait_for_selector("#front .hovertext")
    page.mouse.down()
    page.mouse.up()
    page.wait_for_function("window.answered > 0")
    assert page.evaluate("page.pinned[1]") is not None
    return page.evaluate("window.answered") / 1000
