"""The options of choose and deploy, typed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import toy_study
from stored_study import store_study

from energy_sweep.app.main import main
from energy_sweep.record import JsonDict
from energy_sweep.text import terminal


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of studies that holds one, of 24 trials."""
    folder = tmp_path_factory.mktemp("choosing") / "outputs"
    store_study(folder, "toy", toy_study.grid())
    return folder


def chosen(outputs: Path, capsys: pytest.CaptureFixture[str], *words: Any) -> JsonDict:
    typed = ["choose", "toy", "--outputs", str(outputs), "--json", *map(str, words)]
    assert main(typed) == 0
    return json.loads(capsys.readouterr().out)


def rows(outputs: Path, capsys: pytest.CaptureFixture[str]) -> list[JsonDict]:
    assert main(["front", "toy", "--outputs", str(outputs), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    return [*document["front"], *document["dominated"]]


def test_each_rule_takes_what_it_says(outputs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = rows(outputs, capsys)
    enough = [one for one in found if one["accuracy"] >= 0.93]
    efficient = max(enough, key=lambda one: one["accuracy"] / one["joules"])
    for floor in ("--floor", "--min-accuracy"):
        taken = chosen(outputs, capsys, "--efficiency", floor, 0.93)
        assert (taken["trial"], taken["rule"]) == (efficient["trial"], "efficiency")
    cheapest = chosen(outputs, capsys, "--weights", "joules=1")
    assert cheapest["joules"] == min(one["joules"] for one in found)
    assert cheapest["next"]["cheaper"] is None
    best = chosen(outputs, capsys, "--weights", "accuracy=1,joules=0")
    assert best["accuracy"] == max(one["accuracy"] for one in found)
    assert best["next"]["more_accurate"] is None
    assert chosen(outputs, capsys, "--trial", 5)["trial"] == 5


def test_the_next_best_is_the_same_in_json_and_in_words(
    outputs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    taken = chosen(outputs, capsys, "--knee")
    by_trial = {one["trial"]: one for one in rows(outputs, capsys)}
    told = [one for one in taken["next"].values() if one is not None]
    assert told
    for one in told:
        other = by_trial[one["trial"]]
        assert one["joules_change"] == pytest.approx(other["joules"] - taken["joules"])
        assert one["joules_share"] == pytest.approx(other["joules"] / taken["joules"] - 1)
        assert one["accuracy_change"] == pytest.approx(other["accuracy"] - taken["accuracy"])
        low, high = one["joules_interval"]
        assert low <= one["joules_change"] <= high
        assert isinstance(one["joules_sure"], bool) and isinstance(one["accuracy_sure"], bool)
    assert main(["choose", "toy", "--outputs", str(outputs), "--knee"]) == 0
    said = capsys.readouterr().out
    assert all(f"trial {one['trial']} " in said for one in told)
    assert "\n  cheaper  " in said and "\n  better   " in said


@pytest.mark.parametrize("width", [80, 160])
def test_words_fit_the_terminal(
    outputs: Path,
    width: int,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    assert terminal.width_of() == width
    for words in (["--knee"], ["--weights", "accuracy=1,joules=2"], ["--trial", "3"]):
        assert main(["choose", "toy", "--outputs", str(outputs), *words]) == 0
        lines = capsys.readouterr().out.splitlines()
        typed = ("  run it", "  take it", f"{'':11}python -m energy_sweep")
        assert all(len(line) <= width for line in lines if not line.startswith(typed))


REFUSED: list[tuple[list[str], int, str]] = [
    (["--knee", "--efficiency"], 2, "--knee and --efficiency name what to take"),
    (["--trial", "0", "--weights", "joules=1"], 2, "--weights and --trial name what to take"),
    (["--efficiency"], 2, "type --floor 0.9"),
    (["--floor", "0.9"], 2, "--min-accuracy 0.9 in its place"),
    (["--efficiency", "--floor", ".9", "--min-accuracy", ".9"], 2, "are one limit"),
    (["--weights", "bytes=1"], 2, "weights of bytes"),
    (["--weights", "joules"], 2, "such as accuracy=1,joules=2"),
    (["--weights", "joules=many"], 2, "joules=many is not such as accuracy=1"),
    (["--weights", "joules=1,joules=2"], 2, "such as accuracy=1,joules=2"),
    (["--weights", "joules=nan"], 2, "a number of at least 0"),
    (["--trial", "999"], 2, "0 to 23"),
    (["--trial", "one"], 2, "--help"),
    (["--trial", "1", "--min-accuracy", "1"], 3, "it breaks accuracy of at least 1"),
    (["--trial", "1", "--sure", ".9"], 2, "sure=0.9 of what"),
]


@pytest.mark.parametrize("place", range(len(REFUSED)))
@pytest.mark.parametrize("verb", ["choose", "deploy"])
def test_what_contradicts_itself_is_one_line(
    outputs: Path, verb: str, place: int, capsys: pytest.CaptureFixture[str]
) -> None:
    words, code, say = REFUSED[place]
    more = ["--to", str(outputs / "new")] if verb == "deploy" else []
    assert main([verb, "toy", "--outputs", str(outputs), *words, *more]) == code
    said = capsys.readouterr()
    assert say in said.err and len(said.err.splitlines()) == 1 and not said.out
    assert not (outputs / "new").exists()
