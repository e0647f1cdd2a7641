"""How the page looks in a browser: what can be read, what fits, what keys reach."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import page_study
import pytest
from axe_playwright_python.sync_playwright import Axe
from chromium import Tab, tab
from playwright.sync_api import Browser, Page

from energy_sweep.record import Objective
from energy_sweep.report.html_page import write_report

pytestmark = pytest.mark.slow

STUDY = page_study.small()
READABLE = 4.5  # WCAG AA, of the contrast of text to what is behind it
SCHEMES = ("light", "dark")
PHONE = {"width": 390, "height": 844}
DESK = {"width": 1400, "height": 1000}

# All text on the page whose contrast is below 4.5 to 1, as [text, colour, background, ratio].
FAINT_TEXT = """(() => {
  const paint = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
  const rgba = (colour) => {
    paint.clearRect(0, 0, 1, 1);
    paint.fillStyle = colour;
    paint.fillRect(0, 0, 1, 1);
    return [...paint.getImageData(0, 0, 1, 1).data];
  };
  const light = ([r, g, b]) => [r, g, b].reduce((sum, value, index) => {
    const part = value / 255;
    const linear = part <= .04045 ? part / 12.92 : ((part + .055) / 1.055) ** 2.4;
    return sum + [.2126, .7152, .0722][index] * linear;
  }, 0);
  const ratio = (a, b) => {
    const [high, low] = [light(a), light(b)].sort((x, y) => y - x);
    return (high + .05) / (low + .05);
  };
  const behind = (node) => {
    const label = node.closest?.("g.hovertext");
    if (label) return rgba(getComputedStyle(label.querySelector("path")).fill);
    for (let at = node; at; at = at.parentElement) {
      const colour = rgba(getComputedStyle(at).backgroundColor);
      if (colour[3] === 255) return colour;
    }
    return [255, 255, 255, 255];
  };
  const found = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const node = walk.currentNode.parentElement;
    if (!walk.currentNode.data.trim() || node.closest("script, style")) continue;
    if (!node.getClientRects().length) continue;
    const style = getComputedStyle(node);
    const colour = rgba(node.closest("svg") ? style.fill : style.color);
    const value = ratio(colour, behind(node));
    if (value < READABLE) found.push([walk.currentNode.data, colour, behind(node), value]);
  }
  return found;
})()""".replace("READABLE", str(READABLE))

# Text of the figures that is cut off by the edges of its figure.
CUT = """[...document.querySelectorAll(".main-svg text")].filter((text) => {
  const own = text.getBoundingClientRect();
  const whole = text.closest(".js-plotly-plot").getBoundingClientRect();
  return own.width && (own.left < whole.left - 1 || own.right > whole.right + 1
    || own.top < whole.top - 1 || own.bottom > whole.bottom + 1);
}).map((text) => text.textContent)"""

# Words that lie on others.
OVERLAPS = """(() => {
  const found = [];
  for (const plot of document.querySelectorAll(".js-plotly-plot")) {
    const texts = [...plot.querySelectorAll("svg text")]
      .map((text) => [text.textContent, text.getBoundingClientRect()])
      .filter(([words, box]) => words.trim() && box.width);
    texts.forEach(([words, a], index) => texts.slice(index + 1).forEach(([others, b]) => {
      const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
      const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
      if (wide > 2 && high > 4) found.push([words, others]);
    }));
  }
  return found;
})()"""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("page") / "report.html"
    write_report(STUDY, Objective(), path)
    return path.as_uri()


@pytest.fixture(scope="module", params=SCHEMES)
def desk(request: pytest.FixtureRequest, chromium: Browser, address: str) -> Iterator[Tab]:
    with tab(chromium, color_scheme=request.param, viewport=DESK) as found:
        show(found.page, address)
        yield found
        assert found.complaints == []


@pytest.fixture(scope="module", params=SCHEMES)
def phone(request: pytest.FixtureRequest, chromium: Browser, address: str) -> Iterator[Tab]:
    with tab(chromium, color_scheme=request.param, viewport=PHONE, is_mobile=True) as found:
        show(found.page, address)
        yield found
        assert found.complaints == []


@pytest.fixture(scope="session")
def pictures(pytestconfig: pytest.Config) -> Path:
    """Where pictures are kept to be looked at: .pytest_cache/d/pictures."""
    return pytestconfig.cache.mkdir("pictures")


def show(page: Page, address: str) -> None:
    """Open the page and see it to its end, so that all of its sections are drawn."""
    page.goto(address)
    page.wait_for_selector("#front path.point")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.evaluate("dispatchEvent(new Event('afterprint'))")  # as it looks on the screen
    page.wait_for_selector("#bill-figure .bars path")
    page.wait_for_timeout(300)  # figures settle: margins follow the width of their labels


def scheme_of(found: Tab) -> Literal["light", "dark"]:
    dark = found.page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    return "dark" if dark else "light"


def test_nothing_is_faint_cut_off_or_on_top_of_another(desk: Tab, pictures: Path) -> None:
    desk.keep_picture(pictures, f"desk-{scheme_of(desk)}")
    assert desk.page.evaluate(FAINT_TEXT) == []
    assert desk.page.evaluate(CUT) == []
    assert desk.page.evaluate(OVERLAPS) == []


def test_a_phone_shows_all_of_it_without_scrolling_sideways(phone: Tab, pictures: Path) -> None:
    phone.keep_picture(pictures, f"phone-{scheme_of(phone)}")
    assert phone.page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    plot = phone.page.evaluate(
        "document.querySelector('#front .nsewdrag').getBoundingClientRect().width"
    )
    assert plot >= 280, "the figure is too narrow to be read"
    box = phone.page.evaluate("document.getElementById('front').getBoundingClientRect().width")
    assert box >= 300
    assert phone.page.evaluate(FAINT_TEXT) == []
    assert phone.page.evaluate(CUT) == []
    assert phone.page.evaluate(OVERLAPS) == []


def test_the_label_of_a_point_can_be_read(desk: Tab, pictures: Path) -> None:
    point = desk.page.locator("#front path.point").first
    point.scroll_into_view_if_needed()
    box = point.bounding_box()
    assert box is not None
    desk.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    desk.page.wait_for_selector("#front .hovertext text")
    label = desk.page.locator("#front .hovertext").first.text_content() or ""
    assert label.startswith("trial ") and "J estimated" in label
    assert desk.page.evaluate(FAINT_TEXT) == []
    desk.page.screenshot(path=pictures / f"hover-{scheme_of(desk)}.png")
    desk.page.mouse.move(0, 0)


def test_faint_text_would_be_seen(desk: Tab) -> None:
    title = "document.querySelector('h1').style.color"
    desk.page.evaluate(f"{title} = getComputedStyle(document.body).backgroundColor")
    [[words, _, _, ratio]] = desk.page.evaluate(FAINT_TEXT)
    assert words == "toy" and ratio == pytest.approx(1.0, abs=0.01)
    desk.page.evaluate(f"{title} = ''")


def test_axe_finds_nothing_serious(desk: Tab) -> None:
    assert serious_of(desk) == []


def test_axe_finds_nothing_serious_on_a_phone(phone: Tab) -> None:
    assert serious_of(phone) == []


def serious_of(found: Tab) -> list[tuple[str, list[str]]]:
    """What axe-core holds for a serious or critical fault, with the elements."""
    response = Axe().run(found.page).response
    serious = [one for one in response["violations"] if one["impact"] in ("serious", "critical")]
    assert len(response["passes"]) > 10, "axe has looked at next to nothing"
    return [(one["id"], [node["html"] for node in one["nodes"]]) for one in serious]


def test_the_scheme_changes_under_the_figures(desk: Tab) -> None:
    paper = "getComputedStyle(document.querySelector('#front .main-svg')).backgroundColor"
    before, scheme = desk.page.evaluate(paper), scheme_of(desk)
    desk.page.emulate_media(color_scheme="dark" if scheme == "light" else "light")
    desk.page.wait_for_function(f"{paper} !== {before!r}")
    assert desk.page.evaluate(FAINT_TEXT) == []
    desk.page.emulate_media(color_scheme=scheme)
    desk.page.wait_for_function(f"{paper} === {before!r}")


def test_paper_is_white_whatever_the_scheme_and_holds_all_columns(
    chromium: Browser, address: str
) -> None:
    # A4 without its margins, in pixels of CSS.
    size = {"width": 703, "height": 1000}
    with tab(chromium, color_scheme="dark", viewport=size) as found:
        page = found.page
        page.goto(address)
        page.wait_for_selector("#front path.point")
        page.emulate_media(media="print")
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        page.wait_for_selector("#growth-figure .point")
        ground = "getComputedStyle(document.body).backgroundColor"
        drawn = "document.getElementById('growth-figure')._fullLayout.paper_bgcolor"
        assert page.evaluate(ground) == "rgb(255, 255, 255)"
        assert page.evaluate(drawn) == "#ffffff"
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
        assert page.evaluate(FAINT_TEXT) == []
        page.emulate_media(media="screen")
        page.evaluate("dispatchEvent(new Event('afterprint'))")
        assert page.evaluate(ground) != "rgb(255, 255, 255)"
        assert page.evaluate(drawn) != "#ffffff"
        assert found.complaints == []


def test_all_of_it_is_reached_without_a_mouse(chromium: Browser, address: str) -> None:
    """From the top by Tab: the objective, the figure, a point, the table."""
    with tab(chromium) as found:
        page = found.page
        show(page, address)
        focused = "(({id, value, className}) => id || value || className)(document.activeElement)"
        seen = list[str]()
        while (name := tabbed(page, focused)) != "front-box":
            assert len(seen) < 40, seen
            seen.append(name)
        assert {"copy", "rate", "colour-by", "symbol-by", "facet-by", "key"} <= set(seen)
        outline = "getComputedStyle(document.activeElement).outlineStyle"
        assert page.evaluate(outline) != "none"
        members = page.evaluate("page.now.front.map((row) => row.trial)")
        for trial in members[:2]:
            page.keyboard.press("ArrowRight")
            page.wait_for_function(
                f"document.getElementById('point-said').textContent.startsWith('trial {trial},')"
            )
        page.wait_for_selector("#front .hovertext")
        assert page.locator("#marks .cursor").count() == 1
        page.keyboard.press("Enter")
        assert members[1] in page.evaluate("page.pinned")
        page.keyboard.press("End")
        page.keyboard.press("ArrowUp")
        said = page.evaluate("document.getElementById('point-said').textContent")
        assert int(said.split()[1].strip(",")) not in members[:2]
        page.keyboard.press("Escape")
        assert page.locator("#marks .cursor").count() == 0
        while tabbed(page, focused) != "pin":
            pass
        first = page.evaluate("Number(document.activeElement.dataset.trial)")
        page.keyboard.press("ArrowDown")
        second = page.evaluate("Number(document.activeElement.dataset.trial)")
        assert first != second
        page.keyboard.press("Enter")
        assert second in page.evaluate("page.pinned")


def tabbed(page: Page, focused: str) -> str:
    page.keyboard.press("Tab")
    return page.evaluate(focused)
