"""The verbs on a study made of formulas, stored as a sweep would store it."""

from __future__ import annotations

import csv
import io
import json
import os
import shlex
import subprocess
import sys
from argparse import Namespace
from pathlib import Path

import pytest
import toy_study
from filelock import FileLock
from stored_study import store_study

from energy_sweep.app import verb_notes, verb_study, verbs
from energy_sweep.front import front_document
from energy_sweep.record import BadInput, NothingFits, Objective, to_plain


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of studies that holds one, of 24 trials."""
    folder = tmp_path_factory.mktemp("verbs") / "outputs"
    store_study(folder, "toy", toy_study.grid())
    return folder


def run(*words: object) -> int:
    return verbs.run([str(word) for word in words])


def test_front_json_is_the_document_of_the_stored_study(
    outputs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("front", "toy", "--outputs", outputs, "--json") == 0
    shown = json.loads(capsys.readouterr().out)
    expected = front_document(toy_study.grid(), Objective())
    assert shown == json.loads(json.dumps({**expected, "study": "toy"}))


def test_front_prices_stored_trials_again(
    outputs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run("front", "--outputs", outputs, "--json", "--objective", "lifetime", "--images", 1)
    short = json.loads(capsys.readouterr().out)
    run("front", "--outputs", outputs, "--json", "--objective", "training")
    training = json.loads(capsys.readouterr().out)
    per_image = short["front"][0]["joules_per_image"]
    assert short["front"][0]["joules"] == pytest.approx(training["front"][0]["joules"] + per_image)


def test_front_text_names_the_quality_and_csv_has_a_line_per_configuration(
    outputs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run("front", "--outputs", outputs)
    text = capsys.readouterr().out
    assert "estimated" in text and "trunk" in text
    run("front", "--outputs", outputs, "--csv")
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert len(rows) == len(toy_study.grid().trials)


def test_choose_takes_the_cheapest_that_is_accurate_enough(
    outputs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run("front", "--outputs", outputs, "--json")
    document = json.loads(capsys.readouterr().out)
    run("choose", "--outputs", outputs, "--json", "--min-accuracy", 0.95)
    chosen = json.loads(capsys.readouterr().out)
    enough = [
        row for row in (*document["front"], *document["dominated"]) if row["accuracy"] >= 0.95
    ]
    cheapest = min(enough, key=lambda row: row["joules"])
    assert {key: chosen[key] for key in cheapest} == cheapest
    assert "cheapest" in chosen["why"]


def test_the_command_of_choose_types_the_dials_of_the_row(
    outputs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run("choose", "--outputs", outputs, "--json", "--knee")
    chosen = json.loads(capsys.readouterr().out)
    words = shlex.split(chosen["command"])
    assert words[:3] == ["python", "-m", "energy_sweep"]
    assert {f"{name}={value}" for name, value in chosen["params"].items()} <= set(words[3:])


def test_choose_in_words_says_why_and_what_to_type(
    outputs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run("choose", "--outputs", outputs, "--max-joules", 800)
    text = capsys.readouterr().out
    assert "most accurate" in text and "J estimated" in text
    assert "python -m energy_sweep batch=" in text
    assert "deploy toy --trial" in text and f"--outputs {outputs}" in text


def test_nothing_fits_exits_3_and_names_the_nearest(outputs: Path) -> None:
    with pytest.raises(NothingFits, match="nearest is trial") as refused:
        run("choose", "--outputs", outputs, "--min-accuracy", 1)
    assert refused.value.exit_code == 3


@pytest.mark.parametrize(
    ("words", "say"),
    [
        (["front", "nope"], "one of toy"),
        (["front", "--json", "--csv"], "--json or --csv"),
        (["front", "--objective", "speed"], "training|inference|lifetime"),
        (["front", "--images", "some"], "--help"),
        (["front", "--images", "0"], "at least 1"),
        (["choose", "--min-accuracy", "95"], "between 0 and 1"),
        (["choose", "--max-joules", "-1"], "positive"),
        (["choose", "--cheapest"], "--help"),
        (["deploy"], "--to"),
        (["deploy", "--to", "x", "--trial", "999"], "0 to 23"),
        (["deploy", "--to", "x", "--trial", "1", "--knee"], "--trial names one"),
        (["deploy", "--to", "x", "--trial", "1"], "is gone"),
        (["dashboard", "--port", "99999"], "not a port"),
    ],
)
def test_bad_input_is_one_line_that_says_what_to_type(
    outputs: Path, words: list[str], say: str
) -> None:
    with pytest.raises(BadInput) as refused:
        run(*words, "--outputs", outputs)
    line = str(refused.value)
    assert say in line and "\n" not in line


def test_no_study_at_all_says_how_to_make_one(tmp_path: Path) -> None:
    for words in (["front"], ["front", "toy"]):
        with pytest.raises(BadInput, match="python -m energy_sweep -m"):
            run(*words, "--outputs", tmp_path / "outputs")


def test_the_latest_study_is_the_default_and_a_path_is_a_name(tmp_path: Path) -> None:
    for age, name in ((100, "new"), (200, "old")):
        (tmp_path / name).mkdir()
        database = tmp_path / name / "study.db"
        database.touch()
        os.utime(database, (1e9 - age, 1e9 - age))
    assert verb_study.find_study(None, tmp_path) == tmp_path / "new"
    log = tmp_path / "old" / "study.db-wal"
    log.touch()  # what is newest may still be in the log beside the database
    assert verb_study.find_study(None, tmp_path) == tmp_path / "old"
    assert verb_study.find_study(str(tmp_path / "new"), tmp_path / "x") == tmp_path / "new"


def test_stages_tells_what_is_shared_by_whom(
    outputs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run("stages", "toy", "--outputs", outputs, "--json")
    document = json.loads(capsys.readouterr().out)
    trunk = next(row for row in document["stages"] if row["stage"] == "trunk")
    record = toy_study.grid()
    users = [
        number
        for number, result in record.results
        if any(use.key == "trunk-32-0.001" for use in result.stages)
    ]
    assert trunk["trials"]["trunk-32-0.001"] == users
    assert trunk["uses"] == len(record.results) and trunk["records"] == 6


def test_clearing_removes_files_and_keeps_the_readings(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = store_study(tmp_path, "small", toy_study.grid(batches=(32,), rates=(0.01,)))
    weights = next(folder.glob("stages/*/*")) / "final.safetensors"
    weights.write_bytes(bytes(2**20))
    run("front", "--outputs", tmp_path, "--json")
    before = capsys.readouterr().out
    with FileLock(folder / ".sweep.lock"), pytest.raises(BadInput, match="working on small"):
        run("stages", "--outputs", tmp_path, "--clear")
    assert weights.exists()
    run("stages", "--outputs", tmp_path, "--clear", "--json")
    assert json.loads(capsys.readouterr().out)["freed_bytes"] == 2**20
    assert not weights.exists()
    run("front", "--outputs", tmp_path, "--json")
    assert capsys.readouterr().out == before


def test_a_shared_store_is_found_through_what_the_sweep_ran_with(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    (tmp_path / "multirun.yaml").write_text(f"stages: {shared}\n")
    assert verb_study.store_root(tmp_path) == shared
    shared.rmdir()  # a study that was moved finds the store in its own folder
    assert verb_study.store_root(tmp_path) == tmp_path / "stages"


def test_report_writes_one_page(
    outputs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "new" / "page.html"
    run("report", "--outputs", outputs, "--to", page, "--json")
    assert json.loads(capsys.readouterr().out) == {
        "report": str(page),
        "bytes": page.stat().st_size,
    }
    with pytest.raises(BadInput, match="is a folder"):
        run("report", "--outputs", outputs, "--to", tmp_path)


def test_meters_says_what_auto_takes_and_why_others_are_missing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    run("meters", "--json")
    document = json.loads(capsys.readouterr().out)
    by_source = {probe["source"]: probe for probe in document["meters"]}
    assert by_source[document["auto"]]["usable"]
    assert all(probe["why"] for probe in by_source.values())
    run("meters")
    text = capsys.readouterr().out
    assert all(source in text for source in by_source)


def test_notes_tell_measured_infeasible_and_failed_trials_apart() -> None:
    record = toy_study.grid(rates=(0.01, 1.0))
    document = front_document(record, Objective())
    notes = verb_notes.trial_notes(record, document)
    assert set(notes) == {trial.number for trial in record.trials}
    on_front = notes[document["front"][0]["trial"]]
    assert "on the front" in on_front and "J estimated" in on_front
    diverged = next(t.number for t in record.trials if t.state == "infeasible")
    assert "**Infeasible**: the loss diverged" in notes[diverged]
    assert all("python -m energy_sweep batch=" in note for note in notes.values())


def test_every_verb_explains_itself(capsys: pytest.CaptureFixture[str]) -> None:
    for name in verbs.VERBS:
        with pytest.raises(SystemExit) as done:
            run(name, "--help")
        assert done.value.code == 0
        assert "--json" in capsys.readouterr().out


def test_table_aligns_words_left_and_numbers_right() -> None:
    text = verb_study.table(("stage", "runs"), [("trunk", "9"), ("infer", "120")])
    assert text.splitlines() == ["stage  runs", "trunk     9", "infer   120"]


def test_the_objective_is_checked_before_anything_is_read() -> None:
    with pytest.raises(BadInput):
        verb_study.objective(Namespace(objective="lifetime", images=0))
    assert to_plain(verb_study.objective(Namespace(objective="training", images=5))) == {
        "name": "training",
        "images": 5,
    }


@pytest.mark.parametrize(
    ("verb", "heavy"),
    [
        ("meters", ("torch", "optuna", "hydra", "plotly", "numpy")),
        ("front", ("torch", "hydra", "plotly", "optuna_dashboard")),
        ("choose", ("torch", "hydra", "plotly", "optuna_dashboard")),
        ("stages", ("torch", "hydra", "plotly", "optuna_dashboard")),
        ("report", ("torch", "hydra", "optuna_dashboard")),
    ],
)
def test_a_verb_loads_only_what_it_needs(outputs: Path, verb: str, heavy: tuple[str, ...]) -> None:
    words = [verb] if verb == "meters" else [verb, "--outputs", str(outputs)]
    code = (
        "import sys; from energy_sweep.app.main import main; "
        f"assert main({words!r}) == 0; print([n for n in {heavy!r} if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
