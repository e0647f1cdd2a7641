from __future__ import annotations

import dataclasses

import pytest
import toy_study

from energy_sweep.front import PricedStudy
from energy_sweep.front.step_joules import StepJoules, step_joules
from energy_sweep.record import Objective

TRAINING = Objective(name="training")


def test_joules_of_a_step_are_those_of_the_epochs_over_their_steps() -> None:
    study = toy_study.grid(batches=(32,), rates=(0.01,), levels=(0.0,))
    facts = {"steps_per_epoch": 50, "updates_per_epoch": 25}
    trials = [
        dataclasses.replace(trial, result=dataclasses.replace(trial.result, facts=facts))
        for trial in study.trials
        if trial.result is not None
    ]
    told = PricedStudy(dataclasses.replace(study, trials=tuple(trials)), TRAINING)
    assert len(told.rows) == 2
    for row in told.rows:
        found = step_joules(told.configuration(row.trial), told.prices)
        steps = 50 * row.params["epochs"]
        assert found.iteration == pytest.approx(row.joules / steps)
        assert found.update == pytest.approx(2 * row.joules / steps)


def test_without_a_number_of_steps_nothing_is_said() -> None:
    silent = PricedStudy(toy_study.grid(batches=(32,), rates=(0.01,), levels=(0.0,)), TRAINING)
    one = silent.configuration(silent.rows[0].trial)
    assert step_joules(one, silent.prices) == StepJoules(iteration=None, update=None)
