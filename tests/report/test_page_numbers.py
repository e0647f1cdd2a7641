"""The numbers of the page in a browser are those of `front --json`, whatever is asked of it."""

from __future__ import annotations

import random
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import page_study
import pytest
from chromium import Tab, tab
from playwright.sync_api import Browser

from energy_sweep.front import PricedStudy, choose, front_document, knee, pareto
from energy_sweep.front.sureness import percent_text
from energy_sweep.record import TRAINING_STAGES, Objective
from energy_sweep.report.html_page import write_report

pytestmark = pytest.mark.slow

STUDY = page_study.small()
ROUNDING = 1e-12
# What a row of the page has, by the names of the document.
FIGURES = """rows => rows.map((row) => ({
  trial: row.trial, joules: row.joules, uncertainty_joules: row.uncertainty, noise_joules: row.own,
  accuracy: row.accuracy, accuracy_low: row.low, accuracy_high: row.high, n: row.n,
  joules_per_image: row.perImage, file_bytes: row.bytes, latency_seconds: row.latency,
  macs: row.macs, latency_p50_seconds: row.alone[0], latency_p95_seconds: row.alone[1],
  latency_runs: row.alone[2],
}))"""
ASKED = f"""objective => {{
  const now = page.setObjective(objective);
  const told = {FIGURES};
  return {{
    front: told(now.front), dominated: told(now.dominated), chosen: now.chosen.trial,
    sure: now.view !== null, excluded: now.excluded,
  }};
}}"""


@pytest.fixture(scope="module")
def opened(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    with page_study.opened_page(chromium, STUDY, tmp_path_factory.mktemp("numbers")) as found:
        yield found


def same(told: list[dict[str, Any]], rows: list[dict[str, Any]]) -> None:
    """The same rows in the same order, to the rounding of floats."""
    assert [row["trial"] for row in told] == [row["trial"] for row in rows]
    for mine, row in zip(told, rows, strict=True):
        wanted = {name: row[name] for name in mine}
        assert mine == pytest.approx(wanted, rel=ROUNDING, nan_ok=False)


def lives() -> list[int]:
    """Numbers of images of all sizes, and the usual one."""
    rng = random.Random(4)
    return [1, 1000, 100_000, 10**9, *(round(10 ** rng.uniform(0, 9)) for _ in range(26))]


def test_the_objective_switched_in_the_page_gives_what_front_gives(opened: Tab) -> None:
    asked = [("training", 100_000), ("inference", 100_000), *(("lifetime", n) for n in lives())]
    fronts = set[tuple[int, ...]]()
    for name, images in asked:
        objective = Objective(name=name, images=images)
        told = opened.page.evaluate(ASKED, {"name": name, "images": images, "rate": None})
        priced = PricedStudy(STUDY, objective)
        document = front_document(STUDY, objective)
        same(told["front"], document["front"])
        same(told["dominated"], document["dominated"])
        assert told["chosen"] == choose(priced).row.trial
        assert told["sure"] == (name != "lifetime" or images == 100_000)
        fronts.add(tuple(row["trial"] for row in told["front"]))
    assert len(fronts) > 3, "all of these fronts are one: nothing was switched"
    opened.page.evaluate(ASKED, {"name": "lifetime", "images": 100_000, "rate": None})


def test_what_is_sure_is_told_for_the_objectives_that_it_was_computed_for(opened: Tab) -> None:
    told = "() => page.now.rows.map(({trial, rivals, beatenBy, belongs, contended}) =>"
    told += " ({trial, rivals, beatenBy, belongs, contended}))"
    for name in ("training", "inference", "lifetime"):
        opened.page.evaluate(ASKED, {"name": name, "images": 100_000, "rate": None})
        document = front_document(STUDY, Objective(name=name))
        rows = {row["trial"]: row for row in [*document["front"], *document["dominated"]]}
        for mine in opened.page.evaluate(told):
            row = rows[mine["trial"]]
            assert mine["rivals"] == row["rivals"] and mine["beatenBy"] == row["beaten_by"]
            assert mine["belongs"] == row["belongs"] and mine["contended"] == row["contended"]
    opened.page.evaluate(ASKED, {"name": "lifetime", "images": 12_345, "rate": None})
    assert {mine["belongs"] for mine in opened.page.evaluate(told)} == {None}
    assert {mine["rivals"] is None for mine in opened.page.evaluate(told)} == {True}
    assert "not computed" in opened.page.locator("#said-of-view").inner_text()
    assert "not computed" in opened.page.locator("#headline").inner_text()
    opened.page.evaluate(ASKED, {"name": "lifetime", "images": 100_000, "rate": None})


def test_probabilities_are_told_as_the_terminal_tells_them(opened: Tab) -> None:
    shares = [0.0, 0.004, 0.006, 0.037, 0.512, 0.994, 0.996, 1.0]
    told = opened.page.evaluate("shares => shares.map(page.format.chance)", shares)
    assert told == [percent_text(share) for share in shares]


def test_the_points_drawn_are_the_rows_of_the_document(opened: Tab) -> None:
    document = front_document(STUDY, Objective())
    traces = opened.page.evaluate(
        "() => document.getElementById('front').data.map(({name, x, y, customdata, error_x,"
        " error_y}) => ({name, x, y, customdata, dx: error_x?.array, up: error_y?.array,"
        " down: error_y?.arrayminus}))"
    )
    by_name = {trace["name"]: trace for trace in traces}
    for name in ("front", "dominated"):
        trace, rows = by_name[name], document[name]
        assert trace["customdata"] == [row["trial"] for row in rows]
        assert trace["x"] == pytest.approx([row["joules"] for row in rows], rel=ROUNDING)
        assert trace["y"] == [row["accuracy"] for row in rows]
    bars, rows = by_name["front"], document["front"]
    spread = [row["noise_joules"] for row in rows]
    assert bars["dx"] == pytest.approx(spread, rel=ROUNDING)
    up = [row["accuracy_high"] - row["accuracy"] for row in rows]
    down = [row["accuracy"] - row["accuracy_low"] for row in rows]
    assert bars["up"] == pytest.approx(up) and bars["down"] == pytest.approx(down)
    line = by_name["line"]
    assert line["x"][:-1] == bars["x"] and line["y"][:-1] == bars["y"]
    assert len(by_name["infeasible"]["x"]) == len(document["infeasible"]) == 8


def test_what_the_machine_draws_between_requests_is_charged(opened: Tab) -> None:
    """3 W between requests, of a net that takes 1 ms an image: by hand."""
    busy = 1 / 1000
    for rate in (10.0, 900.0):
        asked = {"name": "inference", "images": 100_000, "rate": rate}
        told = opened.page.evaluate(ASKED, asked)
        rows = {row["trial"]: row for row in [*told["front"], *told["dominated"]]}
        assert len(rows) == 16
        for row in rows.values():
            wanted = row["joules_per_image"] + 3.0 * (1 / rate - busy)
            assert row["joules"] == pytest.approx(wanted, rel=1e-9)
        assert not told["sure"]
        idle = opened.page.evaluate("page.now.rows.map((row) => [row.joules, row.idle])")
        for joules, share in idle:
            assert share * joules == pytest.approx(3.0 * (1 / rate - busy), rel=1e-9)
    opened.page.evaluate("page.setObjective({rate: 1100})")
    assert opened.page.evaluate("page.now.rows.length") == 0
    assert opened.page.evaluate("page.now.unpriced.length") == 16
    opened.page.evaluate(ASKED, {"name": "lifetime", "images": 100_000, "rate": None})


def test_joules_of_stages_and_domains_add_up(opened: Tab) -> None:
    rows = opened.page.evaluate(
        "() => page.rows.map(({trial, stages, training}) => ({trial, stages, training}))"
    )
    priced = PricedStudy(STUDY, Objective(name="training"))
    for told in rows:
        row = priced.row_by_trial[told["trial"]]
        for stage, parts in told["stages"].items():
            assert set(parts) == {"gpu", "cpu"}
            assert parts["gpu"] == pytest.approx(3 * parts["cpu"])
            assert sum(parts.values()) == pytest.approx(row.stages[stage].joules)
        training = [
            sum(parts.values()) for name, parts in told["stages"].items() if name in TRAINING_STAGES
        ]
        assert sum(training) == pytest.approx(told["training"]["joules"])


def test_limits_of_the_study_hold_for_every_objective(chromium: Browser, tmp_path: Any) -> None:
    study = page_study.small(min_accuracy=0.9, max_joules=8.0, max_bytes=50_000.0)
    write_report(study, Objective(), tmp_path / "limited.html")
    with tab(chromium) as found:
        found.page.goto((tmp_path / "limited.html").as_uri())
        sizes = set[int]()
        for images in (1, 100, 1000, 100_000):
            objective = Objective(images=images)
            asked = {"name": "lifetime", "images": images, "rate": None}
            told = found.page.evaluate(
                "asked => { page.setObjective(asked); return [page.now.front.map(r => r.trial),"
                " page.now.dominated.map(r => r.trial), page.now.excluded]; }",
                asked,
            )
            document = front_document(study, objective)
            numbers = [[row["trial"] for row in document[k]] for k in ("front", "dominated")]
            assert told[:2] == numbers
            assert told[2] == [row["trial"] for row in document["excluded"]]
            sizes.add(len(told[2]))
        assert len(sizes) > 1
        assert found.complaints == []


def random_front(rng: random.Random) -> list[SimpleNamespace]:
    """Rows of few values, so that some are equal, and of joules that are 0 now and then."""
    joules = [0.0, 1e-5, *(rng.choice((0.5, 3.0, 10 ** rng.uniform(-6, 6))) for _ in range(8))]
    least = rng.choice((0, 1, 2))  # the first have no logarithm, or a far one
    rows = list[SimpleNamespace]()
    for _ in range(rng.randint(1, 12)):
        accuracy = rng.choice((0.5, 0.75, rng.random()))
        spread = rng.choice((0.0, 0.1))
        low, high = accuracy - spread, accuracy + spread
        rows.append(
            SimpleNamespace(
                accuracy=accuracy,
                joules=rng.choice(joules[least:]),
                accuracy_low=low,
                accuracy_high=high,
            )
        )
    return rows


def test_front_and_knee_of_the_page_are_those_of_the_program(opened: Tab) -> None:
    rng = random.Random(17)
    worlds = [random_front(rng) for _ in range(500)]
    names = {"accuracy": "accuracy", "joules": "joules"}
    names |= {"low": "accuracy_low", "high": "accuracy_high"}
    plain = [[{n: getattr(row, name) for n, name in names.items()} for row in w] for w in worlds]
    told = opened.page.evaluate(
        """worlds => worlds.map((rows) => {
          const front = page.pricing.pareto(rows);
          return [front, rows.indexOf(page.pricing.knee(front.map((place) => rows[place])))];
        })""",
        plain,
    )
    sizes = set[int]()
    for rows, (front, bend) in zip(worlds, told, strict=True):
        assert front == list(pareto([(row.accuracy, row.joules) for row in rows]))
        chosen: Any = knee(rows)  # type: ignore[arg-type]
        mine = rows[bend]
        assert (mine.accuracy, mine.joules) == (chosen.accuracy, chosen.joules)
        sizes.add(len(front))
    assert sizes >= {1, 2, 3, 4, 5}
