"""How sure a choice is: probabilities of its constraints and of beating the runner-up."""

from __future__ import annotations

import dataclasses

import pytest
import toy_study

from energy_sweep.front import PricedStudy, choose, doubt
from energy_sweep.front.constraints import Constraints
from energy_sweep.front.limits import Limits
from energy_sweep.front.own_net import below_floor_text
from energy_sweep.front.sureness import Judgement, is_cheaper, percent_text
from energy_sweep.record import BadInput, NothingFits, Objective, StudyRecord

TRAINING = Objective(name="training")


def study(*nets: tuple[int, float], spread: float = 1.0) -> PricedStudy:
    """Nets by their right answers, and the joules of their training."""
    return PricedStudy(toy_study.trainings(*nets, spread=spread), TRAINING)


def test_a_floor_far_below_is_surely_kept_and_one_at_the_value_half_the_time() -> None:
    priced = study((340, 100.0))
    value = priced.rows[0].accuracy
    for floor, low, high in ((value - 0.06, 0.99, 1.0), (value, 0.3, 0.7)):
        sureness = choose(priced, min_accuracy=floor).sureness
        assert sureness is not None and sureness.min_accuracy is not None
        assert low <= sureness.min_accuracy <= high
        assert sureness.constraints == sureness.min_accuracy
        assert sureness.max_joules is sureness.runner_up is None


def test_joules_keep_a_ceiling_as_surely_as_they_repeat() -> None:
    priced = study((340, 100.0), spread=10.0)
    row = priced.rows[0]
    for limits, expected in ((0.0, 0.5), (1.0, 0.975), (2.0, 0.99995)):
        ceiling = row.joules + limits * row.uncertainty_joules
        sureness = choose(priced, max_joules=ceiling).sureness
        assert sureness is not None
        assert sureness.max_joules == pytest.approx(expected, abs=1e-3)


def test_sure_takes_the_dearer_one_that_keeps_the_floor() -> None:
    priced = study((342, 100.0), (355, 200.0))
    assert choose(priced, min_accuracy=0.95).row.trial == 0
    choice = choose(priced, min_accuracy=0.95, sure=0.9)
    assert choice.row.trial == 1
    assert "sure to 90 %" in choice.why
    assert "sure to keep that accuracy" in choice.why


def test_where_nothing_is_sure_enough_the_nearest_is_named() -> None:
    with pytest.raises(
        NothingFits, match=r"as surely as 95 %; the nearest, with \d+ %, is trial 1"
    ):
        choose(study((342, 100.0), (344, 200.0)), min_accuracy=0.95, sure=0.95)


def test_both_constraints_have_to_be_kept_together() -> None:
    priced = study((346, 100.0), spread=10.0)
    limits = {"min_accuracy": 0.95, "max_joules": 110.0}
    sureness = choose(priced, **limits).sureness
    assert sureness is not None
    accuracy, joules = sureness.min_accuracy, sureness.max_joules
    assert accuracy is not None and joules is not None
    assert sureness.constraints == pytest.approx(accuracy * joules)
    assert sureness.constraints < min(accuracy, joules)


@pytest.mark.parametrize(
    ("rule", "nets", "beats"),
    [
        ("cheapest", [(340, 100.0), (340, 300.0)], (0.99, 1.0)),
        ("most_accurate", [(300, 100.0), (350, 300.0)], (0.99, 1.0)),
        ("most_accurate", [(340, 100.0), (341, 300.0)], (0.3, 0.75)),
        ("knee", [(200, 100.0), (340, 110.0), (345, 300.0)], (0.9, 1.0)),
    ],
)
def test_it_beats_the_runner_up_by_the_rule_in_use(
    rule: str, nets: list[tuple[int, float]], beats: tuple[float, float]
) -> None:
    sureness = choose(study(*nets), rule=rule).sureness
    assert sureness is not None and sureness.beats_runner_up is not None
    assert beats[0] <= sureness.beats_runner_up <= beats[1]


def test_the_same_study_is_believed_the_same_and_twins_are_alike() -> None:
    nets = [(340, 100.0), (345, 120.0), (350, 300.0)]
    first, second = study(*nets), study(*nets)
    assert first.rows == second.rows
    assert 0 < first.expected_wrong < 2
    factor = PricedStudy(_times(first.study, 3.0), TRAINING)
    assert [row.belongs for row in factor.rows] == [row.belongs for row in first.rows]


def _times(record: StudyRecord, factor: float) -> StudyRecord:
    stages = {
        key: toy_study.stage(
            one.stage, key, one.cost_key, (1.0, factor * one.marks[0].reading.joules, factor)
        )
        for key, one in record.stages.items()
    }
    return dataclasses.replace(record, stages=stages)


@pytest.mark.parametrize("sure", [0.0, 1.0, 95.0])
def test_sure_is_a_probability(sure: float) -> None:
    with pytest.raises(BadInput, match="type a probability"):
        choose(study((340, 1.0)), min_accuracy=0.5, sure=sure)


def test_sure_needs_a_constraint_and_a_study() -> None:
    priced = study((340, 1.0))
    with pytest.raises(BadInput, match="of what"):
        choose(priced, sure=0.9)
    with pytest.raises(BadInput, match="hand in the study"):
        choose(priced.rows, min_accuracy=0.5, sure=0.9)
    assert choose(priced.rows, min_accuracy=0.5).sureness is None


@pytest.mark.parametrize(
    ("share", "text"),
    [(1.0, "over 99 %"), (0.995, "over 99 %"), (0.82, "82 %"), (0.0, "under 1 %")],
)
def test_nothing_is_said_to_be_certain(share: float, text: str) -> None:
    assert percent_text(share) == text


def seeds(*right: int) -> PricedStudy:
    """Nets of one configuration, by the images that they have right."""
    key = ("trunk", "t", "c", 1.0)
    trials = [toy_study.trial(n, [key], correct=r, seed=n, lr=1) for n, r in enumerate(right)]
    return PricedStudy(
        toy_study.study(trials, [toy_study.stage("trunk", "t", "c", (1, 2.0, 0.1))]), TRAINING
    )


def test_of_several_seeds_the_one_that_is_deployed_is_told_apart_from_their_mean() -> None:
    priced = seeds(300, 340, 341)
    floor = 320 / toy_study.IMAGES
    why = choose(priced, min_accuracy=floor).why
    assert "the mean of 3 seeds: the net of trial 0, which deploy takes, has 0.836" in why
    told = below_floor_text(priced.configuration(0), 0, floor)
    assert "this net alone, with 0.836, does not: trial 2 of the same settings has 0.950" in told
    assert below_floor_text(priced.configuration(0), 0, 0.8) == ""
    assert "mean of" not in choose(seeds(340), min_accuracy=floor).why


def test_a_knee_of_two_is_the_cheapest_of_the_level_and_is_called_cheaper() -> None:
    two = choose(study((340, 100.0), (342, 300.0)), rule="knee")
    assert "sure to be cheaper than trial 1, the runner-up" in two.why
    three = choose(study((200, 100.0), (340, 110.0), (345, 300.0)), rule="knee")
    assert "sure to be a better trade than" in three.why


def test_what_was_asked_for_is_said_as_it_was_typed() -> None:
    with pytest.raises(NothingFits, match=r"as surely as 99\.9 %"):
        choose(study((342, 100.0)), min_accuracy=0.95, sure=0.999)
    assert "sure to 99.9 %" in choose(study((355, 1.0)), min_accuracy=0.8, sure=0.999).why


def test_nothing_is_sure_of_joules_that_were_contended_alone() -> None:
    stages = [
        toy_study.stage("trunk", f"t{n}", f"c{n}", (1.0, joules, 1.0), contended=n == 0)
        for n, joules in enumerate((100.0, 300.0))
    ]
    trials = [
        toy_study.trial(n, [("trunk", f"t{n}", f"c{n}", 1.0)], correct=340 + n, lr=n)
        for n in range(2)
    ]
    priced = PricedStudy(toy_study.study(trials, stages), TRAINING)
    choice = choose(priced, min_accuracy=0.9, max_joules=150.0)
    assert choice.row.trial == 0
    assert choice.sureness is not None
    assert choice.sureness.min_accuracy is not None
    assert choice.sureness.max_joules is choice.sureness.constraints is None
    assert "whether it keeps those joules is not known" in choice.why
    alone = choose(priced, rule="cheapest")
    assert alone.sureness is not None
    assert (alone.sureness.runner_up, alone.sureness.beats_runner_up) == (1, None)
    assert "whether it is cheaper than trial 1 (the runner-up) is not known" in alone.why
    accurate = choose(priced, rule="most_accurate").sureness
    assert accurate is not None and accurate.beats_runner_up is not None
    with pytest.raises(NothingFits, match="the nearest is trial 0"):
        choose(priced, max_joules=150.0, sure=0.6)


def far_apart(*hopeless: tuple[int, float]) -> PricedStudy:
    return study((340, 100.0), (345, 140.0), (338, 120.0), (352, 300.0), *hopeless)


@pytest.fixture
def many(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if a handful of configurations were too many to be drawn whole."""
    monkeypatch.setattr(doubt, "FEW", 1)


@pytest.mark.usefixtures("many")
def test_who_is_dominated_by_far_is_not_drawn_and_changes_no_figure() -> None:
    priced = far_apart(*((90 + n, 110.0 + n) for n in range(30)))
    assert priced.doubt.contenders == [0, 1, 2, 3]
    shares = [row.belongs for row in priced.rows]
    everybody = priced.beliefs
    assert everybody.accuracies.shape[1] == 34
    assert everybody.belonging()[:4] == pytest.approx(shares[:4], abs=0.12)
    assert shares[4:] == everybody.belonging()[4:].tolist() == [0.0] * 30


def test_a_study_of_usual_size_is_drawn_whole() -> None:
    priced = far_apart((90, 150.0))
    assert priced.doubt.contenders == [0, 1, 2, 3, 4]
    assert [row.belongs for row in priced.rows] == priced.beliefs.belonging().tolist()


@pytest.mark.usefixtures("many")
def test_who_is_cheap_is_a_contender_however_inaccurate_and_who_is_near_however_dear() -> None:
    assert far_apart((60, 90.0)).doubt.contenders == [0, 1, 2, 3, 4]
    assert far_apart((60, 99.9)).doubt.contenders == [0, 1, 2, 3, 4]
    assert far_apart((60, 110.0)).doubt.contenders == [0, 1, 2, 3]
    assert far_apart((330, 5000.0)).doubt.contenders == [0, 1, 2, 3, 4]


@pytest.mark.usefixtures("many")
def test_how_sure_a_limit_is_kept_is_known_also_of_who_is_not_drawn() -> None:
    priced = far_apart((90, 150.0))
    limits = Limits(constraints=Constraints(min_accuracy=80 / toy_study.IMAGES))
    [*_, worst] = priced.rows
    judgement = Judgement(rows=priced.rows, doubt=priced.doubt)
    assert limits.sureness(worst, judgement).constraints == pytest.approx(0.85, abs=0.1)
    assert judgement.beats(priced.rows[0], worst, is_cheaper) == 1.0
