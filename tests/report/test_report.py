from __future__ import annotations

import dataclasses
import json
import math
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import plotly.graph_objects
import pytest
import toy_study

from energy_sweep import front
from energy_sweep.record import Objective, StudyRecord
from energy_sweep.report import html_page as report
from energy_sweep.report import tables
from energy_sweep.report.figures import CONFIG, front_figure
from energy_sweep.report.page_data import floor
from energy_sweep.report.sections import SECTIONS
from energy_sweep.report.sections.front_table import front_section

STUDY = toy_study.grid(rates=(0.001, 0.01, 10.0))
TRAINING = Objective(name="training")
PRICED = front.PricedStudy(STUDY, TRAINING)
PAGE = Path(report.__file__).parent / "page"
LONGEST = 250


def scripts_of(priced: front.PricedStudy) -> int:
    """Plotly, ours, and values that those read: of the page, and of sections that have any."""
    made = (make(priced) for make in SECTIONS)
    return 3 + sum(found is not None and found.data is not None for found in made)


class Tags(HTMLParser):
    """Every attribute that could make a browser fetch something, and the tags seen."""

    def __init__(self) -> None:
        super().__init__()
        self.fetches: list[str] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.fetches += [value or "" for name, value in attrs if name in ("src", "href", "data")]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("report") / "new" / "report.html"
    report.write_report(STUDY, TRAINING, path)
    assert [file.name for file in path.parent.iterdir()] == ["report.html"]
    return path.read_text(encoding="utf-8")


def embedded(page: str, key: str = "page") -> dict[str, Any]:
    """The values that a script of the page reads."""
    found = re.search(rf'<script type="application/json" id="data-{key}">(.*)</script>', page)
    assert found is not None
    return json.loads(found.group(1))


def test_the_page_fetches_nothing(written: str) -> None:
    tags = Tags()
    tags.feed(written)
    assert tags.fetches == ["data:,"]
    assert tags.tags.count("script") == scripts_of(PRICED)
    style = written[: written.index("</style>")]
    assert "url(" not in style
    assert "@import" not in style


def test_plotly_is_inlined_once(written: str) -> None:
    assert written.count("* plotly.js v") == 1
    assert len(written) < 6_000_000


def test_the_files_of_the_page_are_small_and_make_one_global_object() -> None:
    files = sorted(PAGE.iterdir())
    assert len(files) > 15
    for path in files:
        text = path.read_text(encoding="utf-8")
        assert len(text.splitlines()) < LONGEST, path.name
        if path.suffix == ".js":
            code = [line for line in text.splitlines() if not line.startswith("//")]
            starts = r"const page = \(\(\) => \{|\(\(\) => \{|page\.\w+\(|document\.add\w+\("
            assert re.match(starts, code[0]), f"{path.name} is not wrapped"
            outer = [
                line for line in code[1:] if re.match(r"(const|let|var|function|class)\b", line)
            ]
            assert outer == [], path.name


def test_sections_have_keys_of_their_own_and_scripts_that_are_there(written: str) -> None:
    made = [section for make in SECTIONS if (section := make(PRICED)) is not None]
    assert len({section.key for section in made}) == len(made)
    for section in made:
        assert written.count(f'id="{section.key}"') == 1
        if section.script is not None:
            draws = (PAGE / section.script).read_text(encoding="utf-8")
            assert f'page.section("{section.key}"' in draws


def test_plotly_offers_no_cloud(written: str) -> None:
    assert embedded(written)["config"] == CONFIG
    assert CONFIG["showSendToCloud"] is False
    assert CONFIG["displaylogo"] is False


def test_the_titles_say_how_the_joules_were_obtained(written: str) -> None:
    assert embedded(written)["quality"] == embedded(written, "bill")["quality"] == "estimated"
    assert "<title>toy: accuracy against joules, estimated</title>" in written
    assert "Joules by stage, estimated" in written
    assert "between 0.93 and 4" in written


def test_every_trial_has_its_command_and_the_choice_is_that_of_choose(written: str) -> None:
    page = embedded(written)
    assert page["commands"] == {str(one.number): front.command(one) for one in STUDY.trials}
    for name, view in page["views"].items():
        priced = front.PricedStudy(STUDY, Objective(name=name))
        choice = front.choose(priced)
        assert view["choice"]["trial"] == choice.row.trial
        assert choice.sureness is not None
        assert view["choice"]["beatsRunnerUp"] == choice.sureness.beats_runner_up
    for number in front.pareto_numbers(STUDY, TRAINING):
        assert f"<code>{page['commands'][str(number)]}</code>" in written


def test_the_floor_of_efficiency_is_the_limit_of_the_study_or_a_share_of_the_best() -> None:
    best = max(row.accuracy for row in PRICED.rows)
    assert floor(PRICED)["accuracy"] == math.floor(90 * best) / 100
    limited = dataclasses.replace(STUDY, constraints={"min_accuracy": 0.8})
    assert floor(front.PricedStudy(limited, TRAINING))["accuracy"] == 0.8


@pytest.mark.parametrize("name", ["training", "inference", "lifetime"])
def test_plotly_accepts_the_figure(name: str) -> None:
    priced = front.PricedStudy(STUDY, Objective(name=name))
    plotly.graph_objects.Figure(front_figure(priced))


def test_the_front_is_a_stepped_line_with_error_bars_on_log_joules() -> None:
    document = front.front_document(STUDY, TRAINING)
    figure = front_figure(PRICED)
    [line] = [trace for trace in figure["data"] if trace["mode"] == "lines"]
    [crosses] = [trace for trace in figure["data"] if trace["name"] == "infeasible"]
    legend = [trace for trace in figure["data"] if "legendgroup" in trace]
    assert figure["layout"]["xaxis"]["type"] == "log"
    assert line["line"]["shape"] == "hv"
    assert line["x"][:-1] == [row["joules"] for row in document["front"]]
    bars = {
        trial: (x, unsure, y + up)
        for trace in traces(figure, "front")
        for trial, x, y, unsure, up in zip(
            trace["customdata"],
            trace["x"],
            trace["y"],
            trace["error_x"]["array"],
            trace["error_y"]["array"],
            strict=True,
        )
    }
    for row in document["front"]:
        wanted = (row["joules"], row["noise_joules"], row["accuracy_high"])
        assert bars.pop(row["trial"]) == pytest.approx(wanted)
    assert not bars
    drawn = sum(len(trace["x"]) for trace in traces(figure, "dominated"))
    assert drawn == len(document["dominated"])
    assert len(crosses["x"]) == len(document["infeasible"]) == 8
    assert crosses["marker"]["symbol"] == "x"
    assert {entry["legendgroup"] for entry in legend} == {"compression.level", "batch"}


def traces(figure: dict[str, Any], side: str) -> list[dict[str, Any]]:
    return [one for one in figure["data"] if one["name"] == side and one["mode"] == "markers"]


def test_the_hover_has_a_setting_a_line() -> None:
    document = front.front_document(STUDY, TRAINING)
    trace = traces(front_figure(PRICED), "front")[0]
    label = trace["text"][0].split("<br>")
    [row] = [row for row in document["front"] if row["trial"] == trace["customdata"][0]]
    assert label[0] == f"<b>trial {row['trial']}</b>"
    assert label[1:5] == [f"{name} = {value}" for name, value in row["params"].items()]
    assert any(line.endswith("J estimated") for line in label)


def test_points_differ_by_level_and_batch() -> None:
    document = front.front_document(STUDY, TRAINING)
    figure = front_figure(PRICED)
    for side in ("front", "dominated"):
        params = {row["trial"]: row["params"] for row in document[side]}
        seen: dict[tuple[str, ...], tuple[str, str]] = {}
        for trace in traces(figure, side):
            marker, groups = trace["marker"], trace["meta"]["groups"]
            seen[tuple(groups)] = (marker["color"], marker["symbol"])
            for trial in trace["customdata"]:
                names = [f"{name}={params[trial][name]}" for name in ("compression.level", "batch")]
                assert names == groups
        assert len(set(seen.values())) == len(seen) > 1


def test_free_joules_get_a_linear_axis() -> None:
    stage = toy_study.stage("trunk", "t", "epoch", (1, 0.0, 0.0))
    trial = toy_study.trial(0, [("trunk", "t", "epoch", 1)])
    priced = front.PricedStudy(toy_study.study([trial], [stage]), TRAINING)
    assert front_figure(priced)["layout"]["xaxis"]["type"] == "linear"


def hostile() -> StudyRecord:
    bad = "</script><script>alert(1)</script>"
    trial = toy_study.trial(0, [("trunk", "t", "epoch", 1)], model=bad)
    other = toy_study.trial(1, [("trunk", "t", "epoch", 1)], correct=300, model="plain")
    stage = toy_study.stage("trunk", "t", "epoch", (1, 1.0, 0.0))
    return dataclasses.replace(toy_study.study([trial, other], [stage]), name=bad)


def test_names_cannot_break_out_of_the_page() -> None:
    tags = Tags()
    priced = front.PricedStudy(hostile(), TRAINING)
    page = report.page(priced)
    tags.feed(page)
    assert tags.tags.count("script") == scripts_of(priced)
    assert "alert(1)</script>" not in page


def test_a_study_without_results_has_a_page(tmp_path: Path) -> None:
    report.write_report(toy_study.study([], []), Objective(), tmp_path / "empty.html")
    assert "Nothing measured yet" in (tmp_path / "empty.html").read_text(encoding="utf-8")


def test_the_front_as_text_is_aligned_and_says_estimated() -> None:
    document = front.front_document(STUDY, TRAINING)
    title, head, *lines, wrong, band = tables.front_table(PRICED).splitlines()
    assert f"{len(document['front'])} of 16 configurations" in title
    assert "joules (estimated)" in head
    assert [int(line.split()[0]) for line in lines] == [row["trial"] for row in document["front"]]
    end = head.index("joules (estimated)") + len("joules (estimated)")
    assert all(line[:end].endswith(" J") for line in lines)
    assert f"Of {len(document['front'])} members, {document['expected_wrong']:.1f} are" in wrong
    assert [row["belongs"] for row in document["front"]] == [row.belongs for row in PRICED.front]
    assert "between 0.93 and 4" in band


def test_what_all_members_share_is_told_once_on_the_page() -> None:
    [before, table] = front_section(PRICED).html.split("<table")
    head = table.split("</thead>")[0].replace("<wbr>", "")
    for name in (*PRICED.axes, "n"):
        of = [row.n if name == "n" else row.params[name] for row in PRICED.front]
        is_same = len(PRICED.front) > 1 and len(set(map(str, of))) == 1
        assert (f"<th>{name}</th>" in head) != is_same
        assert bool(re.search(rf"[:·] {re.escape(name)} ", before)) == is_same


def test_others_that_perhaps_belong_are_named() -> None:
    shares = {row.trial: row.belongs or 0.0 for row in PRICED.dominated}
    near = sorted((trial for trial, share in shares.items() if share >= 0.2), key=shares.get)
    said = tables.near_sentence(PRICED)
    assert near
    assert f"{near[-1]} ({shares[near[-1]]:.0%}".replace("%", " %)") in said
    assert said in report.page(PRICED)
    one = toy_study.grid((32,), rates=(0.01,), epochs=(10,), levels=(0.0,))
    alone = front.PricedStudy(one)
    assert [row.belongs for row in alone.front] == [1.0]
    assert tables.near_sentence(alone) == ""


def test_members_are_the_fainter_the_less_likely_they_belong() -> None:
    marks = {
        trial: opacity
        for trace in front_figure(PRICED)["data"]
        if trace["name"] == "front" and trace["mode"] == "markers"
        for trial, opacity in zip(trace["customdata"], trace["marker"]["opacity"], strict=True)
    }
    by_share = sorted(PRICED.front, key=lambda row: row.belongs or 0.0)
    opacities = [marks[row.trial] for row in by_share]
    assert opacities == sorted(opacities)
    assert opacities[0] >= 0.35
    assert len(set(opacities)) > 1


def test_the_bill_as_text_compares_spent_and_attributed() -> None:
    document = front.front_document(STUDY, TRAINING)
    head, *lines, sentence = tables.bill_table(PRICED).splitlines()
    assert head.split()[:3] == ["stage", "runs", "uses"]
    assert [line.split()[0] for line in lines] == list(document["bill"])
    assert len({len(line) for line in (head, *lines)}) == 1
    ratio = document["attributed_joules"] / document["spent_joules"]
    assert f"{ratio:.1f} times" in sentence


def test_a_study_without_any_net_says_why_instead_of_an_empty_table() -> None:
    trials = [toy_study.trial(n, [], correct=None, lr=n) for n in range(5)]
    trials.append(dataclasses.replace(trials[0], number=5, state="failed", error="no\ndisk"))
    trials[5] = dataclasses.replace(trials[5], result=None)
    priced = front.PricedStudy(toy_study.study(trials, []), TRAINING)
    told, *_ = tables.tables(priced).split("\n\n")
    assert told == (
        "toy: there is no front, since no trial has been measured. trial 0: the loss diverged;"
        " trial 1: the loss diverged; trial 2: the loss diverged; and 3 more"
    )
    last = front.PricedStudy(toy_study.study(trials[5:], []), TRAINING)
    assert tables.front_table(last).endswith(r"trial 5: failed: no\ndisk")
