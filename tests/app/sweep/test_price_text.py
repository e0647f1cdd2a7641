"""What is said of a price before it is paid, and of how right that was."""

from __future__ import annotations

from energy_sweep.app.sweep.price_text import chosen_text, predicted_text, preview_text
from energy_sweep.search.events import Chosen, Prediction, Previewed


def chosen(prediction: Prediction | None) -> str:
    return chosen_text(Chosen(params={"batch": 32, "lr": 0.1}, prediction=prediction), "estimated")


def test_what_is_next_has_its_price_and_what_is_shared() -> None:
    assert chosen(None) == "next: batch=32 lr=0.1: no price is known yet"
    known = Prediction(joules=3.14, uncertainty=0.1, shared=0.0)
    assert chosen(known) == "next: batch=32 lr=0.1: 3.14 J predicted (estimated)"
    unsure = Prediction(joules=3.14, uncertainty=1.2, shared=7.0)
    assert chosen(unsure).endswith("3.14 ± 1.2 J predicted (estimated); 7 J more is paid already")


def test_predictions_are_compared_with_what_was_paid() -> None:
    said = predicted_text([(1.0, 2.0), (1.1, 1.0), (1.0, 1.0), (0.0, 0.0)], "estimated")
    assert said == ("predicted 3.1 J, paid 4 J (estimated) for 4 trials; median error 10% a trial")


def previewed(*prices: Prediction | None, **grid: object) -> str:
    trials = tuple(({"batch": 32 + place}, price) for place, price in enumerate(prices))
    facts: dict[str, object] = {"trials": trials, "together": None, "count": None, **grid}
    return preview_text(Previewed(**facts), "estimated")  # type: ignore[arg-type]


def test_a_dry_run_says_what_would_be_next_and_what_a_grid_takes() -> None:
    price = Prediction(joules=2.0, uncertainty=0.0, shared=6.0)
    assert previewed(price, None).splitlines() == [
        "next would be, as far as is known by now:",
        "  batch=32: 2 J predicted (estimated); 6 J more is paid already",
        "  batch=33: no price is known yet",
    ]
    assert previewed(None).splitlines()[1] == "  batch=32"
    assert previewed() == "there is nothing that would be run" == previewed(count=0)
    assert previewed(count=9, together=price) == (
        "the 9 to run would take 2 J (estimated) together, and 8 J one by one"
    )
    assert previewed(count=1) == "the one to run: no price is known yet"
