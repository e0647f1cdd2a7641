"""Damage to the two files of a study, caused as it comes: by other bytes in the files."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import optuna
import pytest
from formula_world import World, open_formula, space_of, sweep

from energy_sweep.record import BadInput, StudyRecord
from energy_sweep.study import annotate, at_hand, load_study
from energy_sweep.study.links import check_links

AXES = {"batch": (32, 64), "lr": (0.01, 0.1), "epochs": (10, 20)}
ALL = {**AXES, "level": (0, 0.5)}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of eight trials, two of them infeasible and failed."""
    folder = tmp_path_factory.mktemp("whole")
    sweep(folder, space_of(AXES))
    with open_formula(folder, space_of(AXES)) as study:
        world = World(folder)
        job = world.describe({"lr": 1000.0})
        number = study.claim(params=job.params, overrides=(), config=job.config)
        study.finish(number, world.run(number, job), None)
        number = study.claim(params={"lr": 5.0}, overrides=(), config={"lr": 5.0})
        study.fail(number, "a bug")
    return folder


@pytest.fixture
def folder(whole: Path, tmp_path: Path) -> Path:
    return shutil.copytree(whole, tmp_path / "study")


@pytest.fixture
def truth(whole: Path) -> StudyRecord:
    return load_study(whole, {})


def change(folder: Path, statement: str, *values: object) -> None:
    connection = sqlite3.connect(folder / "study.db")
    with connection:
        connection.execute(statement, values)
    connection.close()


def attribute(folder: Path, number: int, key: str) -> str:
    connection = sqlite3.connect(folder / "study.db")
    [(text,)] = connection.execute(
        "SELECT value_json FROM trial_user_attributes JOIN trials USING (trial_id)"
        " WHERE number = ? AND key = ?",
        (number, key),
    )
    connection.close()
    return text


def put(folder: Path, number: int, key: str, text: str) -> None:
    change(
        folder,
        "UPDATE trial_user_attributes SET value_json = ? WHERE key = ? AND trial_id ="
        " (SELECT trial_id FROM trials WHERE number = ?)",
        *(text, key, number),
    )


def mended(folder: Path, truth: StudyRecord) -> None:
    """The same sweep mends it for good, and then there is nothing to say or to do."""
    with open_formula(folder, space_of(AXES)) as study:
        assert study.repairs
        assert study.trials == truth.trials
    assert load_study(folder, {}) == truth
    with open_formula(folder, space_of(AXES)) as study:
        assert study.repairs == ()
    name = "formula"
    trials = optuna.load_study(study_name=name, storage=f"sqlite:///{folder}/study.db").trials
    assert [trial.number for trial in trials] == [trial.number for trial in truth.trials]
    assert all(trial.state.is_finished() for trial in trials)


def told(folder: Path, truth: StudyRecord) -> str:
    """What is said of the damage; what is read is the truth in spite of it."""
    record = load_study(folder, {})
    assert record.trials == truth.trials
    assert (record.meter, record.machine) == (truth.meter, truth.machine)
    assert record.damage
    return "\n".join(record.damage)


def test_one_digit_of_a_result_is_not_believed(folder: Path, truth: StudyRecord) -> None:
    text = attribute(folder, 3, "result")
    correct = json.loads(text)["correct"]
    put(folder, 3, "result", text.replace(f'"correct": {correct}', f'"correct": {correct + 4}'))
    said = told(folder, truth)
    assert "the result of trial 3: its content does not match its seal: read from" in said
    mended(folder, truth)
    assert (folder / "study.db.damaged-1").is_file()


def test_results_that_changed_places_are_seen(folder: Path, truth: StudyRecord) -> None:
    first, second = attribute(folder, 1, "result"), attribute(folder, 2, "result")
    put(folder, 1, "result", second)
    put(folder, 2, "result", first)
    said = told(folder, truth)
    assert "trial 1: it is that of trial 2" in said and "trial 2: it is that of trial 1" in said
    mended(folder, truth)


def test_a_number_that_optuna_shows_is_the_results_again(folder: Path, truth: StudyRecord) -> None:
    change(folder, "UPDATE trial_values SET value = 0.99 WHERE objective = 0")
    assert load_study(folder, {}) == truth
    with open_formula(folder, space_of(AXES)):
        pass
    study = optuna.load_study(study_name="formula", storage=f"sqlite:///{folder}/study.db")
    shown = [trial.values[0] for trial in study.trials if trial.values]
    assert shown == [result.accuracy for _, result in truth.results if result.correct is not None]


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.unlink(),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"no database" * 999),
        lambda path: os.truncate(path, path.stat().st_size // 2),
        lambda path: change(path.parent, "UPDATE trials SET state = 'COMPLETD' WHERE number = 1"),
        lambda path: change(path.parent, "UPDATE trials SET state = 'FAIL' WHERE number = 1"),
        lambda path: change(path.parent, "DELETE FROM trials WHERE number = 1"),
        lambda path: change(path.parent, "DELETE FROM trial_values"),
        lambda path: change(path.parent, "UPDATE study_user_attributes SET value_json = '{'"),
        lambda path: put(path.parent, 1, "claim", "[]"),
        lambda path: put(path.parent, 1, "claim", "9" * 99),
    ],
)
def test_a_database_that_is_lost_or_broken(
    folder: Path, truth: StudyRecord, damage: Callable[[Path], None]
) -> None:
    damage(folder / "study.db")
    assert "study.db" in told(folder, truth)
    mended(folder, truth)


def test_a_row_that_optuna_alone_reads(folder: Path, truth: StudyRecord) -> None:
    change(folder, "UPDATE trial_params SET distribution_json = 'x'")
    assert load_study(folder, {}) == truth
    with pytest.raises(BadInput, match="the next sweep of this study makes it anew"):
        annotate(folder, truth, {0: "note"}, "note")
    mended(folder, truth)


def test_any_bit_of_the_database(whole: Path, tmp_path: Path, truth: StudyRecord) -> None:
    """Of 200 bits, each alone: what is read is the truth, since most are of neither use."""
    content, chance, named = (whole / "study.db").read_bytes(), random.Random(0), 0
    folder = shutil.copytree(whole, tmp_path / "study")
    for _ in range(200):
        place, bit = chance.randrange(len(content)), chance.randrange(8)
        damaged = bytearray(content)
        damaged[place] ^= 1 << bit
        (folder / "study.db").write_bytes(damaged)
        record = load_study(folder, {})
        assert record.trials == truth.trials, (place, bit)
        assert (record.meter, record.identity) == (truth.meter, truth.identity), (place, bit)
        named += bool(record.damage)
    assert named > 5


def _shuffled(path: Path) -> None:
    lines = path.read_text().splitlines(keepends=True)
    random.Random(0).shuffle(lines)
    path.write_text("".join(lines))


def _digit(path: Path) -> None:
    path.write_text(path.read_text().replace('"n_validation": 10000', '"n_validation": 10001', 1))


def _no_seal(path: Path) -> None:
    lines = path.read_text().splitlines()
    entry = json.loads(lines[1])
    del entry["claim"]["seal"]
    lines[1] = json.dumps(entry)
    path.write_text("\n".join(lines) + "\n")


@pytest.mark.parametrize(
    "damage", [_digit, _no_seal, lambda path: path.write_bytes(b"\xff{\n" * 9)]
)
def test_a_damaged_journal_is_made_anew(
    folder: Path, truth: StudyRecord, damage: Callable[[Path], None]
) -> None:
    damage(folder / "study.jsonl")
    assert "study.jsonl" in told(folder, truth)
    mended(folder, truth)
    assert (folder / "study.jsonl.damaged-1").is_file()
    (folder / "study.db").unlink()
    told(folder, truth)


@pytest.mark.parametrize(
    "change",
    [
        lambda path: path.unlink(),
        lambda path: path.write_bytes(b""),
        lambda path: os.truncate(path, path.stat().st_size * 2 // 3),
        _shuffled,
    ],
)
def test_a_journal_that_lacks_lines_takes_them_from_the_database(
    folder: Path, truth: StudyRecord, change: Callable[[Path], None]
) -> None:
    """A last half line is what a kill leaves, and no damage."""
    change(folder / "study.jsonl")
    assert load_study(folder, {}) == truth
    with open_formula(folder, space_of(AXES)) as study:
        assert study.repairs == ()
    (folder / "study.db").unlink()
    told(folder, truth)


def test_both_are_damaged_in_different_trials(folder: Path, truth: StudyRecord) -> None:
    put(folder, 3, "result", "{}")
    _digit(folder / "study.jsonl")
    told(folder, truth)
    mended(folder, truth)


def test_what_both_have_lost_is_named_and_runs_again(folder: Path, truth: StudyRecord) -> None:
    put(folder, 0, "result", "{}")
    _digit(folder / "study.jsonl")
    record = load_study(folder, {})
    assert record.trials[1:] == truth.trials[1:]
    assert record.trials[0].result is None
    assert any("the result of trial 0" in line and "lost" in line for line in record.damage)
    outcome = sweep(folder, space_of(AXES))
    assert outcome.new == (0,)
    assert load_study(folder, {}) == truth


def test_a_kill_between_the_database_and_the_journal(folder: Path, truth: StudyRecord) -> None:
    """The last lines of the journal were never written, and one of them only by half."""
    lines = (folder / "study.jsonl").read_bytes().splitlines(keepends=True)
    (folder / "study.jsonl").write_bytes(b"".join(lines[:-2]) + lines[-2][:40])
    assert load_study(folder, {}) == truth
    child = os.fork()
    if child == 0:
        with open_formula(folder, space_of(AXES)) as study:
            study.claim(params={"lr": 3.0}, overrides=(), config={"lr": 3.0})
            os.kill(os.getpid(), signal.SIGKILL)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL
    record = load_study(folder, {})
    assert (record.trials[:-1], record.damage) == (truth.trials, ())
    assert record.trials[-1].state == "running"
    (folder / "study.db").unlink()
    assert load_study(folder, {}).trials == record.trials


def _former(folder: Path) -> None:
    """Make a study what former versions left: no journal, and no seals."""
    (folder / "study.jsonl").unlink()
    connection = sqlite3.connect(folder / "study.db")
    for table in ("trial", "study"):
        rows = connection.execute(
            f"SELECT {table}_user_attribute_id, value_json FROM {table}_user_attributes"
        )
        for row, text in rows.fetchall():
            plain = json.loads(text)
            if isinstance(plain, dict):
                plain = {k: v for k, v in plain.items() if k not in ("seal", "trial")}
            connection.execute(
                f"UPDATE {table}_user_attributes SET value_json = ?"
                f" WHERE {table}_user_attribute_id = ?",
                (json.dumps(plain), row),
            )
    connection.commit()
    connection.close()


def test_a_study_of_former_versions_goes_on(folder: Path, truth: StudyRecord) -> None:
    _former(folder)
    assert load_study(folder, {}) == truth
    outcome = sweep(folder, space_of(AXES))
    assert outcome.new == ()
    assert load_study(folder, {}) == truth
    (folder / "study.db").unlink()
    told(folder, truth)


def test_without_a_journal_swapped_results_are_still_seen(folder: Path, truth: StudyRecord) -> None:
    _former(folder)
    first, second = attribute(folder, 1, "result"), attribute(folder, 2, "result")
    put(folder, 1, "result", second)
    put(folder, 2, "result", first)
    record = load_study(folder, {})
    assert [trial.number for trial in record.trials if trial.state == "running"] == [1, 2]
    assert "trials 1, 2: it is that of another configuration: lost" in record.damage[0]


def test_without_a_journal_an_attribute_of_another_name_is_seen(folder: Path) -> None:
    (folder / "study.jsonl").unlink()
    first = "trial_id = (SELECT trial_id FROM trials WHERE number = 0)"
    change(
        folder,
        f"UPDATE trial_user_attributes SET key = 'claym' WHERE key = 'claim' AND {first}",
    )
    assert "the claim of trial 0: it is missing: lost" in load_study(folder, {}).damage[0]


def test_a_schema_that_is_no_text_is_damage(folder: Path, truth: StudyRecord) -> None:
    content = (folder / "study.db").read_bytes()
    (folder / "study.db").write_bytes(
        content.replace(b"CREATE TABLE trials", b"CREATE TABLE\xa0trials")
    )
    assert "its tables are not those that were made" in told(folder, truth)
    mended(folder, truth)


def test_without_a_journal_what_cannot_be_read_is_refused_in_one_line(folder: Path) -> None:
    (folder / "study.jsonl").unlink()
    (folder / "study.db").write_bytes(b"no database" * 999)
    for act in (lambda: load_study(folder, {}), lambda: open_formula(folder, space_of(AXES))):
        with pytest.raises(BadInput, match="put a copy of it there, or type name=OTHER") as refusal:
            act()
        assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("made", ["study_user_attributes", "studies, study_user_attributes"])
def test_tables_whose_making_a_full_disk_cut_short_are_made_to_the_end(
    tmp_path: Path, made: str
) -> None:
    with open_formula(tmp_path / "whole", space_of(AXES)):
        pass
    connection = sqlite3.connect(tmp_path / "whole" / "study.db")
    wanted = [f"'{name}'" for name in made.split(", ")]
    query = f"SELECT sql FROM sqlite_master WHERE type = 'table' AND name IN ({', '.join(wanted)})"
    statements = [statement for (statement,) in connection.execute(query)]
    connection.close()
    folder = tmp_path / "cut"
    folder.mkdir()
    with sqlite3.connect(folder / "study.db") as cut:
        for statement in statements:
            cut.execute(statement)
    cut.close()
    with open_formula(folder, space_of(AXES)) as study:
        assert study.trials == ()


def test_links_in_a_circle_are_no_links_out_of_a_study(folder: Path) -> None:
    (folder / "circle").symlink_to(folder / "circle")
    check_links(folder)
    (folder / "out").symlink_to(folder.parent / "elsewhere")
    with pytest.raises(BadInput, match="outside of its folder"):
        check_links(folder)


def _as_a_stranger(act: Callable[[], object]) -> None:
    """Do it with the rights of nobody, who may read and not write; what fails here fails there."""
    child = os.fork()
    if child == 0:
        if os.geteuid() == 0:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
        try:
            act()
        except BaseException as error:
            os.write(2, f"{type(error).__name__}: {error}\n".encode())
            os._exit(1)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.fixture
def forbidden(whole: Path) -> Iterator[Path]:
    """A study that can be read and not written, as it lies in somebody else's folder."""
    with tempfile.TemporaryDirectory() as outer:
        os.chmod(outer, 0o755)
        folder = shutil.copytree(whole, Path(outer) / "study")
        for path in (*folder.iterdir(), folder):
            path.chmod(0o555 if path.is_dir() else 0o444)
        yield folder
        folder.chmod(0o755)


def test_reading_needs_no_writing(forbidden: Path, truth: StudyRecord) -> None:
    def act() -> None:
        assert load_study(forbidden, {}) == truth
        with pytest.raises(BadInput, match="cannot be written") as refusal:
            open_formula(forbidden, space_of(AXES))
        assert "move it away" not in str(refusal.value)
        with at_hand(forbidden) as folder:
            annotate(folder, truth, {0: "note"}, "note")

    before = {path: path.stat().st_mtime_ns for path in forbidden.iterdir()}
    load_study(forbidden, {})  # what the stranger imports may lie where only we may read
    with at_hand(forbidden) as folder:
        annotate(folder, truth, {}, "note")
    _as_a_stranger(act)
    unchanged = [path for path in before if path.stat().st_mtime_ns == before[path]]
    assert {path.name for path in before.keys() - set(unchanged)} <= {"study.db"}


def test_a_log_that_a_kill_left_is_read_without_writing(folder: Path, truth: StudyRecord) -> None:
    child = os.fork()
    if child == 0:
        with open_formula(folder, space_of(AXES)) as study:
            study.claim(params={"lr": 3.0}, overrides=(), config={"lr": 3.0})
            os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    (folder / "study.jsonl").unlink()
    (folder / "study.db-shm").unlink()
    assert (folder / "study.db-wal").stat().st_size > 0
    with tempfile.TemporaryDirectory() as outer:
        os.chmod(outer, 0o755)
        copied = shutil.copytree(folder, Path(outer) / "study")
        for path in (*copied.iterdir(), copied):
            path.chmod(0o555 if path.is_dir() else 0o444)

        def act() -> None:
            record = load_study(copied, {})
            assert [trial.number for trial in record.trials][-1] == len(truth.trials)

        load_study(folder, {})
        _as_a_stranger(act)
        copied.chmod(0o755)


def test_a_trial_that_was_not_told_is_told_by_the_next_sweep(
    folder: Path, truth: StudyRecord
) -> None:
    lines = (folder / "study.jsonl").read_text().splitlines(keepends=True)
    kept = [line for line in lines if not line.startswith('{"told"')]
    (folder / "study.jsonl").write_text("".join(kept))
    (folder / "study.db").unlink()
    record = load_study(folder, {})
    assert record.results == truth.results
    sweep(folder, space_of(ALL), world=World(folder))
    assert load_study(folder, {}).trials[: len(truth.trials)] == truth.trials
