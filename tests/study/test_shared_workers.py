"""Workers that share a database: who is alive is told from signs, counted by each observer."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Generator
from contextlib import ExitStack
from pathlib import Path

import pytest
from postgres_server import PostgresServer

from energy_sweep.study.address import parse_address
from energy_sweep.study.postgres import PostgresDatabase
from energy_sweep.study.shared_workers import SharedWorkers

LEASE = 0.6
WORKER = f"""
import sys, time
from pathlib import Path
from energy_sweep.study import shared_workers
from energy_sweep.study.address import parse_address
from energy_sweep.study.postgres import PostgresDatabase
shared_workers.LEASE_SECONDS = {LEASE}
PostgresDatabase(parse_address(sys.argv[1]), "a", Path(sys.argv[2])).workers.join("grid")
print("joined", flush=True)
time.sleep(60)
"""
NewWorkers = Callable[[str], SharedWorkers]


@pytest.fixture
def new_workers(storage: str, tmp_path: Path) -> Generator[NewWorkers]:
    with ExitStack() as ended:

        def make(study: str) -> SharedWorkers:
            opened = PostgresDatabase(parse_address(storage), study, tmp_path)
            ended.callback(opened.close)
            workers = SharedWorkers(opened.storage.engine, study, tmp_path, lease_seconds=LEASE)
            ended.callback(workers.leave)
            return workers

        yield make


def wait_until(holds: Callable[[], bool], seconds: float = 10.0) -> float:
    """How long it took until something held."""
    begun = time.monotonic()
    while not holds():
        assert time.monotonic() - begun < seconds
        time.sleep(0.02)
    return time.monotonic() - begun


def test_others_see_who_works_on_what_until_they_leave(new_workers: NewWorkers) -> None:
    one, other, stranger = new_workers("a"), new_workers("a"), new_workers("b")
    one.join("grid")
    stranger.join("else")
    assert other.living() == {one.me: "grid"} and one.living() == {}
    other.join("grid")
    time.sleep(2 * LEASE)
    assert one.living() == {other.me: "grid"}  # by its signs of life
    other.leave()
    assert one.living() == {}


@pytest.mark.no_cover
def test_who_is_silent_for_a_lease_is_dead(
    storage: str, tmp_path: Path, new_workers: NewWorkers
) -> None:
    killed = subprocess.Popen(
        [sys.executable, "-c", WORKER, storage, tmp_path], stdout=subprocess.PIPE
    )
    assert killed.stdout is not None and killed.stdout.readline() == b"joined\n"
    observer = new_workers("a")
    observer.join("grid")
    time.sleep(2 * LEASE)
    assert list(observer.living().values()) == ["grid"]
    killed.kill()
    killed.wait()
    assert wait_until(lambda: not observer.living()) > 0.7 * LEASE


def test_an_absence_of_the_database_is_nobodys_silence(
    postgres_server: PostgresServer, new_workers: NewWorkers
) -> None:
    one, other = new_workers("a"), new_workers("a")
    one.join("grid")
    other.join("grid")
    time.sleep(LEASE / 2)
    postgres_server.stop()
    time.sleep(2 * LEASE)
    postgres_server.start()
    end = time.monotonic() + 2 * LEASE
    while time.monotonic() < end:
        assert one.living() == {other.me: "grid"} and other.living() == {one.me: "grid"}
        time.sleep(0.05)
