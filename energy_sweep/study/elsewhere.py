"""The note in a study's folder that says where its database is, when it is not beside it.

Without the note, a command that leaves `storage=` out would begin a second database, and two
folders with studies of one name could not be told apart.
"""

from __future__ import annotations

import json
import os
import uuid
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from energy_sweep.record import BadInput
from energy_sweep.record.documents import read_json
from energy_sweep.record.files import PART, write_whole
from energy_sweep.record.seal import Damaged
from energy_sweep.study.address import Address, hide_passwords, parse_address
from energy_sweep.study.paths import DATABASE, ELSEWHERE
from energy_sweep.study.postgres import PostgresDatabase


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Where a study's database is, without a password, and the study's id there."""

    storage: str
    id: str

    @property
    def typed(self) -> str:
        """What to type to go on there."""
        shown = hide_passwords(self.storage)
        return f"storage={shown}" if "=" not in shown else f"'storage=\"{shown}\"'"

    @property
    def driver_url(self) -> str:
        """The address as other tools of Optuna want it."""
        return self.storage.replace("postgresql://", "postgresql+psycopg://", 1)


def read_elsewhere(folder: Path) -> Elsewhere | None:
    """What the note in a folder says, None where there is none."""
    path = folder / ELSEWHERE
    if not path.is_file():
        return None
    try:
        plain: Any = read_json(path)
        found = Elsewhere(storage=plain["storage"], id=str(uuid.UUID(plain["id"])))
        parse_address(found.storage)
    except (Damaged, KeyError, TypeError, ValueError, AttributeError, BadInput) as error:
        said = str(error) if isinstance(error, Damaged) else f"{path} is damaged"
        raise BadInput(
            f"{said}: put a copy of it there; if there is none, remove it, and type storage= and"
            " name=OTHER"
        ) from None
    return found


def check_elsewhere(folder: Path, address: Address | None) -> Elsewhere | None:
    """The note of a folder, None where it has none; BadInput where it bars this address."""
    found = read_elsewhere(folder)
    if found is None:
        if address is not None and (folder / DATABASE).is_file():
            raise BadInput(
                f"{folder} has a {DATABASE} of its own: leave storage= out to go on there; to go on"
                " at this address, move that file away first, since study.jsonl holds all of it"
            )
        return None
    if address is None:
        raise BadInput(f"the database of {folder} is elsewhere: type {found.typed} too")
    return found


def check_place(folder: Path, found: Elsewhere, address: Address) -> None:
    """BadInput where a study that is not at this address has its database at another one."""
    if parse_address(found.storage).place != address.place:
        raise BadInput(
            f"the database of {folder} is elsewhere: type {found.typed}; where it was moved, or is"
            f" lost, remove {folder / ELSEWHERE}"
        )


def open_elsewhere(folder: Path, name: str, address: Address | None) -> PostgresDatabase | None:
    """The database of a study at an address, None where it is to be in its own folder.

    The folder is told at the first time, so that every host that shares it finds the same study.
    """
    note = check_elsewhere(folder, address)
    if address is None:
        return None
    study, waits = (str(uuid.uuid4()), False) if note is None else (note.id, True)
    found = PostgresDatabase(address, study, folder, waits=waits)
    try:
        if note is not None:
            if not found.ask(found.storage.get_all_studies):
                check_place(folder, note, address)
            return found
        note = _noted(folder, name, address, found)
    except BaseException:
        found.close()
        raise
    if note.id == found.study:
        return found
    found.close()
    return open_elsewhere(folder, name, address)


def _noted(folder: Path, name: str, address: Address, found: PostgresDatabase) -> Elsewhere:
    """Note a new study; or the note of who was faster, and may have made it by now."""
    try:
        found.ask(lambda: found.check_name(name))
    except BadInput:
        if (note := read_elsewhere(folder)) is None:
            raise
        return note
    return _write_note(folder, Elsewhere(storage=address.url, id=found.study))


def _write_note(folder: Path, note: Elsewhere) -> Elsewhere:
    """Write the note of a new study; of several who do so at once, all read the first one's."""
    part = folder / f"{PART}{note.id}.json"
    try:
        write_whole(part, json.dumps(asdict(note), indent=2) + "\n")
        with suppress(FileExistsError):
            os.link(part, folder / ELSEWHERE)
    finally:
        part.unlink(missing_ok=True)
    found = read_elsewhere(folder)
    assert found is not None, "it was written just now"
    return found
