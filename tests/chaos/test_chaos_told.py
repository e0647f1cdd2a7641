"""What chaos takes as a line that names a damage."""

from __future__ import annotations

from tests.chaos.base import Ran
from tests.chaos.damages import Done

WARNING = "[2026-11-30 14:05][energy_sweep.trial][WARNING] - model.onnx is gone"


def test_warnings_on_stdout_name_a_damage_and_results_do_not() -> None:
    ran = Ran(
        code=0,
        out=f"data: digits\n{WARNING}\nthe front had 90 % of its final area with trial 2\n",
        err="trial 2  1/4  epochs=3  accuracy .124  front 1\ntrial 3 is left out\n",
        seconds=1.0,
        hung=False,
    )
    assert ran.told.splitlines() == [WARNING, "trial 3 is left out"]
    named = [word for word in ("model.onnx", "trial 2", "trial 3") if _of(word).named(ran.told, "")]
    assert named == ["model.onnx", "trial 3"]


def _of(word: str) -> Done:
    return Done("", (word,))
