"""What a choice says of runtimes that its study was not measured with."""

from __future__ import annotations

import dataclasses
import shlex

import pytest
import toy_study

from energy_sweep.app.verbs import other_runtimes
from energy_sweep.front import PricedStudy
from energy_sweep.record import Objective


def offered(objective: Objective, used: object = "onnxruntime") -> str:
    uses = [("trunk", "t", "t", 1.0), ("infer", "graph", "graph", 1.0)]
    trial = toy_study.trial(0, uses, lr=0.1, runtime=used)
    stages = [
        toy_study.stage("trunk", "t", "t", (1, 6.0, 0.1)),
        toy_study.stage("infer", "graph", "graph", (1000, 2.0, 0.1)),
    ]
    study = toy_study.study([trial], stages)
    study = dataclasses.replace(study, name="my study", identity={"runtime": {"name": used}})
    [row] = PricedStudy(study, objective).rows
    return other_runtimes.offer(row, trial, study, objective)


@pytest.fixture(autouse=True)
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    packages = {"onnxruntime": "json", "gone": "no_such_package", "openvino": "csv"}
    monkeypatch.setattr(other_runtimes, "PACKAGES", packages)


def test_it_says_how_much_may_change_at_most_and_what_to_type() -> None:
    said, _, command = offered(Objective(images=1000)).partition(". To see: ")
    assert said == (
        "25 % of these joules are inference on onnxruntime, and no more than those can change on"
        " openvino, which is installed"
    )
    words = ["lr=0.1", "seed=0", "runtime=openvino", "name='my study-openvino'"]
    assert shlex.split(command) == ["python", "-m", "energy_sweep", *words]
    assert offered(Objective(name="inference")).startswith("100 % of")
    assert "change on onnxruntime" in offered(Objective(), used="openvino")


@pytest.mark.parametrize("used", [None, 3])
def test_it_says_nothing_where_nothing_is_known(used: object) -> None:
    assert offered(Objective(), used=used) == ""
    assert offered(Objective(name="training")) == ""


def test_it_says_nothing_where_no_other_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(other_runtimes, "PACKAGES", {"onnxruntime": "json", "gone": "no_such"})
    assert offered(Objective()) == ""
