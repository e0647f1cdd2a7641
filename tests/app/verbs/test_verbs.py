"""The verbs on a study made of formulas, stored as a sweep would store it."""

from __future__ import annotations

import csv
import dataclasses
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

from energy_sweep.app import main, typed_watts
from energy_sweep.app import stored_study as verb_study
from energy_sweep.app.verbs import notes as verb_notes
from energy_sweep.app.verbs import options as verbs
from energy_sweep.front import PricedStudy, front_document
from energy_sweep.record import (
    BadInput,
    DomainEnergy,
    EnergyReading,
    JsonDict,
    Mark,
    NothingFits,
    Objective,
    Quality,
    StudyRecord,
    to_json,
)
from energy_sweep.study import stored
from energy_sweep.text import terminal


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of studies that holds one, of 24 trials."""
    folder = tmp_path_factory.mktemp("verbs") / "outputs"
    store_study(folder, "toy", toy_study.grid())
    return folder


def estimated_grid() -> StudyRecord:
    """The toy grid with joules that an estimate would give, at 3 W a core and 0.5 W a GiB."""
    grid = toy_study.grid()

    def estimate(mark: Mark) -> Mark:
        joules = {"cpu": 0.9 * mark.reading.joules, "memory": 0.1 * mark.reading.joules}
        domains = (
            DomainEnergy(
                domain=name,
                joules=part,
                uncertainty_joules=0.03 * part,
                source="estimate",
                quality=Quality.ESTIMATED,
            )
            for name, part in joules.items()
        )
        terms = {"cpu_seconds": joules["cpu"] / 3.0, "gib_cpu_seconds": joules["memory"] / 0.5}
        return Mark(
            units=mark.units,
            reading=EnergyReading(domains=tuple(domains), seconds=1.0, terms=terms),
        )

    return dataclasses.replace(
        grid,
        stages={
            key: dataclasses.replace(record, marks=tuple(map(estimate, record.marks)))
            for key, record in grid.stages.items()
        },
        meter=dataclasses.replace(
            grid.meter,
            domains=("cpu", "memory"),
            coefficients={"cpu_watts_per_core": 3.0, "memory_watts_per_gib": 0.5},
        ),
    )


@pytest.fixture(scope="module")
def estimates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of studies with one whose joules are estimates that can be priced anew."""
    folder = tmp_path_factory.mktemp("estimates") / "outputs"
    store_study(folder, "toy", estimated_grid())
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


def shown_front(outputs: Path, capsys: pytest.CaptureFixture[str], *words: object) -> JsonDict:
    run("front", "--outputs", outputs, "--json", *words)
    return json.loads(capsys.readouterr().out)


def test_other_watts_price_stored_trials_again(
    estimates: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = shown_front(estimates, capsys)
    after = shown_front(estimates, capsys, "--cpu-watts", 6, "--memory-watts", 1)
    assert after["coefficients"] == {"cpu_watts_per_core": 6.0, "memory_watts_per_gib": 1.0}
    assert after["scale_band"] == pytest.approx([2.8 / 6, 2.0])
    assert len(after["front"]) == len(before["front"])
    for old, new in zip(before["front"], after["front"], strict=True):
        assert new["joules"] == pytest.approx(2 * old["joules"])
        assert new["uncertainty_joules"] == pytest.approx(2 * old["uncertainty_joules"])
        assert {**new, **{key: old[key] for key in CHANGED}} == old
    assert shown_front(estimates, capsys) == before  # nothing was written


CHANGED = (
    *("joules", "uncertainty_joules", "noise_joules", "joules_per_image", "stages"),
    *("kilowatt_hours", "efficiency"),
)


def test_watts_of_memory_alone_leave_those_of_the_cpu(
    estimates: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = shown_front(estimates, capsys)
    after = shown_front(estimates, capsys, "--memory-watts", 1)
    assert after["coefficients"] == {"cpu_watts_per_core": 3.0, "memory_watts_per_gib": 1.0}
    assert after["scale_band"] == before["scale_band"]
    assert after["front"][0]["joules"] == pytest.approx(1.1 * before["front"][0]["joules"])


@pytest.fixture
def calibration(tmp_path: Path) -> Path:
    path = tmp_path / "mine.json"
    watts = {"cpu_watts_per_core": 6.0, "memory_watts_per_gib": 0.5, "cpu_watts_band": [5.4, 6.6]}
    path.write_text(json.dumps(watts))
    return path


def test_a_calibration_prices_stored_trials_and_narrows_the_scale(
    estimates: Path, calibration: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = shown_front(estimates, capsys)
    after = shown_front(estimates, capsys, "--calibration", calibration)
    assert after["front"][0]["joules"] == pytest.approx(1.9 * before["front"][0]["joules"])
    assert after["scale_band"] == pytest.approx([0.9, 1.1])
    run("front", "--outputs", estimates, "--calibration", calibration)
    text = capsys.readouterr().out
    assert "between 0.9 and 1.1" in text and "priced anew, by cpu_watts_per_core = 6" in text
    run("front", "--outputs", estimates)
    assert "priced anew" not in capsys.readouterr().out


def test_every_face_takes_the_watts(
    estimates: Path, calibration: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    watts = ["--outputs", estimates, "--cpu-watts", 6]
    run("choose", *watts, "--knee", "--json")
    chosen = json.loads(capsys.readouterr().out)
    front = shown_front(estimates, capsys, "--cpu-watts", 6)["front"]
    assert chosen["joules"] == next(r["joules"] for r in front if r["trial"] == chosen["trial"])
    page = tmp_path / "page.html"
    run("report", *watts, "--to", page)
    assert "cpu_watts_per_core: 6" in page.read_text()
    run("report", "--outputs", estimates, "--calibration", calibration, "--to", page)
    assert "between 0.9 and 1.1" in page.read_text()


def test_the_commands_of_choose_keep_the_watts(
    estimates: Path, calibration: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run("choose", "--outputs", estimates, "--knee", "--cpu-watts", 6)
    text = capsys.readouterr().out
    assert "meter.cpu_watts_per_core=6\n" in text and "--cpu-watts 6\n" in text
    assert "priced anew, by cpu_watts_per_core = 6, memory_watts_per_gib = 0.5" in text
    run("choose", "--outputs", estimates, "--knee", "--calibration", calibration, "--json")
    words = shlex.split(json.loads(capsys.readouterr().out)["command"])
    assert words[-1] == f"meter.calibration={calibration}"


def test_joules_without_watts_cannot_be_priced_again(tmp_path: Path, calibration: Path) -> None:
    grid = toy_study.grid(batches=(32,), rates=(0.01,))
    counted = dataclasses.replace(grid.meter, sources=("rapl",), coefficients={})
    store_study(tmp_path, "counted", dataclasses.replace(grid, meter=counted))
    for words in (["--cpu-watts", "6"], ["--memory-watts", "1"], ["--calibration", calibration]):
        for verb in ("front", "choose", "report"):
            with pytest.raises(BadInput, match="by rapl") as refused:
                run(verb, "--outputs", tmp_path, *words)
            assert "\n" not in str(refused.value)


def test_watts_beside_a_counter_only_widen_the_scale(tmp_path: Path) -> None:
    both = dataclasses.replace(
        estimated_grid().meter, sources=("nvml", "estimate"), scale_band=(0.9, 1.5)
    )
    arguments = Namespace(cpu_watts=12.0, memory_watts=None, calibration=None)
    assert typed_watts.repriced(both, arguments).scale_band == (2.8 / 12.0, 1.5)


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
    assert f"deploy toy --outputs {outputs} --trial" in text


def test_choose_says_how_sure_it_is_and_takes_only_what_is_sure_enough(
    outputs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run("choose", "--outputs", outputs, "--json", "--min-accuracy", 0.9)
    first = json.loads(capsys.readouterr().out)
    assert set(first["sure"]) == {
        *("min_accuracy", "max_joules", "constraints", "runner_up", "beats_runner_up"),
    }
    assert first["sure"]["max_joules"] is None
    wanted = first["sure"]["constraints"] + 0.02
    run("choose", "--outputs", outputs, "--json", "--min-accuracy", 0.9, "--sure", wanted)
    surer = json.loads(capsys.readouterr().out)
    assert surer["trial"] != first["trial"]
    assert surer["sure"]["constraints"] >= wanted
    assert surer["joules"] >= first["joules"]
    run("choose", "--outputs", outputs, "--min-accuracy", 0.9)
    assert "sure to keep that accuracy" in " ".join(capsys.readouterr().out.split())


def test_nothing_that_is_sure_enough_exits_3_and_names_the_nearest(outputs: Path) -> None:
    words = ("--min-accuracy", 0.97, "--sure", 0.999)
    for verb in (("choose",), ("deploy", "--to", outputs / "never")):
        with pytest.raises(
            NothingFits, match=r"as surely as 99\.9 %; the nearest, with"
        ) as refused:
            run(*verb, "--outputs", outputs, *words)
        assert refused.value.exit_code == 3


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
        (["choose", "--min-accuracy", ".9", "--sure", "95"], "between 0 and 1"),
        (["choose", "--sure", ".95"], "sure=0.95 of what"),
        (["deploy", "--to", "new", "--trial", "0", "--sure", ".9"], "sure=0.9 of what"),
        (["choose", "--cheapest"], "--help"),
        (["deploy"], "--to"),
        (["deploy", "--to", "x", "--trial", "999"], "0 to 23"),
        (["deploy", "--to", "x", "--trial", "1", "--knee"], "--knee and --trial name"),
        (["deploy", "--to", "x", "--trial", "1"], "is gone"),
        (["dashboard", "--port", "99999"], "not a port"),
        (["front", "--cpu-watts", "0"], "not a positive number"),
        (["choose", "--calibration", "gone.json"], "gone.json"),
        (["report", "--cpu-watts", "6", "--calibration", "gone.json"], "leave out --cpu-watts"),
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
    assert stored.stage_root(tmp_path) == shared
    shared.rmdir()  # a study that was moved finds the store in its own folder
    assert stored.stage_root(tmp_path) == tmp_path / "stages"


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


def test_notes_tell_measured_infeasible_and_failed_trials_apart() -> None:
    record = toy_study.grid(rates=(0.01, 1.0))
    priced = PricedStudy(record)
    notes = verb_notes.trial_notes(priced)
    assert set(notes) == {trial.number for trial in record.trials}
    on_front = notes[priced.front[0].trial]
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
    text = terminal.table(("stage", "runs"), [("trunk", "9"), ("infer", "120")])
    assert text.splitlines() == ["stage  runs", "trunk     9", "infer   120"]
    text = terminal.table(("domain", "net"), [("cpu", "-0.5 J"), ("gpu", "12 J"), ("total", "-")])
    assert [line[-6:] for line in text.splitlines()] == ["   net", "-0.5 J", "  12 J", "     -"]


def test_the_objective_is_checked_before_anything_is_read() -> None:
    with pytest.raises(BadInput):
        verb_study.objective(Namespace(objective="lifetime", images=0))
    assert to_json(verb_study.objective(Namespace(objective="training", images=5))) == {
        "name": "training",
        "images": 5,
    }


@pytest.mark.parametrize(
    ("verb", "heavy"),
    [
        ("meters", ("torch", "optuna", "hydra", "plotly", "numpy", "rich")),
        ("measure", ("torch", "optuna", "hydra", "plotly", "numpy", "rich")),
        ("front", ("torch", "hydra", "plotly", "optuna_dashboard")),
        ("choose", ("torch", "hydra", "plotly", "optuna_dashboard")),
        ("stages", ("torch", "hydra", "plotly", "optuna_dashboard")),
        ("report", ("torch", "hydra", "optuna_dashboard")),
    ],
)
def test_a_verb_loads_only_what_it_needs(outputs: Path, verb: str, heavy: tuple[str, ...]) -> None:
    alone = {"meters": ["meters"], "measure": ["measure", "--", "true"]}
    words = alone.get(verb, [verb, "--outputs", str(outputs)])
    code = (
        "import sys; from energy_sweep.app.main import main; "
        f"assert main({words!r}) == 0; print([n for n in {heavy!r} if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("width", [60, 80, 100, 140])
def test_what_people_read_fits_the_terminal(
    outputs: Path,
    width: int,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    toy = ("toy", "--outputs", outputs)
    for words in (("front", *toy), ("choose", *toy, "--knee"), ("stages", *toy), ("meters",)):
        run(*words)
    main.main(["--help"])
    with pytest.raises(SystemExit):
        run("front", "--help")
    lines = capsys.readouterr().out.splitlines()
    # Commands are left whole, to be copied.
    assert [line for line in lines if len(line) > width and "python -m" not in line] == []
