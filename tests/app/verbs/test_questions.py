"""Every command of docs/questions.md is typed, and answers what is asked."""

from __future__ import annotations

import dataclasses
import re
import shlex
from pathlib import Path

import pytest
import toy_study
from stored_study import store_study

from energy_sweep.app.verbs import options as verbs
from energy_sweep.record import TrialResult

PAGE = Path(__file__).parents[3] / "docs/questions.md"
# What an answer has to hold, by the words that it is asked with.
ANSWERS = {
    "choose": "why",
    "choose --min-accuracy 0.98": "the cheapest of",
    "front": "Spent, all stages and all lost work",
    "front --price 0.30 --currency EUR --grid DE": "kgCO2e",
    "choose --kwh": "kWh",
    "choose --min-accuracy 0.98 --sure 0.9": "sure to keep that accuracy",
    "compare 0 1": "accuracy",
    "front --images 100": "training and 100 images",
    "front --images 100000000": "training and 100,000,000 images",
    "choose --images 100000000": "training and 100,000,000 images",
}


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("questions") / "outputs"
    study = toy_study.grid(epochs=(20, 60))
    trials = tuple(dataclasses.replace(one, result=_surer(one.result)) for one in study.trials)
    store_study(folder, "toy", dataclasses.replace(study, trials=trials))
    return folder


def _surer(result: TrialResult | None) -> TrialResult:
    """The same accuracy of ten times as many images."""
    assert result is not None and result.correct is not None
    return dataclasses.replace(
        result, correct=10 * result.correct, n_validation=10 * result.n_validation
    )


def typed() -> set[str]:
    """The commands of the page, without the program and what is said of them."""
    text = PAGE.read_text(encoding="utf-8")
    blocks = "\n".join(re.findall(r"^```sh\n(.*?)^```", text, re.M | re.S))
    lines = re.findall(r"^python -m energy_sweep ([^#\n]+)", blocks, re.M)
    cells = re.findall(r"`((?:front|choose)(?: --[^`]+)?)`", text)
    return {one.strip() for one in (*lines, *cells) if "json" not in one}


def test_the_page_asks_what_is_tried_here() -> None:
    assert typed() == ANSWERS.keys()
    linked = (PAGE.parents[1] / "README.md").read_text(encoding="utf-8")
    assert "docs/questions.md" in linked


@pytest.mark.parametrize("words", ANSWERS)
def test_a_command_answers(words: str, outputs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert verbs.run([*shlex.split(words), "--outputs", str(outputs)]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert ANSWERS[words] in told
    if words == "front":
        assert "matters most for" in told
        assert "of its final area with trial" in told
        assert "it would have been" in told
