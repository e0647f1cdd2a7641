"""Detrended asked and achieved: every face says what a compression came to, in its own terms."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
import toy_study

from energy_sweep.app.sweep.progress import ProgressPrinter
from energy_sweep.app.sweep.trial_text import alone
from energy_sweep.app.verbs.notes import trial_notes
from energy_sweep.front import PricedStudy, as_csv, choose, front_document, rows
from energy_sweep.front.achieved import Achieved, achieved
from energy_sweep.record import JsonDict, Objective, StudyRecord
from energy_sweep.report.html_page import page
from energy_sweep.report.tables import front_table
from energy_sweep.search import Finished, Job

INT8: JsonDict = {"removed_weight_bits": 0.069, "zero_weights": 0.0}


def study(level: float = 0.75, facts: JsonDict = INT8) -> StudyRecord:
    """One trial whose level was not met: a layer stayed in float."""
    uses = [("trunk", "trunk", "epoch", 10.0), ("infer", "graph", "graph", 1.0)]
    trial = toy_study.trial(0, uses, **{"compression.level": level})
    assert trial.result is not None
    config = {"compression": {"name": "quantize"}, "level": level}
    result = dataclasses.replace(trial.result, config=config, facts=facts)
    stages = [
        toy_study.stage("trunk", "trunk", "epoch", (10.0, 20.0, 0.0)),
        toy_study.stage("infer", "graph", "graph", (1000.0, 2.0, 0.0)),
    ]
    return toy_study.study([dataclasses.replace(trial, result=result)], stages)


@pytest.mark.parametrize(
    ("level", "facts", "text"),
    [
        (0.75, INT8, "0.069 removed"),
        (0.25, {"removed_weight_bits": 0.224, "zero_weights": 0.002}, "0.224 removed"),
        (0.75, {"removed_weight_bits": 0.75, "zero_weights": 0.75}, "0.750 zeros"),
        (0.9, {"removed_weight_bits": 0.9, "zero_weights": 0.6}, "0.900 removed, 0.600 zeros"),
        (0.0, {"zero_weights": 0.5}, ""),
        (0.5, {}, ""),  # a trial of before, whose facts do not tell
    ],
)
def test_a_technique_says_what_it_did_in_its_own_terms(
    level: float, facts: JsonDict, text: str
) -> None:
    assert achieved({"level": level}, facts).text == text
    assert Achieved(level=0.0, removed=None, zeros=None).text == ""


def test_every_face_says_what_was_achieved(capsys: pytest.CaptureFixture[str]) -> None:
    record, objective = study(), Objective()
    priced, said = PricedStudy(record, objective), "0.069 removed"
    document = front_document(record, objective)
    [row], [trial] = document["front"], record.trials
    assert (row["level"], row["removed"], row["zeros"]) == (0.75, 0.069, 0.0)
    head, line = front_table(priced).splitlines()[1:3]
    assert "achieved" in head and said in line
    names, values = (text.split(",") for text in as_csv(priced).splitlines())
    assert dict(zip(names, values, strict=True))["removed"] == "0.069"
    assert said in choose(rows(record, objective)).why
    assert page(priced).count(said) >= 2  # the table of the front, and what its points are made of
    assert f"level 0.75: {said}" in trial_notes(priced)[0]
    assert trial.result is not None
    records = {record.stages[key].key: record.stages[key] for key in record.stages}
    lone = alone(trial.result, objective=objective, meter=record.meter, records=records)
    assert f"level 0.75: {said}" in lone
    job = Job(params=trial.params, config=trial.result.config, seed=0, overrides=(), stages=())
    numbers: dict[str, Any] = {"joules": 1.0, "spent_joules": 1.0, "front": 1, "measured": 1}
    done = Finished(
        number=0, job=job, result=trial.result, error=None, total=1, contended=False, **numbers
    )
    with ProgressPrinter(axes=(), meter=record.meter, plans={}, objective=objective) as watch:
        watch(done)
    assert said in capsys.readouterr().err


def test_without_compression_no_face_speaks_of_it() -> None:
    priced = PricedStudy(study(level=0.0, facts={"zero_weights": 0.0}))
    assert "achieved" not in front_table(priced)
    assert "<th>achieved</th>" not in page(PricedStudy(study(level=0.0, facts={})))
