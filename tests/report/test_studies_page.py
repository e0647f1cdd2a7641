"""The page of several studies in a browser: its points, its legend, and that it stays here."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import pytest
import toy_study
from axe_playwright_python.sync_playwright import Axe
from chromium import Tab, tab
from playwright.sync_api import Browser

from energy_sweep.front import PricedStudy
from energy_sweep.front.joint_front import JointFront
from energy_sweep.front.other_units import OtherUnits
from energy_sweep.record import Objective, StudyRecord, TrialRecord
from energy_sweep.report.studies_page import write_studies_page

pytestmark = pytest.mark.slow

HOSTILE = "<img src=x onerror=alert(1)> & co"
SMALL = toy_study.grid(batches=(16, 128), rates=(0.01,), epochs=(5, 15), levels=(0.0, 0.6))


def pruned(study: StudyRecord) -> StudyRecord:
    """The same, whose levels are those of pruning."""

    def configured(trial: TrialRecord) -> TrialRecord:
        assert trial.result is not None
        level = trial.params["compression.level"]
        config = {**trial.result.config, "compression": {"name": "prune"}, "level": level}
        return dataclasses.replace(trial, result=dataclasses.replace(trial.result, config=config))

    return dataclasses.replace(study, trials=tuple(map(configured, study.trials)))


STUDIES = {
    "first": PricedStudy(pruned(toy_study.grid(rates=(0.01,))), Objective()),
    HOSTILE: PricedStudy(SMALL, Objective()),
}
JOINT = JointFront(STUDIES)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("studies") / "studies.html"
    write_studies_page(JOINT, path, apart=("are <b>not</b> alike",), units=OtherUnits.of(grid="FR"))
    return path.as_uri()


@pytest.fixture(scope="module", params=["light", "dark"])
def shown(request: pytest.FixtureRequest, chromium: Browser, address: str) -> Iterator[Tab]:
    with tab(chromium, color_scheme=request.param, viewport={"width": 390, "height": 844}) as found:
        found.page.goto(address)
        found.page.wait_for_selector("#fronts-figure path.point")
        yield found
        assert found.complaints == [] and found.abroad == []


def test_its_points_are_the_members_of_the_fronts(shown: Tab) -> None:
    traces = shown.page.evaluate(
        "document.getElementById('fronts-figure').data.map("
        "({mode, x, y, customdata, marker}) => ({mode, x, y, customdata, marker}))"
    )
    fronts = [one for one in traces if one["mode"] == "markers"][1::2]
    for name, trace in zip(STUDIES, fronts, strict=True):
        rows = STUDIES[name].front
        assert trace["customdata"] == [row.trial for row in rows]
        assert trace["x"] == [row.joules for row in rows]
        assert trace["y"] == [row.accuracy for row in rows]
        marks = zip(trace["customdata"], trace["marker"]["symbol"], strict=True)
        filled = tuple(trial for trial, mark in marks if mark == "circle")
        assert filled == JOINT.survivors(name)


def test_it_fits_a_phone_and_axe_finds_nothing_serious(shown: Tab) -> None:
    assert shown.page.evaluate("document.documentElement.scrollWidth") <= 390
    response = Axe().run(shown.page).response
    serious = [one for one in response["violations"] if one["impact"] in ("serious", "critical")]
    assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in serious] == []
    assert len(response["passes"]) > 10


def test_names_are_words_and_no_markup(shown: Tab) -> None:
    assert shown.page.locator("main img, main b").count() == 0
    text = shown.page.locator("main").inner_text()
    assert HOSTILE in text and "the studies are <b>not</b> alike" in text
    assert "FR 2024" in text


def test_a_click_on_the_legend_hides_a_study(shown: Tab) -> None:
    points = "document.querySelectorAll('#fronts-figure path.point').length"
    before = shown.page.evaluate(points)
    shown.page.locator("#fronts-figure .legendtoggle").first.click()
    shown.page.wait_for_function(f"{points} < {before}")
    shown.page.locator("#fronts-figure .legendtoggle").first.click()
    shown.page.wait_for_function(f"{points} == {before}")


def test_each_study_is_drawn_by_technique(shown: Tab) -> None:
    shown.page.evaluate("dispatchEvent(new Event('beforeprint'))")
    shown.page.wait_for_selector("#technique-lines-0 .point")
    shown.page.evaluate("dispatchEvent(new Event('afterprint'))")
    drawn = "id => document.getElementById(id).data.map(({name, x, y}) => [name, [...x], [...y]])"
    rows = STUDIES["first"].rows
    dense, prune = shown.page.evaluate(drawn, "technique-scatter-0")
    assert (dense[0], prune[0]) == ("dense", "prune")
    assert sorted(dense[1] + prune[1]) == sorted(row.joules for row in rows)
    [(name, levels, efficiencies)] = shown.page.evaluate(drawn, "technique-lines-0")
    assert (name, levels) == ("prune", [0, 0.5])
    best = [max(r.accuracy / r.joules for r in rows if r.level == level) for level in levels]
    assert efficiencies == pytest.approx(best)
    [(only, *_)] = shown.page.evaluate(drawn, "technique-scatter-1")
    assert only == "dense"
