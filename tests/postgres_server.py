"""A real PostgreSQL server for tests, one for all tests of a process, with a database for each."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent


def _script() -> Any:
    """scripts/postgres.py, as a module."""
    spec = importlib.util.spec_from_file_location("postgres_script", ROOT / "scripts/postgres.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@dataclass(frozen=True)
class PostgresServer:
    """A server that tests may stop, kill and start again."""

    folder: Path
    script: Any

    @property
    def password(self) -> str:
        return self.script.password(self.folder)

    def start(self) -> str:
        """Start it, and give the address of its first database."""
        return self.script.start(self.folder)

    def stop(self, how: str = "stop") -> None:
        """Stop it, or `kill` it as a power loss would."""
        self.script.stop(self.folder, how)

    def new_database(self) -> str:
        """The address, without the password, of a database that holds nothing."""
        import psycopg

        name = f"test_{uuid.uuid4().hex[:8]}"
        port = (self.folder / "port").read_text()
        address = f"postgresql://{self.script.USER}@127.0.0.1:{port}/"
        with psycopg.connect(f"{address}postgres", password=self.password, autocommit=True) as own:
            own.execute(f'CREATE DATABASE "{name}"')  # type: ignore[call-overload]
        return address + name


@contextmanager
def running_server() -> Generator[PostgresServer]:
    """A server; without PostgreSQL the test is skipped, but for CI, where it fails."""
    script = _script()
    if script.programs() is None:
        said = "no PostgreSQL: run scripts/install-system-packages"
        if os.environ.get("CI") == "true":
            pytest.fail(said)
        pytest.skip(said)
    folder = Path(tempfile.mkdtemp(prefix="energy-sweep-postgres-"))
    server = PostgresServer(folder, script)
    # Ends the server, by the end of its input, also where this process is killed.
    ending = ["sh", "-c", 'cat; "$@"; rm -rf "$0"', str(folder), sys.executable]
    guard = subprocess.Popen(
        [*ending, str(ROOT / "scripts/postgres.py"), "kill", str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        server.start()
        yield server
    finally:
        guard.communicate()
