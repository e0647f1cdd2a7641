"""Bits of right answers: as many as were right, and refused where they are not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from energy_sweep.record import to_json
from energy_sweep.record.answers import Answers, answers_in
from energy_sweep.record.seal import Damaged

RIGHT = st.lists(st.booleans(), min_size=1, max_size=200)


def kept(right: list[bool]) -> Answers:
    return Answers.of(np.packbits(right).tobytes(), count=len(right), asked="images")


@given(RIGHT)
def test_as_many_bits_are_set_as_images_are_right(right: list[bool]) -> None:
    answers = kept(right)
    assert answers.correct == sum(right)
    facts = {"correct": sum(right), "answers": to_json(answers)}
    assert answers_in(facts) == answers
    bits = np.unpackbits(np.frombuffer(answers.packed, dtype=np.uint8), count=len(right))
    assert bits.tolist() == right


@given(RIGHT)
def test_another_count_is_damage(right: list[bool]) -> None:
    with pytest.raises(Damaged, match="are right, not"):
        answers_in({"correct": sum(right) + 1, "answers": to_json(kept(right))})


@pytest.mark.parametrize(
    "changes",
    [{"right": "no base64"}, {"right": ""}, {"count": 9}, {"count": 3}, {"count": -1}],
)
def test_bits_that_are_not_as_many_as_the_images_are_damage(changes: dict[str, object]) -> None:
    facts = {"correct": 4, "answers": {**to_json(kept([True] * 4)), **changes}}
    with pytest.raises(Damaged):
        answers_in(facts)


def test_an_evaluation_without_answers_has_none() -> None:
    assert answers_in({"correct": 4}) is answers_in({"correct": 4, "answers": None}) is None
