"""What clicks and choices at the top of the page change."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import page_study
import pytest
from chromium import Tab
from playwright.sync_api import Browser, Page, expect

from energy_sweep.front import PricedStudy, choose, command, front_document
from energy_sweep.record import Objective

pytestmark = pytest.mark.slow

STUDY = page_study.small()
PRICED = PricedStudy(STUDY)
DOCUMENT = front_document(STUDY, Objective())
ROWS = [*DOCUMENT["front"], *DOCUMENT["dominated"]]
CROSSES = len(DOCUMENT["infeasible"])
POINTS = "#front path.point"


@pytest.fixture(scope="module")
def opened(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    with page_study.opened_page(chromium, STUDY, tmp_path_factory.mktemp("top")) as found:
        yield found


@pytest.fixture
def page(opened: Tab) -> Page:
    """The page as it was opened."""
    opened.page.reload()
    expect(opened.page.locator(POINTS)).to_have_count(len(ROWS) + CROSSES)
    return opened.page


def point(page: Page, trial: int) -> Any:
    """The mark of a trial in the figure."""
    name = "front" if trial in [row["trial"] for row in DOCUMENT["front"]] else "dominated"
    at = page.evaluate(
        "([name, trial]) => { const data = document.getElementById('front').data;"
        " const curve = data.findIndex((one) => one.name === name);"
        " return [curve, data[curve].customdata.indexOf(trial)]; }",
        [name, trial],
    )
    return page.locator("#front .scatterlayer .trace").nth(at[0]).locator(".point").nth(at[1])


def entry(page: Page, name: str, value: str) -> Any:
    """The legend entry of a value of an axis."""
    group = page.locator(".legend-group", has_text=name)
    return group.get_by_role("button", name=value, exact=True)


def pinned(page: Page) -> list[int | None]:
    return page.evaluate("page.pinned")


def test_the_box_names_the_choice_its_saving_and_what_to_type(page: Page) -> None:
    choice = choose(PRICED)
    box = page.locator("#headline")
    expect(box).to_contain_text(f"Trial {choice.row.trial}: accuracy {choice.row.accuracy:.3f}")
    best = DOCUMENT["front"][-1]
    assert best["trial"] != choice.row.trial
    saved = 1 - choice.row.joules / best["joules"]
    expect(box).to_contain_text(f"{100 * saved:.0f} % fewer joules")
    assert choice.sureness is not None and choice.sureness.beats_runner_up is not None
    expect(box).to_contain_text(f"better trade than trial {choice.sureness.runner_up}")
    run, take = box.locator("code").all_inner_texts()
    assert run == command(STUDY.trials[choice.row.trial])
    words = f"python -m energy_sweep deploy toy --trial {choice.row.trial} --to deployed"
    assert take == words
    box.get_by_role("button").last.click()
    expect(box.get_by_role("button").last).to_have_text("Copied")
    assert page.evaluate("getSelection().toString()") == words


def test_a_click_pins_a_point_and_shows_it_beside_the_choice(page: Page) -> None:
    first, best = choose(PRICED).row.trial, DOCUMENT["front"][-1]["trial"]
    assert pinned(page) == [first, best]
    other = next(row for row in DOCUMENT["front"] if row["trial"] not in (first, best))
    point(page, other["trial"]).click(force=True)
    assert pinned(page) == [first, other["trial"]]
    expect(page.locator("#marks .pinned")).to_have_count(2)
    table = page.locator("#compare table")
    [a] = [row for row in ROWS if row["trial"] == first]
    for name, value in other["params"].items():
        line = table.locator("tr", has=page.get_by_role("rowheader", name=name, exact=True))
        cells = line.locator("td").all_inner_texts()
        assert cells[:2] == [str(a["params"][name]), str(value)]
        differs = a["params"][name] != value
        assert ("differs" in (line.get_attribute("class") or "")) == differs
    on_gpu = table.locator("tr", has_text="an image on gpu").locator("td").all_inner_texts()
    assert on_gpu[:2] == [f"{0.75 * row['joules_per_image']:.3g} J" for row in (a, other)]
    cheap, dear = sorted((a, other), key=lambda row: row["joules"])
    saved = 1 - cheap["joules"] / dear["joules"]
    said = page.locator("#compare p").first.inner_text()
    assert f"{100 * saved:.0f} %" in said or f"{100 * saved:.2g} %" in said
    expect(page.locator("#sureness")).to_contain_text(sureness(a, other))
    # A third follows the second; a click on a pinned one lets it go.
    third = DOCUMENT["dominated"][0]["trial"]
    page.evaluate(f"page.select({third})")
    assert pinned(page) == [first, third]
    page.evaluate(f"page.select({first})")
    assert pinned(page) == [third, None]


def sureness(a: dict[str, Any], b: dict[str, Any]) -> str:
    """What the document says of two rows."""
    if b["trial"] in a["rivals"] or a["trial"] in b["rivals"]:
        return "They are rivals"
    if b["trial"] in a["beaten_by"]:
        return "B beats A"
    return "A beats B" if a["trial"] in b["beaten_by"] else "The difference is sure"


def test_sureness_is_that_of_the_document_for_every_pair(page: Page) -> None:
    members = {row["trial"] for row in DOCUMENT["front"]}
    told = set[str]()
    for a in DOCUMENT["front"]:
        for b in ROWS:
            if a["trial"] != b["trial"]:
                page.evaluate(f"page.pin({a['trial']}, {b['trial']})")
                text = page.locator("#sureness").inner_text()
                wanted = sureness(a, b)
                assert wanted in text
                told.add(wanted)
                pair = sorted((a["trial"], b["trial"]))
                depends = pair in [list(one) for one in DOCUMENT["scale_dependent"]]
                assert ("depends on the unknown factors" in text) == depends
    assert len(told) > 1 and members
    others = [row["trial"] for row in DOCUMENT["dominated"]][:2]
    page.evaluate(f"page.pin({others[0]}, {others[1]})")
    expect(page.locator("#sureness")).to_contain_text("Neither is on the front")


def test_the_legend_filters_and_a_double_click_leaves_one_group_alone(page: Page) -> None:
    def left(**kept: object) -> int:
        wanted = [row for row in DOCUMENT["infeasible"] + ROWS if keeps(row["params"], kept)]
        return len(wanted)

    def keeps(params: dict[str, Any], kept: dict[str, Any]) -> bool:
        return all(params[name] in values for name, values in kept.items())

    drawn = page.locator(POINTS)
    entry(page, "compression.level", "0.5").click()
    expect(drawn).to_have_count(left(**{"compression.level": [0.0]}))
    expect(entry(page, "compression.level", "0.5")).to_have_attribute("aria-pressed", "false")
    entry(page, "batch", "64").click()
    expect(drawn).to_have_count(left(batch=[32], **{"compression.level": [0.0]}))
    entry(page, "compression.level", "0.5").click()
    expect(drawn).to_have_count(left(batch=[32]))
    entry(page, "batch", "64").click()
    expect(drawn).to_have_count(left())
    entry(page, "batch", "64").dblclick()
    expect(drawn).to_have_count(left(batch=[64]))
    entry(page, "batch", "64").dblclick()
    expect(drawn).to_have_count(left())


def test_every_axis_can_be_a_colour_a_symbol_or_a_facet(page: Page) -> None:
    options = page.locator("#facet-by option").all_inner_texts()
    axes = list(ROWS[0]["params"])
    figures = ["accuracy per joule", "bytes of the file", "MACs of an image"]
    figures += ["95th percentile of latency", "latency of one image"]
    assert options == ["none", *axes, *figures, "joules per image", "seeds"]
    page.locator("#facet-by").select_option(label="epochs")
    expect(page.locator("#front .subplot")).to_have_count(2)
    counts = page.evaluate(
        "() => { const found = {}; for (const {name, xaxis, customdata} of"
        " document.getElementById('front').data) if (name !== 'line') for (const trial of"
        " customdata) (found[xaxis ?? 'x'] ??= []).push(trial); return found; }"
    )
    for axis, length in (("x", 10), ("x2", 20)):
        wanted = {row["trial"] for row in ROWS if row["params"]["epochs"] == length}
        assert set(counts[axis]) == wanted
    page.locator("#colour-by").select_option(label="latency of one image")
    assert entry(page, "latency of one image", "2 ms").count() == 1
    page.locator("#symbol-by").select_option(label="none")
    symbols = page.evaluate(
        "() => [...new Set(document.getElementById('front').data.flatMap((one) =>"
        " one.name === 'front' ? one.marker.symbol : []))]"
    )
    assert symbols == ["circle"]
    point(page, DOCUMENT["front"][0]["trial"]).click(force=True)
    assert DOCUMENT["front"][0]["trial"] in pinned(page)


def test_the_slider_and_the_switch_change_front_box_and_table(page: Page) -> None:
    page.locator("#front-box").press("ArrowRight")
    expect(page.locator("#front .hovertext")).to_have_count(1)
    page.evaluate("page.setObjective({images: 7})")
    expect(page.locator("#front .hovertext")).to_have_count(0)  # it told the joules of before
    page.get_by_role("radio", name="training").check()
    training = front_document(STUDY, Objective(name="training"))
    drawn = "document.getElementById('front').data.find((one) => one.name === 'front').x"
    page.wait_for_function(f"{drawn}.length === {len(training['front'])}")
    cheapest = training["front"][0]["joules"]
    assert page.evaluate(drawn)[0] == pytest.approx(cheapest)
    expect(page.locator("#images-slider")).to_be_disabled()
    page.get_by_role("radio", name="a life of").check()
    page.locator("#images-slider").fill("2")
    expect(page.locator("#images")).to_have_value("100")
    page.locator("#images").fill("2500000")
    page.locator("#images").press("Enter")
    long = front_document(STUDY, Objective(images=2_500_000))
    page.wait_for_function(
        f"page.now.objective.images === 2500000 && {drawn}.length === {len(long['front'])}"
    )
    expect(page.locator("#headline")).to_contain_text("2,500,000 images")
    expect(page.locator("#said-of-view")).to_contain_text("was not computed")
    first = page.locator("#trials-body tr").first.inner_text()
    least = min(long["front"] + long["dominated"], key=lambda row: row["joules"])
    assert f"{least['joules']:,.0f}" in first or f"{least['joules']:.3g}" in first


def test_waiting_for_requests_is_charged_and_said(page: Page) -> None:
    row = choose(PRICED).row
    page.locator("#rate").fill("100")
    page.locator("#rate").press("Enter")
    expect(page.locator("#said-of-view")).to_contain_text("Between requests the machine draws 3 W")
    wanted = row.joules + 100_000 * 3.0 * (1 / 100 - 1 / 1000)
    told = page.evaluate(f"page.now.byTrial.get({row.trial}).joules")
    assert told == pytest.approx(wanted)
    page.evaluate(f"page.pin({row.trial})")
    share = 100 * (1 - row.joules / wanted)
    line = page.locator("#compare tr", has_text="waiting for requests")
    expect(line).to_contain_text(f"{share:.0f} %")
    page.get_by_role("radio", name="training").check()
    expect(page.locator("#rate")).to_be_disabled()


def test_the_table_sorts_filters_and_ranks_above_the_floor(page: Page) -> None:
    body = page.locator("#trials-body")

    def trials() -> list[int]:
        return [int(text) for text in body.locator("button.pin").all_inner_texts()]

    def sort(name: str) -> None:
        page.locator("#trials-head").get_by_role("button", name=re.compile(f"^{name}")).click()

    titles = page.locator("#trials-head").inner_text()
    for axis in ROWS[0]["params"]:  # told once, or in a column of its own
        is_same = len({str(row["params"][axis]) for row in ROWS}) == 1
        assert (axis in page.locator("#trials-same").inner_text()) == is_same
        assert (axis in titles.replace("\n", "")) != is_same
    assert ("seeds" in titles) == (len({row["n"] for row in ROWS}) > 1)
    by_joules = sorted(ROWS, key=lambda row: (row["joules"], row["trial"]))
    assert trials() == [row["trial"] for row in by_joules]
    sort("accuracy [↑↓]|^accuracy$")
    by_accuracy = sorted(ROWS, key=lambda row: (-row["accuracy"], row["trial"]))
    assert trials() == [row["trial"] for row in by_accuracy]
    least = sorted(row["accuracy"] for row in ROWS)[len(ROWS) // 2]
    page.locator("#floor").fill(f"{least:.3f}")
    page.locator("#floor").press("Enter")
    floor = float(f"{least:.3f}")
    sort("accuracy per joule")
    kept = [row for row in ROWS if row["accuracy"] >= floor]
    best = sorted(kept, key=lambda row: (-row["accuracy"] / row["joules"], row["trial"]))
    assert 0 < len(kept) < len(ROWS)
    assert trials()[: len(kept)] == [row["trial"] for row in best]
    expect(body.locator("tr.below")).to_have_count(len(ROWS) - len(kept))
    expect(body.locator("tr").first).to_contain_text("(1)")
    # The floor is one for the whole page.
    assert float(page.locator("#efficiency-floor").input_value()) == floor
    page.evaluate("page.emit('floor', 0)")
    expect(body.locator("tr.below")).to_have_count(0)
    page.evaluate(f"page.emit('floor', {floor})")
    page.locator("#trials-filter").fill("batch=32 accuracy>0.9")
    wanted = {r["trial"] for r in ROWS if r["params"]["batch"] == 32 and r["accuracy"] > 0.9}
    assert set(trials()) == wanted
    page.locator("#trials-filter").fill("no such word")
    expect(page.locator("#trials-said")).to_contain_text("none of 16")
    page.locator("#trials-filter").fill("")
    body.locator("tr").nth(3).click()
    assert trials()[3] in pinned(page)
    assert body.locator("tr.is-pinned").count() == 2
