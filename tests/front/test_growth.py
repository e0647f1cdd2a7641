from __future__ import annotations

import dataclasses
import itertools
import math

import pytest
import toy_study

from energy_sweep.front import PricedStudy, hypervolume
from energy_sweep.front.growth import growth
from energy_sweep.record import EnergyReading, Objective, StudyRecord

TRAINING = Objective(name="training")


def at(reading: EnergyReading, place: int) -> EnergyReading:
    """A reading at its place in time, with a little noise, as all that is measured has."""
    [part] = reading.domains
    noisy = dataclasses.replace(part, joules=part.joules * (1 + 0.02 * math.sin(7 * place)))
    return dataclasses.replace(reading, domains=(noisy,), started=1000.0 * place)


def timed(study: StudyRecord) -> StudyRecord:
    """The same study, each record measured when the first trial that needs it ran."""
    clock, times = itertools.count(), dict[str, int]()
    for _, result in study.results:
        for use in result.stages:
            times.setdefault(use.key, next(clock))
    stages = {
        key: dataclasses.replace(
            record,
            marks=tuple(
                dataclasses.replace(mark, reading=at(mark.reading, times[key]))
                for mark in record.marks
            ),
        )
        for key, record in study.stages.items()
    }
    return dataclasses.replace(study, stages=stages)


def test_the_front_grows_to_the_whole_of_it_by_what_each_trial_brought() -> None:
    priced = PricedStudy(toy_study.grid(), TRAINING)
    steps = growth(priced)
    rows = {row.trial: (row.accuracy, math.log10(row.joules)) for row in priced.rows}
    (low, high), (cheap, dear) = (
        (min(ends), max(ends)) for ends in zip(*rows.values(), strict=True)
    )
    reference = low - 0.1 * (high - low), dear + 0.1 * (dear - cheap)
    whole = hypervolume(rows.values(), reference)
    assert {step.trial for step in steps} == set(rows)
    for count, step in enumerate(steps, start=1):
        known = hypervolume([rows[one.trial] for one in steps[:count]], reference)
        assert step.share == pytest.approx(known / whole)
        before = steps[count - 2].share if count > 1 else 0.0
        assert step.gained == pytest.approx(step.share - before)
    assert steps[-1].share == pytest.approx(1)
    members = {row.trial for row in priced.front}
    assert members <= {step.trial for step in steps if step.gained > 0}


def test_what_was_spent_by_then_is_what_came_first() -> None:
    study = toy_study.grid(levels=(0.0,), epochs=(10,))
    priced = PricedStudy(study, TRAINING)
    for one in (priced, PricedStudy(timed(study), TRAINING)):
        spent = [step.spent_joules for step in growth(one)]
        assert spent == sorted(spent)
        assert 0 < spent[0] < spent[-1] <= one.spent_joules * (1 + 1e-12)
    study = timed(study)
    [first, *_] = growth(PricedStudy(study, TRAINING))
    result = dict(study.results)[first.trial]
    training = [use.key for use in result.stages if use.stage != "infer"]
    assert first.spent_joules == pytest.approx(
        math.fsum(study.stages[key].spent_joules for key in training)
    )


def test_what_ran_later_does_not_count_earlier() -> None:
    """Numbers say nothing where windows have times: here the last trial ran first."""
    study = timed(toy_study.grid(levels=(0.0,)))
    backwards = {
        key: dataclasses.replace(
            record,
            marks=tuple(
                dataclasses.replace(
                    mark,
                    reading=dataclasses.replace(
                        mark.reading, started=1e6 - (mark.reading.started or 0.0)
                    ),
                )
                for mark in record.marks
            ),
        )
        for key, record in study.stages.items()
    }
    steps = growth(PricedStudy(dataclasses.replace(study, stages=backwards), TRAINING))
    assert steps[0].trial > steps[-1].trial


def test_there_is_no_growth_of_nothing_and_none_of_free_joules() -> None:
    assert growth(PricedStudy(toy_study.study([], []), TRAINING)) == ()
    stage = toy_study.stage("trunk", "t", "epoch", (1, 0.0, 0.0))
    trial = toy_study.trial(0, [("trunk", "t", "epoch", 1)])
    assert growth(PricedStudy(toy_study.study([trial], [stage]), TRAINING)) == ()


def test_one_configuration_is_all_of_its_front() -> None:
    one = toy_study.grid((32,), rates=(0.01,), epochs=(10,), levels=(0.0,))
    [step] = growth(PricedStudy(one, TRAINING))
    assert step.share == step.gained == pytest.approx(1)
