"""Several studies by technique: who is how efficient, of what is accurate enough."""

from __future__ import annotations

import dataclasses

import toy_study

from energy_sweep.front import PricedStudy
from energy_sweep.record import Objective, StudyRecord
from energy_sweep.report.techniques import by_technique, technique_cells, technique_sections


def compressed(technique: str, *nets: tuple[int, float, float]) -> StudyRecord:
    """Nets by the images (of `toy_study.IMAGES`) that they have right, their joules, their level;
    those of a level were compressed by a technique."""
    study = toy_study.trainings(*((right, joules) for right, joules, _ in nets))

    def with_level(trial: toy_study.TrialRecord, level: float) -> toy_study.TrialRecord:
        assert trial.result is not None
        config = {**trial.result.config, "compression": {"name": technique}, "level": level}
        return dataclasses.replace(trial, result=dataclasses.replace(trial.result, config=config))

    levels = [level for _, _, level in nets]
    trials = tuple(with_level(one, level) for one, level in zip(study.trials, levels, strict=True))
    return dataclasses.replace(study, trials=trials)


def priced(study: StudyRecord) -> PricedStudy:
    return PricedStudy(study, Objective(name="training"))


def test_the_most_efficient_net_of_each_technique_is_accurate_enough() -> None:
    most = toy_study.IMAGES
    # The last has by far the most accuracy per joule, of an accuracy that is none.
    nets = ((most, 10.0, 0.0), (most - 10, 4.0, 0.5), (most - 12, 8.0, 0.75), (most // 5, 0.1, 0.9))
    studies = {"one": priced(compressed("prune", *nets))}
    head, lines = technique_cells(studies)
    told = [dict(zip(head, line, strict=True)) for line in lines]
    assert [(one["technique"], one["level"], one["trial"]) for one in told] == [
        ("dense", "", "0"),
        ("prune", "0.5", "1"),
    ]
    times = ((most - 10) / 4.0) / (most / 10.0)
    assert told[1]["against dense"] == f"{times:.3g} times"
    assert told[1]["accuracy per joule"] == f"{(most - 10) / most / 4.0:.3g}"
    kinds = by_technique(studies["one"])
    assert [row.trial for row in kinds["prune"]].count(3) == 1, "it is drawn nevertheless"
    [section] = technique_sections(studies)
    [data] = section.data
    drawn = data["techniques"]["prune"]
    assert sorted(one["trial"] for one in drawn["points"]) == [1, 2, 3]
    assert [one["trial"] for one in drawn["lines"]] == [1, 2]


def test_where_nothing_is_compressed_there_is_no_section() -> None:
    assert technique_sections({"one": priced(toy_study.grid())}) == []
