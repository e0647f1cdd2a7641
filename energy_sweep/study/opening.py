"""Open a study for a sweep."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from optuna.storages import RDBStorage

from energy_sweep.record import BadInput, JsonDict, MeterFacts, digest, to_json
from energy_sweep.record.files import NO_ROOM
from energy_sweep.record.seal import seal
from energy_sweep.study import database
from energy_sweep.study.address import Address
from energy_sweep.study.attributes import ours
from energy_sweep.study.base import Study
from energy_sweep.study.database import OF_YOUR_OWN
from energy_sweep.study.display import Display, displays
from energy_sweep.study.elsewhere import open_elsewhere
from energy_sweep.study.facts import sealed_fact
from energy_sweep.study.journal import STUDY, Journal
from energy_sweep.study.links import check_links
from energy_sweep.study.loading import check_facts, read_study
from energy_sweep.study.merging import Merged
from energy_sweep.study.paths import DATABASE, JOURNAL
from energy_sweep.study.reading import UnreadableDatabase
from energy_sweep.study.space import Space
from energy_sweep.study.study_database import LocalDatabase, StudyDatabase
from energy_sweep.study.trial_book import TrialBook
from energy_sweep.study.waiting import is_blocked, wait_or_refuse
from energy_sweep.study.writer import StudyWriter

ANY_HARDWARE = "study.hardware=any"


def open_study(
    folder: Path | str,
    name: str,
    *,
    space: Space,
    meter: MeterFacts,
    machine: JsonDict,
    identity: JsonDict,
    waits: bool = False,
    limits: JsonDict | None = None,
    storage: Address | None = None,
) -> Study:
    """Open or make the study in `folder` for a sweep over `space`, and be one of its workers.

    `identity` says what all trials must share, by word (`dataset`, `split`, `runtime`). Another
    identity, device class or set of meter domains raises BadInput, and so does another sweep that
    is running over another space, or within other `limits`; who `waits` goes on at its end. Many
    hosts that share the folder work on it with its database at a `storage` that they all reach.
    """
    if "://" in str(folder):
        raise BadInput("a study lives in a folder: leave the storage out, and type name=NAME")
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"{folder}: {error.strerror}: type outputs=FOLDER, one of yours") from error
    check_links(folder)
    facts = {"name": name, "meter": to_json(meter), "machine": machine, "identity": identity}
    kept: StudyDatabase = open_elsewhere(folder, name, storage) or LocalDatabase(folder, name)
    opener, living = _Opener(folder, facts, space, kept), kept.workers.living
    work, study = digest([[to_json(axis) for axis in space.axes], limits or {}]), None
    try:
        while (study := kept.transact(lambda: opener.attempt(work, waits=waits))) is None:
            wait_or_refuse(lambda: kept.ask(living), name, waits=waits)
        return study
    except OSError as error:
        error.filename = error.filename or str(folder)
        if error.errno in NO_ROOM:
            raise
        raise BadInput(
            f"{error.filename} cannot be written ({error.strerror}): {OF_YOUR_OWN}"
        ) from error
    finally:
        if study is None:
            kept.workers.leave()


@dataclass(frozen=True, slots=True)
class _Opener:
    """Opens the study of a folder, in a turn that is held."""

    folder: Path
    facts: JsonDict
    space: Space
    database: StudyDatabase

    def attempt(self, work: str, *, waits: bool) -> Study | None:
        """Open the study, to do this work; None where others keep it from that."""
        workers = self.database.workers
        living = workers.living()
        if is_blocked(living, work, waits=waits):
            return None
        study = self.join() if living else self.begin()
        workers.join(work)
        return study

    def begin(self) -> Study:
        """Make or mend the study that nobody works on, the journal before the database."""
        known, lines = read_study(self.folder, self.database.rows)
        if known.trials:
            self._compare(known)
            # Coefficients may have changed: what is stored is priced by today's.
            facts = known.facts | {"meter": self.facts["meter"]}
        else:
            facts = self.facts
        said = [line.replace(DATABASE, self.database.title) for line in known.damage]
        journal = Journal(self.folder / JOURNAL)
        if known.trials:
            documents = known.documents() if known.journal_wrong else known.lacking()
            kept = journal.begin(lines, documents, anew=known.journal_wrong)
            said += [f"{JOURNAL} is made anew: the damaged one is {kept.name}"] if kept else []
        storage, display, is_anew = self._stored(replace(known, facts=facts), said)
        if not known.trials:
            journal.begin(lines, [(STUDY, seal(facts))], anew=lines.exists)
        elif facts != known.facts:
            journal.append((STUDY, seal(facts)), durable=True)
        return self._study(
            storage,
            journal,
            display=display,
            book=TrialBook(facts, known, lines),
            is_untold=is_anew,
            repairs=tuple(said),
        )

    def join(self) -> Study:
        """Work on the study that others are at work on, as they see it."""
        known, lines = read_study(self.folder, self.database.rows)
        if known.damage:
            raise BadInput(
                f"{known.damage[0]}, and others are at work on it: type the same words once they"
                " have ended, which mends it"
            )
        self._compare(known)
        journal = Journal(self.folder / JOURNAL)
        journal.join(lines)
        storage = self.database.connect()
        found = database.current(storage)
        trials = [] if found is None else storage.get_all_trials(found[0], deepcopy=False)
        return self._study(
            storage,
            journal,
            display=displays(ours(trials), self.space),
            book=TrialBook(known.facts, known, lines),
            is_joined=True,
        )

    def _study(
        self,
        storage: RDBStorage,
        journal: Journal,
        *,
        display: Display,
        book: TrialBook,
        is_untold: bool = False,
        is_joined: bool = False,
        repairs: tuple[str, ...] = (),
    ) -> Study:
        me = self.database.workers.me
        writer = StudyWriter(
            storage, journal, space=self.space, display=display, me=me, is_untold=is_untold
        )
        return Study(
            database=self.database, writer=writer, book=book, repairs=repairs, is_joined=is_joined
        )

    def _compare(self, known: Merged) -> None:
        check_facts(self.folder, known)
        _check_name(known.facts, self.facts, self.folder)
        _compare(known.facts, self.facts)

    def _stored(self, known: Merged, said: list[str]) -> tuple[RDBStorage, Display, bool]:
        """The database, what Optuna shows in it, and whether it was made anew, since it was
        damaged, which is `said`."""
        if not known.database_wrong:
            try:
                return (*self._prepare(known.facts), False)
            except UnreadableDatabase as error:
                said.append(f"{self.database.title} is damaged ({error})")
        kept = self.database.restore(known, self.space)
        said.append(
            f"{self.database.title} is made anew, of {len(known.trials)} trials"
            + (f": the damaged one is {kept.name}" if kept else "")
        )
        return (*self._prepare(known.facts), True)

    def _prepare(self, facts: JsonDict) -> tuple[RDBStorage, Display]:
        """Connect to the study, made if need be, with today's facts; Optuna shows it rightly."""
        storage = self.database.connect()
        try:
            with self.database.refusals():
                found = database.current(storage)
                if found is None:
                    database.create(storage, facts)
                    return storage, displays([], self.space)
                stored = storage.get_study_user_attrs(found[0])
                for key, value in facts.items():
                    if stored.get(key) != sealed_fact(value):
                        storage.set_study_user_attr(found[0], key, sealed_fact(value))
                return storage, database.mend(storage, self.space)
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
                + (f", or {ANY_HARDWARE} for one beside it" if what == "device class" else "")
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
