"""The verb compare, typed: two trials, several studies, and what it refuses."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
import toy_study
from stored_study import store_study

from energy_sweep.app.main import main
from energy_sweep.record import JsonDict


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three studies: two that compare, one of another machine; and one whose name is a number."""
    folder = tmp_path_factory.mktemp("comparing") / "outputs"
    small = toy_study.grid(rates=(0.01,), epochs=(8, 9))
    store_study(folder, "first", toy_study.grid(rates=(0.01,)))
    store_study(folder, "second", small)
    elsewhere = {"device_class": "Other CPU, 64 cores", "cores": 64}
    store_study(folder, "elsewhere", dataclasses.replace(small, machine=elsewhere))
    store_study(folder, "12", toy_study.grid(rates=(0.1,), epochs=(8,)))
    return folder


def run(outputs: Path, *words: str) -> int:
    return main(["compare", *words, "--outputs", str(outputs)])


def told(outputs: Path, capsys: pytest.CaptureFixture[str], *words: str) -> JsonDict:
    assert run(outputs, *words, "--json") == 0
    return json.loads(capsys.readouterr().out)


def test_two_trials_are_compared_as_they_are_priced(
    outputs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = told(outputs, capsys, "first", "0", "3", "--objective", "training")
    first, second = found["first"], found["second"]
    assert (first["trial"], second["trial"], found["objective"]) == (0, 3, "training")
    assert found["joules_change"] == pytest.approx(second["joules"] - first["joules"])
    assert found["accuracy_change"] == pytest.approx(second["accuracy"] - first["accuracy"])
    assert found["joules_change"] == pytest.approx(
        sum(one["joules_change"] for one in found["stages"].values())
    )
    assert found["settings"] == {"dials.epochs": [10, 20], "dials.compression.level": [0.0, 0.5]}
    assert run(outputs, "first", "0", "3") == 0
    assert "trial 0 and trial 3 of first" in capsys.readouterr().out


def test_fronts_of_studies_are_compared_with_a_common_reference(
    outputs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = told(outputs, capsys, "first", "second")
    assert [one["study"] for one in found["studies"]] == ["first", "second"]
    assert found["apart"] == []
    for one in found["studies"]:
        members = [m for m in found["members"] if m["study"] == one["study"]]
        assert sorted(m["trial"] for m in members) == sorted(one["front"])
        assert one["stay"] == [m["trial"] for m in members if m["on_joint_front"]]
        assert 0 <= one["hypervolume"] <= found["hypervolume"]
        assert main(["front", one["study"], "--outputs", str(outputs), "--json"]) == 0
        front = json.loads(capsys.readouterr().out)["front"]
        assert [row["trial"] for row in front] == one["front"]
    assert run(outputs, "first", "second") == 0
    said = " ".join(capsys.readouterr().out.split())
    assert f"down to accuracy {found['reference']['accuracy']:.3f}" in said


def test_across_machines_every_line_says_so(
    outputs: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(outputs, "first", "elsewhere") == 2
    line = capsys.readouterr().err
    assert "type --across-machines" in line and len(line.splitlines()) == 1
    assert run(outputs, "first", "elsewhere", "--across-machines") == 0
    tables = capsys.readouterr().out.split("Do not compare")[0].splitlines()
    lines = [line for line in tables if line.startswith(("first ", "elsewhere "))]
    assert lines
    assert all(("Toy CPU" in line) != ("Other CPU" in line) for line in lines)
    monkeypatch.setenv("COLUMNS", "80")
    assert run(outputs, "first", "elsewhere", "--across-machines") == 0
    said = capsys.readouterr().out
    assert all(len(line) <= 80 for line in said.splitlines())
    document = told(outputs, capsys, "first", "elsewhere", "--across-machines")
    assert "other machines" in document["apart"][0]
    assert {one["survives"] for one in document["members"]} == {None}


def test_other_images_are_refused_unless_asked_for(
    outputs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from energy_sweep.study import open_study
    from energy_sweep.study.space import Space

    record = toy_study.grid()
    with open_study(
        tmp_path / "other",
        "other",
        space=Space(()),
        meter=record.meter,
        machine=record.machine,
        identity={"dataset": "mnist"},
    ):
        pass
    assert run(outputs, "first", str(tmp_path / "other")) == 2
    assert "type --across-data" in capsys.readouterr().err
    assert run(outputs, "first", str(tmp_path / "other"), "--across-data") == 0
    assert "saw other data sets (first: toy; other: mnist)" in capsys.readouterr().out


def test_a_study_whose_name_is_a_number_is_typed_as_a_path(
    outputs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert told(outputs, capsys, "./12", "0", "1")["study"] == "12"
    assert [one["study"] for one in told(outputs, capsys, "first", "./12")["studies"]] == [
        "first",
        "12",
    ]


REFUSED = {
    ("first",): "compare first with what? Type two of its trials",
    ("first", "1"): "type one study and two of its trials",
    ("1", "2", "3"): "one whose name is a number as ./NUMBER",
    ("first", "second", "1"): "type one study and two of its trials",
    ("1", "first", "2"): "type one study and two of its trials",
    ("first", "1", "1"): "are one configuration",
    ("first", "1", "99"): "0 to 7",
    ("first", "first"): "is named twice",
    ("first", "nope"): "no study is called nope",
    ("first", "--kwh", "0", "3"): "beside each other: compare first 0 3",
}


@pytest.mark.parametrize("words", REFUSED)
def test_what_cannot_be_compared_is_one_line(
    outputs: Path, words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(outputs, *words) == 2
    said = capsys.readouterr()
    assert REFUSED[words] in said.err and len(said.err.splitlines()) == 1 and not said.out


def test_the_fronts_are_written_as_one_page(
    outputs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "new" / "fronts.html"
    assert run(outputs, "first", "second", "--to", str(page)) == 0
    assert f"{page}: open it in any browser" in capsys.readouterr().out
    text = page.read_text(encoding="utf-8")
    assert '<section id="fronts"' in text and "<h1>first and second</h1>" in text
    assert run(outputs, "first", "second", "--to", str(page), "--json") == 0  # over its own
    assert json.loads(capsys.readouterr().out)["studies"]
    notes = tmp_path / "notes.txt"
    notes.write_text("mine")
    assert run(outputs, "first", "second", "--to", str(notes)) == 2
    assert notes.read_text() == "mine"
    assert run(outputs, "first", "0", "3", "--to", str(page)) == 2
    assert "--to writes the fronts of studies" in capsys.readouterr().err
    assert run(outputs, "first", "second", "--to", str(outputs / "first" / "x.html")) == 2
