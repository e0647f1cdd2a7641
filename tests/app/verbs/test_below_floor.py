"""Of several seeds the net that is deployed may be below a floor that their mean keeps."""

from __future__ import annotations

from pathlib import Path

import pytest
import toy_study
from stored_study import store_study

from energy_sweep.app.main import main


@pytest.mark.parametrize(
    ("floor", "said"), [(0.9, "trial 2 of the same settings has 0.950"), (0.8, "")]
)
def test_deploy_warns_and_names_a_seed_that_keeps_the_floor(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], floor: float, said: str
) -> None:
    uses = [("trunk", "t", "c", 1.0)]
    trials = [
        toy_study.trial(number, uses, correct=right, seed=number, lr=1)
        for number, right in enumerate((300, 340, 341))
    ]
    stages = [toy_study.stage("trunk", "t", "c", (1, 2.0, 0.1))]
    store_study(tmp_path, "toy", toy_study.study(trials, stages))
    words = ["deploy", "toy", "--outputs", str(tmp_path), "--to", str(tmp_path / "there")]
    words += ["--objective", "training", "--min-accuracy", str(floor)]
    assert main(words) == 2  # its settings are those of a toy, which nothing can be made of
    err = capsys.readouterr().err
    assert ("keeps an accuracy of at least" in err) == bool(said)
    assert said in err
