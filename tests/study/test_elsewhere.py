"""A study's folder knows where its database is, and no second one is begun by mistake."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import optuna
import pytest
from formula_world import open_formula, space_of, sweep
from postgres_server import PostgresServer

from energy_sweep.record import BadInput, StudyRecord
from energy_sweep.study import at_hand, database, load_study
from energy_sweep.study.address import parse_address
from energy_sweep.study.elsewhere import open_elsewhere

NOTE = "storage.json"
SPACE = space_of({"batch": (32, 64), "lr": (0.01, 0.1)})


def test_hosts_that_open_a_new_folder_at_once_find_one_study(storage: str, tmp_path: Path) -> None:
    address = parse_address(storage)

    def begin(_: int) -> str:
        opened = open_elsewhere(tmp_path, "study", address)
        assert opened is not None

        def make() -> None:
            if opened.rows() is None:
                database.create(opened.storage, {"name": "study"})

        opened.transact(make)
        opened.close()
        return opened.study

    with ThreadPoolExecutor(6) as pool:
        ids = set(pool.map(begin, range(6)))
    assert ids == {json.loads((tmp_path / NOTE).read_text())["id"]}


def test_the_address_must_be_typed_again_and_be_the_same(storage: str, tmp_path: Path) -> None:
    opened = open_elsewhere(tmp_path, "study", parse_address(f"{storage}?sslmode=disable"))
    assert opened is not None
    with pytest.raises(BadInput, match=f"is elsewhere: type 'storage=\"{storage}.sslmode=disable"):
        open_elsewhere(tmp_path, "study", None)
    other = parse_address(f"{storage.rpartition('/')[0]}/postgres")
    with pytest.raises(BadInput, match=r"where it was moved, or is lost, remove .*storage\.json"):
        open_elsewhere(tmp_path, "study", other)
    database.create(opened.storage, {"name": "study"})
    again = open_elsewhere(tmp_path, "study", parse_address(storage))
    assert again is not None and again.rows() == opened.rows() is not None
    again.close()
    with pytest.raises(BadInput, match="another study called study"):
        open_elsewhere(tmp_path / "other", "study", parse_address(storage))
    assert not (tmp_path / "other" / NOTE).exists()
    opened.close()


@pytest.fixture
def swept(storage: str, tmp_path: Path) -> tuple[str, StudyRecord]:
    """A study that was swept there, and what is known of it."""
    sweep(tmp_path, SPACE, storage=parse_address(storage))
    return storage, load_study(tmp_path, {})


def test_who_only_reads_asks_no_server(swept: tuple[str, StudyRecord], tmp_path: Path) -> None:
    _, record = swept
    assert len(record.results) == 4 and record.damage == () and not (tmp_path / "study.db").exists()
    with at_hand(tmp_path) as shown:
        [summary] = optuna.get_all_study_summaries(storage=f"sqlite:///{shown}/study.db")
    assert (summary.study_name, summary.n_trials) == ("formula", 4)


def test_a_journal_that_is_lost_comes_from_the_server(
    swept: tuple[str, StudyRecord], tmp_path: Path
) -> None:
    storage, record = swept
    (tmp_path / "study.jsonl").unlink()
    with open_formula(tmp_path, SPACE, storage=parse_address(storage)) as study:
        assert study.trials == record.trials
    assert load_study(tmp_path, {}) == record


def test_a_database_that_is_lost_comes_from_the_journal(
    swept: tuple[str, StudyRecord], tmp_path: Path, postgres_server: PostgresServer
) -> None:
    storage, record = postgres_server.new_database(), swept[1]
    with pytest.raises(BadInput, match="where it was moved, or is lost"):
        open_formula(tmp_path, SPACE, storage=parse_address(storage))
    (tmp_path / NOTE).unlink()
    for repairs in ([f"{storage} is damaged", f"{storage} is made anew, of 4 trials"], []):
        with open_formula(tmp_path, SPACE, storage=parse_address(storage)) as study:
            assert [line.partition(" (")[0] for line in study.repairs] == repairs
            assert study.trials == record.trials
    shown = optuna.load_study(study_name="formula", storage=storage.replace(":", "+psycopg:", 1))
    assert [one.state.name for one in shown.trials] == ["COMPLETE"] * 4


def test_a_study_begun_in_a_file_goes_on_at_a_server(storage: str, tmp_path: Path) -> None:
    sweep(tmp_path, space_of({"batch": (32,)}))
    with pytest.raises(BadInput, match="leave storage= out to go on there"):
        open_formula(tmp_path, SPACE, storage=parse_address(storage))
    (tmp_path / "study.db").unlink()
    sweep(tmp_path, SPACE, storage=parse_address(storage))
    assert len(load_study(tmp_path, {}).results) == 4


def test_a_study_with_a_file_of_its_own_stays_there(storage: str, tmp_path: Path) -> None:
    (tmp_path / "study.db").touch()
    assert open_elsewhere(tmp_path, "study", None) is None
    with pytest.raises(BadInput, match=r"study\.db of its own: leave storage= out"):
        open_elsewhere(tmp_path, "study", parse_address(storage))


@pytest.mark.parametrize("note", ["", "[]", '{"storage": "sqlite:///x", "id": "1"}'])
def test_a_damaged_note_is_named(tmp_path: Path, note: str) -> None:
    (tmp_path / NOTE).write_text(note)
    with pytest.raises(BadInput, match=r"storage\.json is damaged.*: put a copy of it there"):
        open_elsewhere(tmp_path, "study", None)
