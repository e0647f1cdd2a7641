"""What is said of a price before it is paid, and of how right that was."""

from __future__ import annotations

from energy_sweep.app.sweep.price_text import chosen_text, predicted_text
from energy_sweep.search.events import Chosen, Prediction


def chosen(prediction: Prediction | None) -> str:
    return chosen_text(Chosen(params={"batch": 32, "lr": 0.1}, prediction=prediction), "estimated")


def test_what_is_next_has_its_price_and_what_is_shared() -> None:
    assert chosen(None) == "next: batch=32 lr=0.1: no price is known yet"
    known = Prediction(joules=3.14, uncertainty=0.1, shared=0.0)
    assert chosen(known) == "next: batch=32 lr=0.1: 3.14 J predicted (estimated)"
    unsure = Prediction(joules=3.14, uncertainty=1.2, shared=7.0)
    assert chosen(unsure).endswith("3.14 ± 1.2 J predicted (estimated); 7 J more is there already")


def test_predictions_are_compared_with_what_was_paid() -> None:
    said = predicted_text([(1.0, 2.0), (1.1, 1.0), (1.0, 1.0), (0.0, 0.0)], "estimated")
    assert said == ("predicted 3.1 J, paid 4 J (estimated) for 4 trials; median error 10% a trial")
