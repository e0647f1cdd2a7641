"""The report in a real browser: what can be read, what a click on the legend does, what fits."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
import toy_study
from chromium import Page, browser

from energy_sweep.front import front_document
from energy_sweep.record import Objective
from energy_sweep.report.html_page import write_report

pytestmark = pytest.mark.slow

STUDY = toy_study.grid(rates=(0.001, 0.01, 10.0))
READABLE = 4.5  # WCAG AA, of the contrast of text to what is behind it

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

POINTS = 'document.querySelectorAll("#front .scatterlayer path.point").length'
BARS = 'document.querySelectorAll("#front .scatterlayer path.xerror").length'


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("page") / "report.html"
    write_report(STUDY, Objective(), path)
    return path.as_uri()


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with browser(tmp_path_factory.mktemp("chromium")) as opened:
        yield opened


def centre(page: Page, node: str) -> tuple[float, float]:
    """The middle of the node that an expression gives, scrolled into sight."""
    page.run(f"({node}).scrollIntoView({{block: 'center'}})")
    box = page.run(f"({node}).getBoundingClientRect().toJSON()")
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def entry(title: str, value: str) -> str:
    """The legend entry of a value in the group of that title."""
    return f"""(() => {{
      const group = [...document.querySelectorAll("#front .legend .groups")]
        .find((one) => one.textContent.startsWith({title!r}));
      return [...group.querySelectorAll(".traces")]
        .find((one) => one.querySelector(".legendtext").textContent === {value!r})
        .querySelector(".legendtoggle");
    }})()"""


def show(page: Page, address: str, width: int) -> None:
    page.open(address, width=width)
    page.wait(f"{POINTS} > 0")
    page.run("new Promise((done) => setTimeout(done, 300))")  # the legend is placed once drawn


@pytest.mark.parametrize("width", [1400, 390])
def test_nothing_is_faint_cut_off_or_on_top_of_another(
    page: Page, address: str, width: int
) -> None:
    show(page, address, width)
    assert page.run("document.documentElement.scrollWidth") <= width
    assert page.run(FAINT_TEXT) == []
    assert page.run(CUT) == []
    assert page.run(OVERLAPS) == []


def test_the_label_of_a_point_can_be_read(page: Page, address: str) -> None:
    show(page, address, 1400)
    page.point(*centre(page, 'document.querySelector("#front path.point")'))
    page.wait('document.querySelector("#front .hovertext text tspan") !== null')
    label = page.run('document.querySelector("#front .hovertext").textContent')
    assert label.startswith("trial ") and "J estimated" in label
    assert page.run(FAINT_TEXT) == []


def test_a_click_on_the_legend_hides_and_shows_the_points_of_its_group(
    page: Page, address: str
) -> None:
    show(page, address, 1400)
    document = front_document(STUDY, Objective())
    rows = [*document["front"], *document["dominated"]]
    every, crosses = page.run(POINTS), len(document["infeasible"])
    assert every == len(rows) + crosses

    def left(**kept: object) -> int:
        wanted = [r for r in rows if all(r["params"][n] in v for n, v in kept.items())]
        return len(wanted) + crosses

    def click(title: str, value: str, times: int = 1) -> None:
        time.sleep(0.4)  # two clicks sooner than that are a double click
        page.click(*centre(page, entry(title, value)), times=times)

    click("compression.level", "0.5")
    page.wait(f"{POINTS} < {every}")
    assert page.run(POINTS) == left(**{"compression.level": [0.0]})
    on_front = [r for r in document["front"] if r["params"]["compression.level"] == 0.0]
    assert page.run(BARS) == len(on_front)
    # A point of two groups is back when neither is hidden.
    click("batch", "64")
    page.wait(f"{POINTS} == {left(batch=[32], **{'compression.level': [0.0]})}")
    click("compression.level", "0.5")
    page.wait(f"{POINTS} == {left(batch=[32])}")
    greyed = "getComputedStyle(({}).closest('.traces')).opacity"
    page.wait(f"{greyed.format(entry('batch', '64'))} == 0.5")  # after a moment of fading
    assert float(page.run(greyed.format(entry("batch", "32")))) == 1
    click("batch", "64")
    page.wait(f"{POINTS} == {every}")
    click("batch", "32", times=2)
    page.wait(f"{POINTS} == {left(batch=[32])}")
    click("batch", "32", times=2)
    page.wait(f"{POINTS} == {every}")


def test_a_click_on_a_point_shows_its_command(page: Page, address: str) -> None:
    show(page, address, 1400)
    page.click(*centre(page, 'document.querySelector("#front path.point")'))
    page.wait('document.getElementById("chosen-hint").textContent === ""')
    trial = page.run('document.getElementById("chosen-title").textContent').split()[1].strip(":")
    dials = STUDY.trials[int(trial)].params
    said = page.run('document.getElementById("chosen-command").textContent')
    assert all(f"{name}={value}" in said for name, value in dials.items())


def test_faint_text_would_be_seen(page: Page, address: str) -> None:
    show(page, address, 1400)
    page.run("document.querySelector('h1').style.color = 'rgb(201, 211, 220)'")
    [[words, _, _, ratio]] = page.run(FAINT_TEXT)
    assert words == "toy" and ratio == pytest.approx(1.5, abs=0.05)
