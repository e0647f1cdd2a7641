"""Who is told apart from whom, and what windows that other programs disturbed may decide."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
import toy_study

from energy_sweep import front
from energy_sweep.front.configurations import Row, configurations, price_list
from energy_sweep.front.ratios import Ratios
from energy_sweep.record import Objective, StudyRecord, to_json
from energy_sweep.record.answers import Answers
from energy_sweep.report import html_page as report
from energy_sweep.report import tables
from energy_sweep.report.page_data import page_data

TRAINING = Objective(name="training")


def beats(study: StudyRecord, a: Row, b: Row) -> bool:
    demands = {one.trial: one.demand for one in configurations(study, Objective())}
    ratios = Ratios([demands[a.trial], demands[b.trial]], price_list(study))
    value, uncertainty = ratios.log_ratios([0], [1])
    return a.accuracy_low > b.accuracy_high or value[0, 0] < -uncertainty[0, 0]


def test_two_are_rivals_where_neither_beats_the_other_and_one_is_beaten_where_it_never_does() -> (
    None
):
    study = toy_study.grid()
    found = front.rows(study, Objective())
    members = set(front.pareto_numbers(study, Objective()))
    bargains = 0
    for one in found:
        others = [b for b in found if b is not one and (one.trial in members or b.trial in members)]
        mine = {b.trial: (beats(study, one, b), beats(study, b, one)) for b in others}
        assert one.rivals == tuple(n for n, both in mine.items() if both == (False, False))
        assert one.beaten_by == tuple(n for n, both in mine.items() if both == (False, True))
        bargains += sum(both == (True, True) for both in mine.values())
    assert any(one.rivals for one in found)
    assert any(one.beaten_by for one in found)
    assert bargains


def poor_trial() -> StudyRecord:
    """Trial 2 has accuracy .35 for 2.2 J; the front has .98 for 2 J and .99 for 5 J."""
    trials = [
        toy_study.trial(0, [("trunk", "a", "a", 1)], correct=352, lr=0.1),
        toy_study.trial(1, [("trunk", "b", "b", 1)], correct=358, lr=0.2),
        toy_study.trial(2, [("trunk", "c", "c", 1)], correct=126, lr=9.0),
    ]
    stages = [
        toy_study.stage("trunk", key, key, (1, joules, 0.3))
        for key, joules in (("a", 2.0), ("b", 5.0), ("c", 2.2))
    ]
    return toy_study.study(trials, stages)


def test_a_poor_trial_off_the_front_has_no_rivals_there_but_is_beaten() -> None:
    document = front.front_document(poor_trial(), TRAINING)
    [poor] = document["dominated"]
    # 2.0 against 2.2 J cannot be told apart, .98 against .35 can: beaten, and no rival.
    assert (poor["trial"], poor["rivals"], poor["beaten_by"]) == (2, [], [0])
    # 5 J is dearer and more accurate than the poor one: a bargain, neither a rival nor beaten.
    assert [(row["rivals"], row["beaten_by"]) for row in document["front"]] == [([], []), ([], [0])]
    priced = front.PricedStudy(poor_trial(), TRAINING)
    text = tables.front_table(priced)
    assert "beaten by" in text.splitlines()[1]
    why = front.choose(front.rows(poor_trial(), TRAINING), min_accuracy=0.985).why
    assert "trial 0 is surely cheaper or more accurate" in why
    assert "2" in front.as_csv(priced).splitlines()[3].split(",")[0]


def processes(*one_process: tuple[float, bool]) -> StudyRecord:
    """Two ways to train alike: on two processes .207 J an epoch, on one as its windows say."""
    epochs = [("trunk", "one", "one", 10.0)], [("trunk", "two", "two", 10.0)]
    infer = ("infer", "graph", "graph", 1.0)
    trials = [
        toy_study.trial(0, [*epochs[0], infer], processes=1),
        toy_study.trial(1, [*epochs[1], infer], processes=2),
    ]
    windows = [
        toy_study.stage("trunk", f"one{n}", "one", (1, joules, 0.01), contended=contended)
        for n, (joules, contended) in enumerate(one_process)
    ]
    stages = [
        *windows,
        toy_study.stage("trunk", "two", "two", (10, 2.07, 0.02), contended=False),
        toy_study.stage("infer", "graph", "graph", (1000, 0.05, 0.001), contended=True),
    ]
    return toy_study.study(trials, stages)


def test_a_window_that_was_contended_decides_nothing_until_it_is_measured_again() -> None:
    disturbed = processes((1.54, True), (1.50, True))
    one, two = front.rows(disturbed, TRAINING)
    assert (one.contended, two.contended) == (("trunk",), ())
    assert (one.rivals, two.rivals) == ((1,), (0,))
    assert one.beaten_by == two.beaten_by == ()
    # Cheap readings beside other programs prove nothing either.
    cheap, _ = front.rows(processes((0.01, True)), TRAINING)
    assert (cheap.contended, cheap.rivals) == (("trunk",), (1,))
    # One clean window is enough: .5 J is what an epoch takes.
    one, two = front.rows(processes((1.54, True), (0.5, False)), TRAINING)
    assert (one.joules, one.contended) == (pytest.approx(5.0), ())
    assert (one.beaten_by, two.rivals) == ((1,), ())


def test_what_both_share_cancels_though_it_was_contended() -> None:
    one, two = front.rows(processes((0.5, False)), Objective(images=1000))
    assert one.contended == two.contended == ("infer",)
    assert one.beaten_by == (1,)


def test_every_face_says_that_joules_are_contended() -> None:
    study = processes((1.54, True))
    document = front.front_document(study, TRAINING)
    rows = [*document["front"], *document["dominated"]]
    assert [row["contended"] for row in rows] == [[], ["trunk"]]
    contended = next(row for row in rows if row["trial"] == 0)
    assert contended["stages"]["trunk"]["contended"]
    assert ",trunk," in front.as_csv(front.PricedStudy(study, TRAINING))
    study = only(study, 0)
    priced = front.PricedStudy(study, TRAINING)
    table = tables.front_table(priced)
    assert "15.4 ± " in table
    assert " J contended" in table
    assert "they beat nothing until they are measured again: type" in table
    assert " J contended" in report.page(priced)
    assert page_data(priced)["views"]["training"]["contended"] == {"0": ["trunk"]}
    why = front.choose(front.rows(study, TRAINING)).why
    assert "estimated (contended: trunk)" in why
    assert "other programs ran in all windows of its trunk" in why


def only(study: StudyRecord, number: int) -> StudyRecord:
    changes: dict[str, Any] = {"trials": tuple(t for t in study.trials if t.number == number)}
    return dataclasses.replace(study, **changes)


def answered(*right: int, asked: str = "images") -> StudyRecord:
    """Trials of equal joules, each with all images right from its number on, in the same order."""
    trials, stages = [], [toy_study.stage("trunk", "a", "a", (1, 2.0, 0.3))]
    for number, wrong in enumerate(right):
        bits = np.arange(toy_study.IMAGES) >= wrong
        packed = np.packbits(bits).tobytes()
        answers = Answers.of(packed, count=len(bits), asked=asked if number else "images")
        key, count = f"evaluate-{number}", int(bits.sum())
        record = toy_study.stage("evaluate", key, key, (1, 0.1, 0.0))
        stages.append(
            dataclasses.replace(record, facts={"correct": count, "answers": to_json(answers)})
        )
        uses = [("trunk", "a", "a", 1), ("evaluate", key, key, 1)]
        trials.append(toy_study.trial(number, uses, correct=count, lr=float(number)))
    return toy_study.study(trials, stages)


def test_the_same_images_tell_apart_what_intervals_do_not() -> None:
    # 12 and 20 wrong of 359 have intervals that overlap; on the same images it is 8 against none.
    better, worse = front.rows(answered(12, 20), TRAINING)
    assert better.accuracy_low < worse.accuracy_high
    assert (better.rivals, better.beaten_by) == ((), ())
    assert (worse.rivals, worse.beaten_by) == ((), (0,))
    for study in (answered(12, 20, asked="other images"), answered(12, 17)):
        better, worse = front.rows(study, TRAINING)
        assert (better.rivals, worse.rivals) == ((1,), (0,))


def test_a_trial_whose_evaluation_counted_otherwise_is_compared_by_its_interval() -> None:
    study = answered(12, 20)
    changed = dataclasses.replace(
        study.trials[1], result=dataclasses.replace(study.trials[1].result, correct=338)
    )
    study = dataclasses.replace(study, trials=(study.trials[0], changed))
    assert [one.rivals for one in front.rows(study, TRAINING)] == [(1,), (0,)]
