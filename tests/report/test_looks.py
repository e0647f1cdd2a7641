"""What the page shows below the fold, as its sections tell it to their scripts."""

from __future__ import annotations

import dataclasses
import html
import json
import math
from typing import Any

import page_study
import plotly.graph_objects
import pytest
import toy_study

from energy_sweep.front import PricedStudy, front_document
from energy_sweep.front.importance import TARGETS
from energy_sweep.record import BadInput, Objective
from energy_sweep.report import tables
from energy_sweep.report.answer_figures import growth_figure, importance_figure
from energy_sweep.report.answers import answers
from energy_sweep.report.notebook_figure import notebook_figure
from energy_sweep.report.section import Section
from energy_sweep.report.sections.axis_plots import axes_section, parallel_section
from energy_sweep.report.sections.efficiency import efficiency_section
from energy_sweep.report.sections.front_growth import growth_section
from energy_sweep.report.sections.importance import importance_section
from energy_sweep.report.sections.joules_parts import parts_section
from energy_sweep.report.sections.learning_curves import curves_section
from energy_sweep.report.sections.measuring_machine import machine_section

LOOKS = (
    importance_section,
    growth_section,
    curves_section,
    parts_section,
    axes_section,
    parallel_section,
    efficiency_section,
)
STUDY = toy_study.grid(rates=(0.001, 0.01, 10.0))
TRAINING = Objective(name="training")


def rows_of(objective: Objective) -> dict[int, dict[str, Any]]:
    document = front_document(STUDY, objective)
    return {row["trial"]: row for row in (*document["front"], *document["dominated"])}


def made(section: Section | None) -> Section:
    assert section is not None
    json.dumps(section.data, allow_nan=False)
    return section


@pytest.fixture(scope="module", params=["training", "inference", "lifetime"])
def priced(request: pytest.FixtureRequest) -> PricedStudy:
    return PricedStudy(STUDY, Objective(name=request.param))


def test_the_terminal_and_the_document_say_what_the_page_says(priced: PricedStudy) -> None:
    document, said = front_document(STUDY, priced.objective), answers(priced)
    told, data = tables.tables(priced), made(growth_section(priced)).data
    assert told.endswith(said)
    first = {target: document["importance"]["axes"] for target in ("accuracy", "joules")}
    for target, axes in first.items():
        assert max(axes, key=lambda axis: axes[axis][target]["share"]) in said
    assert [step["trial"] for step in document["growth"]] == data["trials"]
    assert [step["share"] for step in document["growth"]] == data["share"]
    known = next(step for step in document["growth"] if step["share"] >= 0.9)
    assert f"with trial {known['trial']}, after" in said
    holed = toy_study.study(STUDY.trials[1:], list(STUDY.stages.values()))
    assert "matters" not in answers(PricedStudy(holed, priced.objective))


def test_figures_of_python_show_what_the_page_shows(priced: PricedStudy) -> None:
    shares, [line, marks] = made(importance_section(priced)).data, growth_figure(priced)["data"]
    for target, bars in zip(TARGETS, importance_figure(priced)["data"], strict=True):
        assert bars["y"] == shares["axes"]
        assert bars["x"] == [share for share, _, _ in shares[target]]
    data = made(growth_section(priced)).data
    assert line["x"] == [0.0, *data["spent"], data["total"]]
    assert line["y"] == [0.0, *data["share"], data["share"][-1]]
    assert len(marks["x"]) == len(data["gains"])
    for figure in (importance_figure(priced), growth_figure(priced)):
        plotly.graph_objects.Figure(figure)
    nothing = PricedStudy(toy_study.study([], []), TRAINING)
    for draw in (importance_figure, growth_figure):
        with pytest.raises(BadInput):
            draw(nothing)
    with pytest.raises(BadInput, match="type one of front, importance, growth"):
        notebook_figure(priced, "fronts")


def test_the_growth_ends_at_all_that_was_spent(priced: PricedStudy) -> None:
    document, data = front_document(STUDY, priced.objective), made(growth_section(priced)).data
    assert data["total"] == document["spent_joules"]
    assert sorted(data["trials"]) == sorted(rows_of(priced.objective))
    members = {row["trial"] for row in document["front"]}
    assert members <= {data["trials"][gain["step"]] for gain in data["gains"]}
    assert math.fsum(gain["gained"] for gain in data["gains"]) == pytest.approx(1)


def test_what_was_stored_of_epochs_is_drawn_and_nothing_else() -> None:
    told = PricedStudy(page_study.by_epoch(STUDY), TRAINING)
    section = made(curves_section(told))
    assert sorted(section.data["epochs"]) == sorted(rows_of(TRAINING))
    for trial, curve in section.data["epochs"].items():
        row = told.row_by_trial[trial]
        charged = [row.stages[s].joules or 0.0 for s in set(curve["stages"])]
        assert curve["spent"][-1] == pytest.approx(math.fsum(charged))
        assert len(curve["losses"]) == len(curve["spent"]) == len(curve["stages"])
    assert 'id="losses-figure"' in section.html
    silent = made(curves_section(PricedStudy(page_study.by_epoch(STUDY, losses=False), TRAINING)))
    assert 'id="losses-figure"' not in silent.html
    assert 'id="epochs-figure"' in silent.html


def test_the_axis_that_matters_most_is_named_first(priced: PricedStudy) -> None:
    section, found = made(importance_section(priced)), priced.importance
    assert found is not None
    assert section.data["axes"] == list(found.axes)
    lede = section.html.split("</p>")[0]
    assert html.escape(found.first("accuracy")) in lede
    assert html.escape(found.first("joules")) in lede
    for target in ("accuracy", "joules"):
        shares = [share for share, _, _ in section.data[target]]
        assert shares == [one[target].share for one in found.axes.values()]


@pytest.mark.parametrize("make", LOOKS)
def test_there_is_no_section_where_there_is_nothing_to_show(make: Any) -> None:
    assert make(PricedStudy(toy_study.study([], []), TRAINING)) is None


def test_words_of_users_are_escaped() -> None:
    bad = '<img src=x onerror="alert(1)">'
    trials = [
        toy_study.trial(n, [("trunk", f"t{n}", f"e{n}", 1)], correct=300 + n, model=name)
        for n, name in enumerate([bad, "plain", "other", "last", bad + "2"])
    ]
    stages = [toy_study.stage("trunk", f"t{n}", f"e{n}", (1, 1.0 + n, 0.1)) for n in range(5)]
    study = toy_study.study(trials, stages)
    study = dataclasses.replace(study, machine={bad: bad, "device_class": bad})
    for make in (*LOOKS, machine_section):
        section = make(PricedStudy(study, TRAINING))
        assert section is None or "<img" not in section.html


def test_the_machine_tells_what_it_was_measured_by_and_nothing_unknown() -> None:
    section = machine_section(PricedStudy(STUDY, TRAINING))
    assert "cpu_watts_per_core: 3" in section.html
    assert "Toy CPU, 2 cores" in section.html
    assert "100 % of what was spent" in section.html
    assert "Idle" not in section.html
    assert "None" not in section.html
