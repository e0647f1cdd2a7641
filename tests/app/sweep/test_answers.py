"""Studies of former versions, whose evaluations do not say which images were right, are resumed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from energy_sweep.app.main import main
from energy_sweep.record import StageRecord, from_json
from energy_sweep.record.answers import answers_in
from energy_sweep.record.seal import seal, unseal

pytestmark = pytest.mark.slow

SWEEP = [
    *("-m", "meter=replay", "search/space=none", "model.width=4", "model.depth=2", "epochs=2"),
    *("batch=128", "device.plan=channels_last", "lr=0.1", "compression.level=0,0.5", "name=study"),
]


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    outputs = tmp_path_factory.mktemp("swept") / "outputs"
    assert main([*SWEEP, f"outputs={outputs}"]) == 0
    return outputs


@pytest.fixture
def former(swept: Path, tmp_path: Path) -> Path:
    """The same, as a former version left it."""
    shutil.copytree(swept, tmp_path / "outputs")
    for path, record in evaluations(tmp_path / "outputs"):
        facts = {name: value for name, value in record["facts"].items() if name != "answers"}
        path.write_text(json.dumps(seal({**record, "facts": facts})))
    return tmp_path / "outputs"


def documents(outputs: Path) -> dict[Path, dict[str, Any]]:
    paths = (outputs / "study" / "stages").glob("*/*/record-*.json")
    return {path: unseal(json.loads(path.read_text()))[0] for path in paths}


def evaluations(outputs: Path) -> Iterable[tuple[Path, dict[str, Any]]]:
    return [(p, one) for p, one in documents(outputs).items() if one["stage"] == "evaluate"]


def front(outputs: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    capsys.readouterr()
    assert main(["front", "study", "--outputs", str(outputs), "--json"]) == 0
    said = capsys.readouterr()
    assert not said.err
    return json.loads(said.out)


def test_only_evaluations_run_again(
    former: Path, swept: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before, whole = documents(former), front(former, capsys)
    assert main([*SWEEP, f"outputs={former}"]) == 0
    said = capsys.readouterr().err
    assert said.count("2 evaluations of a former version once more, for which images") == 1
    after, truth = documents(former), documents(swept)
    assert before.keys() == after.keys()
    for path, one in after.items():
        if one["stage"] != "evaluate":
            assert one == before[path]
            continue
        first = truth[swept / path.relative_to(former)]
        assert one["marks"] == first["marks"] and len(one["lost"]) == 1
        assert one["facts"]["answers"] == first["facts"]["answers"]
        found = answers_in(from_json(StageRecord, one).facts)
        assert found is not None and found.correct == one["facts"]["correct"]
    again = front(former, capsys)
    spent = [one.pop("spent_joules") for one in (whole, again)]
    assert spent[1] > spent[0]
    for one in (whole, again):
        del one["bill"]
    assert [(row["trial"], row["accuracy"], row["joules"]) for row in again["front"]] == [
        (row["trial"], row["accuracy"], row["joules"]) for row in whole["front"]
    ]
    assert main([*SWEEP, f"outputs={former}"]) == 0
    assert documents(former) == after
    assert "once more" not in capsys.readouterr().err


def test_nothing_is_trained_again_for_them(
    former: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["stages", "study", "--outputs", str(former), "--clear"]) == 0
    before = documents(former)
    assert main([*SWEEP, f"outputs={former}"]) == 0
    assert "once more" not in capsys.readouterr().err
    for path, one in documents(former).items():
        gone = {"answers": None} if one["stage"] == "evaluate" else {}
        assert one == {**before[path], "facts": {**before[path]["facts"], **gone}}


def test_answers_that_are_not_as_many_as_were_counted_are_damage(
    swept: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outputs = tmp_path / "outputs"
    shutil.copytree(swept, outputs)
    path, record = next(iter(evaluations(outputs)))
    facts = {**record["facts"], "correct": record["facts"]["correct"] + 1}
    path.write_text(json.dumps(seal({**record, "facts": facts})))
    main(["front", "study", "--outputs", str(outputs), "--json"])
    said = capsys.readouterr().err
    assert "damaged: stage record" in said and "of its answers are right, not" in said
    assert main([*SWEEP, f"outputs={outputs}"]) == 0
    front(outputs, capsys)
    assert dict(evaluations(outputs))[path]["facts"] == record["facts"]
