"""Open a study for a sweep."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from filelock import FileLock
from optuna.storages import RDBStorage

from energy_sweep.record import BadInput, JsonDict, MeterFacts, to_json
from energy_sweep.record.seal import seal
from energy_sweep.study import database
from energy_sweep.study.base import Study
from energy_sweep.study.database import OF_YOUR_OWN
from energy_sweep.study.display import Display, displays
from energy_sweep.study.facts import sealed_fact
from energy_sweep.study.journal import STUDY, Journal
from energy_sweep.study.links import check_links
from energy_sweep.study.loading import check_facts, read_study
from energy_sweep.study.merging import Merged
from energy_sweep.study.paths import DATABASE, JOURNAL, LOCK
from energy_sweep.study.reading import UnreadableDatabase
from energy_sweep.study.restoring import restore
from energy_sweep.study.space import Space
from energy_sweep.study.waiting import acquire
from energy_sweep.study.writer import StudyWriter


def open_study(
    folder: Path | str,
    name: str,
    *,
    space: Space,
    meter: MeterFacts,
    machine: JsonDict,
    identity: JsonDict,
    waits: bool = False,
) -> Study:
    """Open or make the study in `folder` for a sweep over `space`, and lock it.

    `identity` says what all trials must share, by word (`dataset`, `split`, `runtime`). Another
    identity, device class or set of meter domains, and a second sweep, raise BadInput; where it
    `waits`, it goes on at the end of the first one.
    """
    if "://" in str(folder):
        raise BadInput("a study lives in a folder: leave the storage out, and type name=NAME")
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"{folder}: {error.strerror}: type outputs=FOLDER, one of yours") from error
    check_links(folder)
    lock = FileLock(folder / LOCK)
    try:
        acquire(lock, name, waits=waits)
    except OSError as error:
        path = error.filename or folder
        raise BadInput(f"{path} cannot be written ({error.strerror}): {OF_YOUR_OWN}") from error
    facts = {"name": name, "meter": to_json(meter), "machine": machine, "identity": identity}
    try:
        return _open(folder, facts, space, lock)
    except BaseException:
        lock.release()
        raise


def _open(folder: Path, facts: JsonDict, space: Space, lock: FileLock) -> Study:
    """Make or mend the study in a folder whose lock is held, the journal before the database."""
    known, lines = read_study(folder)
    if known.trials:
        check_facts(folder, known)
        _check_name(known.facts, facts, folder)
        _compare(known.facts, facts)
        # Coefficients may have changed: what is stored is priced by today's.
        facts = known.facts | {"meter": facts["meter"]}
    said, journal = list(known.damage), Journal(folder / JOURNAL)
    if known.trials:
        documents = known.documents() if known.journal_wrong else known.lacking()
        kept = journal.begin(lines, documents, anew=known.journal_wrong)
        said += [f"{JOURNAL} is made anew: the damaged one is {kept.name}"] if kept else []
    storage, display, is_anew = _stored(folder, replace(known, facts=facts), space, said)
    if not known.trials:
        journal.begin(lines, [(STUDY, seal(facts))], anew=lines.exists)
    elif facts != known.facts:
        journal.append(STUDY, seal(facts), durable=True)
    return Study(
        writer=StudyWriter(storage, journal, space=space, display=display, is_untold=is_anew),
        lock=lock,
        facts=facts,
        known=known,
        repairs=tuple(said),
    )


def _stored(
    folder: Path, known: Merged, space: Space, said: list[str]
) -> tuple[RDBStorage, Display, bool]:
    """The database, what Optuna shows in it, and whether it was made anew, since it was damaged,
    which is `said`."""
    if not known.database_wrong:
        try:
            return (*_prepare(folder, known.facts, space), False)
        except UnreadableDatabase as error:
            said.append(f"{DATABASE} is damaged ({error})")
    kept = restore(folder, known, space)
    said.append(
        f"{DATABASE} is made anew, of {len(known.trials)} trials"
        + (f": the damaged one is {kept.name}" if kept else "")
    )
    return (*_prepare(folder, known.facts, space), True)


def _prepare(folder: Path, facts: JsonDict, space: Space) -> tuple[RDBStorage, Display]:
    """Connect to the study, made if need be, with today's facts; Optuna shows it as it should."""
    storage = database.connect(folder)
    try:
        with database.refusals(folder / DATABASE):
            found = database.current(storage)
            if found is None:
                database.create(storage, facts)
                return storage, displays([], space)
            stored = storage.get_study_user_attrs(found[0])
            for key, value in facts.items():
                if stored.get(key) != sealed_fact(value):
                    storage.set_study_user_attr(found[0], key, sealed_fact(value))
            return storage, database.mend(storage, space)
    except BaseException:
        database.disconnect(storage)
        raise


def _check_name(stored: JsonDict, facts: JsonDict, folder: Path) -> None:
    """Refuse a study of another name, unless its folder was renamed so."""
    if facts["name"] not in (stored["name"], folder.name):
        raise BadInput(
            f"{folder} holds the study {stored['name']}, and not {facts['name']}: type"
            f" name={stored['name']} to go on with it, or another hydra.sweep.dir"
        )


def _compare(stored: JsonDict, facts: JsonDict) -> None:
    """Refuse what would put joules or accuracies that do not compare into one front."""
    for what, old in _essence(stored).items():
        new = _essence(facts).get(what)
        if old != new:
            raise BadInput(
                f"{facts['name']} holds trials of another {what} ({_brief(old, new)} there, "
                f"{_brief(new, old)} here): type name=OTHER for a new study"
            )


def _essence(facts: JsonDict) -> JsonDict:
    return {
        "device class": facts["machine"].get("device_class"),
        "set of meter domains": sorted(facts["meter"]["domains"]),
        "meter": sorted(facts["meter"]["sources"]),
        **facts["identity"],
    }


def _brief(value: Any, other: Any) -> str:
    """A value in a few words; of two mappings only what differs."""
    if isinstance(value, dict) and isinstance(other, dict):
        mine, others = cast(JsonDict, value), cast(JsonDict, other)
        value = {key: mine[key] for key in mine if key not in others or mine[key] != others[key]}
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
