"""The stock Optuna dashboard over a study, with our notes and our page inside."""
# The dashboard ships no types.
# pyright: reportMissingTypeStubs=false, reportUnknownVariableType=false

from __future__ import annotations

import os
import shutil
import tempfile
import threading
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

import optuna
from optuna.artifacts import FileSystemArtifactStore, upload_artifact
from optuna.artifacts.exceptions import ArtifactNotFound
from optuna.storages import RDBStorage

from energy_sweep.record import BadInput, StudyRecord
from energy_sweep.study import database
from energy_sweep.study.links import check_links
from energy_sweep.study.loading import read_study
from energy_sweep.study.paths import DATABASE, ELSEWHERE, JOURNAL, is_study
from energy_sweep.study.reading import UnreadableDatabase
from energy_sweep.study.restoring import restore
from energy_sweep.study.server import ARTIFACTS as ARTIFACTS_PATH
from energy_sweep.study.server import Server
from energy_sweep.study.shown import ServedStudy, Shown, ShownStudies, shown_id
from energy_sweep.study.space import Space
from energy_sweep.study.workers import StudyBusyError, alone

ARTIFACTS = "artifacts"
REPORT = "report_artifact"
ANEW = "the next sweep of this study makes it anew"


def annotate(
    folder: Path,
    record: StudyRecord,
    notes: Mapping[int, str],
    study_note: str,
    report_path: Path | None = None,
    place: tuple[int, int] = (0, 1),
) -> None:
    """Write Markdown notes to trials (by number) and study, and attach the report page to it.

    The page replaces the one attached before; the study's note ends with a link to it, which holds
    where the study is served at this `place` of so many.
    """
    check_links(folder)
    with _readable(folder):
        _mend(folder)
        storage, study_id, study = _open(folder)
    try:
        if report_path is not None:
            path = _attach(folder, study, report_path, shown_id(study_id, *place))
            study_note += f"\n\n[Open the report]({path})"
        _write_note(study, study_note)
        for number in {trial.number for trial in record.trials} & notes.keys():
            trial_id = storage.get_trial_id_from_study_id_trial_number(study_id, number)
            _write_note(optuna.trial.Trial(study, trial_id), notes[number])
    finally:
        database.disconnect(storage)


@contextmanager
def at_hand(folder: Path) -> Generator[Path]:
    """The folder of a study to be served: itself, or a copy for a while if it may not be written,
    or its database is elsewhere.

    The dashboard keeps notes and the page in the database.
    """
    is_elsewhere, parts = (folder / ELSEWHERE).is_file(), (folder, folder / DATABASE)
    if not is_elsewhere and all(os.access(path, os.W_OK) for path in parts if path.exists()):
        yield folder
        return
    with tempfile.TemporaryDirectory() as spare:
        copied = Path(spare) / Path(os.path.realpath(folder)).name
        copied.mkdir()
        for path in [*folder.glob(f"{DATABASE}*"), *folder.glob(JOURNAL)]:
            if not path.name.endswith("-shm"):
                shutil.copyfile(path, copied / path.name)
        if (folder / ARTIFACTS).is_dir():
            shutil.copytree(folder / ARTIFACTS, copied / ARTIFACTS)
        if is_elsewhere:
            restore(copied, read_study(folder)[0], Space())
        yield copied


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyFolder:
    """A study to be served: its folder, how it is called, and what is shown of it."""

    folder: Path
    name: str
    facts: Mapping[str, str]
    trials: Shown
    figures: Mapping[str, str]


def serve(
    studies: Sequence[StudyFolder],
    port: int = 8080,
    *,
    stop: threading.Event,
    writable: bool = False,
) -> None:
    """Serve one dashboard of all studies to this machine alone until `stop`.

    `writable` lets it change things, in the first of them, which is shown as it is stored.
    """
    from optuna_dashboard import wsgi

    served = list[ServedStudy]()
    try:
        for one in studies:
            storage = _open(one.folder)[0]
            served.append(
                ServedStudy(
                    storage=storage,
                    name=one.name,
                    facts=one.facts,
                    trials=one.trials,
                    figures=one.figures,
                )
            )
        artifacts = JoinedArtifacts([_store(one.folder) for one in studies])
        # What may be changed is shown as it is stored: renaming a study copies what is shown.
        shown = served[0].storage if writable else ShownStudies(served)
        with Server(wsgi(shown, artifacts), port, writable=writable) as server:
            server.serve_until(stop)
    finally:
        for one in served:
            database.disconnect(cast(RDBStorage, one.storage))


class JoinedArtifacts:
    """The artifacts of several studies as one store; new ones go to the first."""

    def __init__(self, stores: Sequence[FileSystemArtifactStore]) -> None:
        self._stores = stores

    def open_reader(self, artifact_id: str) -> BinaryIO:
        for store in self._stores:
            try:
                return store.open_reader(artifact_id)
            except ArtifactNotFound:
                continue
        raise ArtifactNotFound(artifact_id)

    def write(self, artifact_id: str, content_body: BinaryIO) -> None:
        self._stores[0].write(artifact_id, content_body)

    def remove(self, artifact_id: str) -> None:
        for store in self._stores:
            with suppress(ArtifactNotFound):
                store.remove(artifact_id)


def _mend(folder: Path) -> None:
    """Show a study of former versions whole, unless a sweep is at it, which does so itself."""
    storage, _, _ = _open(folder)
    try:
        with alone(folder):
            database.mend(storage, Space())
    except StudyBusyError:
        pass
    finally:
        database.disconnect(storage)


@contextmanager
def _readable(folder: Path) -> Generator[None]:
    """One line where the database is damaged, which only a sweep makes anew."""
    path = folder / DATABASE
    try:
        with database.refusals(path):
            yield
    except UnreadableDatabase as error:
        raise BadInput(f"{path} is damaged ({error}): {ANEW}") from error


def _open(folder: Path) -> tuple[RDBStorage, int, optuna.Study]:
    if not is_study(folder):
        raise BadInput(f"no study in {folder}: type -m with the axes to sweep to make one")
    if not (folder / DATABASE).is_file():
        raise BadInput(f"{folder / DATABASE} is missing: {ANEW}")
    with _readable(folder):
        storage = database.connect(folder)
        found = database.current(storage)
    if found is None:
        raise BadInput(f"the study in {folder} was never begun: run its sweep again")
    return storage, found[0], database.optuna_study(storage, found[1])


def _write_note(subject: optuna.Study | optuna.Trial, note: str) -> None:
    """Write only what changed, since a note is several writes."""
    from optuna_dashboard import get_note, save_note

    if get_note(subject) != note:
        save_note(subject, note)


def _store(folder: Path) -> FileSystemArtifactStore:
    path = folder / ARTIFACTS
    path.mkdir(exist_ok=True)
    return FileSystemArtifactStore(path)


def _attach(folder: Path, study: optuna.Study, report: Path, shown: int) -> str:
    """Put the page under the study and give its path on the dashboard."""
    store = _store(folder)
    known = study.user_attrs.get(REPORT)
    if known is None:
        known = upload_artifact(
            artifact_store=store,
            file_path=str(report),
            study_or_trial=study,
            mimetype="text/html",
        )
        study.set_user_attr(REPORT, known)
    else:
        with report.open("rb") as page:
            store.write(known, page)
    return f"{ARTIFACTS_PATH}{shown}/{known}"
