"""The database of a study on a real server: turns, absences, and whose studies are whose."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import optuna
import pytest
from postgres_server import PostgresServer

from energy_sweep.record import BadInput
from energy_sweep.study import database
from energy_sweep.study.address import parse_address
from energy_sweep.study.persistence import DatabaseGone, patiently
from energy_sweep.study.postgres import PostgresDatabase

FACTS = {"name": "study", "meter": {"sources": []}}
HOLDER = """
import sys, time
from pathlib import Path
from energy_sweep.study.address import parse_address
from energy_sweep.study.postgres import PostgresDatabase
opened = PostgresDatabase(parse_address(sys.argv[1]), "id", Path())
with opened.turn():
    print("mine", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def opened(storage: str) -> Generator[PostgresDatabase]:
    found = PostgresDatabase(parse_address(storage), "id", Path())
    yield found
    found.close()


def test_who_holds_the_turn_has_it_alone_and_the_dead_hold_none(
    storage: str, opened: PostgresDatabase
) -> None:
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, storage], stdout=subprocess.PIPE)
    assert holder.stdout is not None and holder.stdout.readline() == b"mine\n"
    got = threading.Event()

    def take() -> None:
        with opened.turn(), opened.turn():
            got.set()

    waiting = threading.Thread(target=take)
    waiting.start()
    assert not got.wait(0.3)
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    assert got.wait(5)
    waiting.join()


def test_a_turn_that_a_restart_took_is_begun_anew(
    postgres_server: PostgresServer, opened: PostgresDatabase
) -> None:
    with opened.turn():
        database.create(opened.storage, FACTS)
    study, tries = database.current(opened.storage), list[int]()
    assert study is not None

    def write() -> int:
        with opened.turn():
            tries.append(len(tries))
            opened.storage.set_study_user_attr(study[0], "first", len(tries))
            if len(tries) == 1:
                postgres_server.stop()
                postgres_server.start()
            # By a new connection, this would be written without the lock.
            opened.storage.set_study_user_attr(study[0], "second", len(tries))
            return len(tries)

    assert patiently(write) == 2
    attributes = opened.storage.get_study_user_attrs(study[0])
    assert (attributes["first"], attributes["second"]) == (2, 2)


def test_a_database_that_is_gone_is_waited_for_with_a_word(
    postgres_server: PostgresServer, opened: PostgresDatabase
) -> None:
    said = list[str]()
    postgres_server.stop("kill")
    back = threading.Timer(1.0, postgres_server.start)
    back.start()
    begun = time.monotonic()
    assert patiently(opened.rows, say=said.append) is None
    back.join()
    assert time.monotonic() - begun > 0.9
    assert [line.split(" (")[0].split(" for ")[0] for line in said] == [
        "... the study's database has not answered",
        f"... the study's database answers again, after {said[-1].split()[-2]} s",
    ]


def test_a_database_that_stays_away_ends_it_in_one_line(
    postgres_server: PostgresServer, opened: PostgresDatabase
) -> None:
    postgres_server.stop()
    try:
        with pytest.raises(DatabaseGone, match=r"refused.*all that was measured is kept"):
            patiently(opened.rows, patience_seconds=0.5)
    finally:
        postgres_server.start()


def test_rows_are_those_of_the_newest_generation_of_this_study_alone(
    storage: str, opened: PostgresDatabase
) -> None:
    assert opened.rows() is None
    mine, others = opened.storage, PostgresDatabase(parse_address(storage), "another", Path())
    for one, name in ((mine, "study"), (others.storage, "other")):
        database.create(one, {**FACTS, "name": name})
        found = database.current(one)
        assert found is not None
        running = optuna.create_trial(
            state=optuna.trial.TrialState.RUNNING, user_attrs={"claim": {"of": name}, "seen": 1}
        )
        one.set_trial_user_attr(one.create_new_trial(found[0], running), "error", "bad")
    database.succeed(mine, {})
    rows = opened.rows()
    others.close()
    assert rows is not None and rows.facts["name"] == '"study"' and rows.damage == ()
    [trial] = rows.trials.values()
    assert (trial.state, trial.texts) == ("RUNNING", {"claim": '{"of": "study"}', "error": '"bad"'})


def test_a_name_that_is_taken_is_refused_and_what_bears_it_is_untouched(
    storage: str, opened: PostgresDatabase
) -> None:
    theirs = optuna.create_study(storage=opened.storage.engine.url.render_as_string())
    theirs.ask()
    for name in (theirs.study_name, "study"):
        stranger = PostgresDatabase(parse_address(storage), "stranger", Path())
        if name == "study":
            database.create(opened.storage, FACTS)
        with pytest.raises(BadInput, match=f"another study called {name}: type name=OTHER"):
            stranger.check_name(name)
        with pytest.raises(BadInput, match=f"another study called {name}: type name=OTHER"):
            database.create(stranger.storage, {**FACTS, "name": name})
        assert stranger.storage.get_all_studies() == []
        stranger.close()
    assert len(theirs.trials) == 1


def test_many_that_start_at_once_make_the_tables_once(storage: str) -> None:
    address = parse_address(storage)
    with ThreadPoolExecutor(8) as pool:
        many = list(pool.map(lambda number: PostgresDatabase(address, "id", Path()), range(8)))
    for one in many:
        one.close()


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("?sslmode=verify-full&sslrootcert={none}", "server does not support SSL|root certificate"),
        ("?password=wrong", "password authentication failed"),
        ("?unheard=1", 'invalid connection option "unheard"'),
    ],
)
def test_what_the_server_or_its_driver_refuses_is_one_line(
    storage: str, tmp_path: Path, query: str, said: str
) -> None:
    typed = storage + query.format(none=tmp_path / "none.crt")
    with pytest.raises(BadInput, match=said) as refused:
        PostgresDatabase(parse_address(typed), "id", Path())
    assert "wrong" not in str(refused.value) and "\n" not in str(refused.value)
