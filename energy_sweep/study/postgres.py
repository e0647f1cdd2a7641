"""A study's database on a PostgreSQL server, beside those of other studies.

Its address has no password where anything is written down: that is handed to the driver alone.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, TypeVar

import optuna
from optuna.storages import RDBStorage
from sqlalchemy import URL, create_engine, event, make_url, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.pool import SingletonThreadPool

from energy_sweep.record import BadInput
from energy_sweep.study.address import Address
from energy_sweep.study.merging import Merged
from energy_sweep.study.persistence import is_absent, is_gone, patiently, reason
from energy_sweep.study.reading import Rows
from energy_sweep.study.restoring import fill
from energy_sweep.study.shared_storage import NAMED, StudyStorage, name_refusal, stored_rows
from energy_sweep.study.shared_workers import MAKE_TABLE, SharedWorkers
from energy_sweep.study.space import Space
from energy_sweep.study.turns import Turns, lock_key

EXTRA = "pip install 'energy-sweep[postgresql]'"
# A host that is switched off answers no more: both ends notice, and its lock is given on.
KEEPALIVE = {"idle": 10, "interval": 5, "count": 3}
SETTINGS = {
    "connect_timeout": 10,
    "application_name": "energy_sweep",
    **{f"keepalives_{name}": seconds for name, seconds in KEEPALIVE.items()},
    "tcp_user_timeout": 30_000,
}
T = TypeVar("T")
MOST_THREADS = 64  # of one process, each with a connection of its own


class PostgresDatabase:
    """The database of the study whose id is `study`, at an address."""

    def __init__(self, address: Address, study: str, folder: Path, *, waits: bool = False) -> None:
        """Connect, and make Optuna's tables where there are none; BadInput where that fails.

        Where it `waits`, a server that is starting is waited for.
        """
        optuna.logging.set_verbosity(optuna.logging.ERROR)  # else it prints a query that failed
        self.address, self.study = address, study
        with self.refusals():
            if waits:
                self.storage = patiently(self._connect, place=self.title, gone=is_absent)
            else:
                self.storage = self._connect()
        self._turns = Turns(self.storage.engine, lock_key("study", study))
        self.workers = SharedWorkers(self.storage.engine, study, folder)

    def _connect(self) -> StudyStorage:
        url, settings = _settings(self.address)
        with _alone(url, settings):
            storage = StudyStorage(
                url.render_as_string().replace("{", "{{").replace("}", "}}"),
                self.study,
                engine_kwargs={
                    "poolclass": SingletonThreadPool,
                    "pool_size": MOST_THREADS,
                    "pool_pre_ping": True,
                    **settings,
                },
            )
            event.listen(storage.engine, "connect", _outlive_no_host)
            with storage.engine.begin() as connection:
                connection.execute(text(MAKE_TABLE))
        return storage

    def turn(self) -> AbstractContextManager[None]:
        """Wait for the one turn that all writers of this study share, and have it in a `with`."""
        return self._turns.turn()

    @property
    def title(self) -> str:
        """Its address, as it may be shown."""
        return self.address.redact(self.address.url)

    def transact(self, work: Callable[[], T]) -> T:
        """What `work` gives, done in a turn; it is begun anew where the database went away."""

        def in_turn() -> T:
            with self.turn():
                return work()

        return self.ask(in_turn)

    def ask(self, work: Callable[[], T]) -> T:
        """What `work` reads, asked anew where the database went away."""
        return patiently(work, place=self.title)

    def end(self, work: Callable[[], None]) -> None:
        """Do in a turn what the next sweep does as well, where the database went away."""
        try:
            with self.turn():
                work()
        except Exception as error:
            if not is_gone(error):
                raise

    def check_name(self, name: str) -> None:
        """BadInput where another study in this database has the name."""
        with self.refusals(), self.storage.engine.connect() as connection:
            taken = connection.execute(text(NAMED), {"name": name}).first()
        if taken is not None:
            raise BadInput(name_refusal(name))

    def rows(self) -> Rows | None:
        """The newest generation's facts and trials as text, None where no study was begun."""
        with self.storage.engine.connect() as connection:
            connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"))
            return stored_rows(connection, self.storage.study)

    def connect(self) -> RDBStorage:
        """Optuna's storage, of this study alone."""
        return self.storage

    def restore(self, known: Merged, space: Space) -> None:
        """Make the study anew of what is known of it, in a turn."""
        for one in self.storage.get_all_studies():
            self.storage.delete_study(self.storage.get_study_id_from_name(one.study_name))
        fill(self.storage, known, space)

    def close(self) -> None:
        """End this process's connections."""
        self.storage.remove_session()
        self.storage.engine.dispose()

    @contextmanager
    def refusals(self) -> Generator[None]:
        """Let what a server refuses be one line without a password."""
        try:
            yield
        except ImportError as error:
            raise BadInput(f"storage=postgresql needs psycopg: type {EXTRA}") from error
        except (SQLAlchemyError, RuntimeError) as error:
            said, shown = self.address.redact(reason(error)), self.title
            if isinstance(error, RuntimeError) and "version" in said:
                raise BadInput(f"storage={shown} is of another version of Optuna: {said}") from None
            cure = "start it, or type the address of one that answers"
            if isinstance(error, DBAPIError) and "password" in said:
                cure = "export PGPASSWORD, or write the password into ~/.pgpass"
            raise BadInput(f"storage={shown}: {said}: {cure}") from None


def _settings(address: Address) -> tuple[URL, dict[str, Any]]:
    """What SQLAlchemy connects by; what is typed in the address goes before what we set."""
    url = make_url(address.url).set(drivername="postgresql+psycopg")
    chosen = {name: value for name, value in SETTINGS.items() if name not in url.query}
    return url, {"connect_args": {**chosen, **address.secrets}}


@contextmanager
def _alone(url: URL, settings: dict[str, Any]) -> Generator[None]:
    """Let one process at a time make the tables of a database (optuna#820)."""
    engine = create_engine(url, poolclass=SingletonThreadPool, **settings)
    try:
        with Turns(engine, lock_key("tables")).turn():
            yield
    finally:
        engine.dispose()


def _outlive_no_host(driver: Any, _: Any) -> None:
    """Have the server end the connection of a host that is gone, and so give its lock on."""
    for name, seconds in KEEPALIVE.items():
        driver.execute(f"SET tcp_keepalives_{name} = {seconds}")
    driver.commit()
