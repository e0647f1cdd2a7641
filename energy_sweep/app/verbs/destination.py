"""Where a verb may write: never over a file that it did not write itself, never inside a study."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

from energy_sweep.record import BadInput
from energy_sweep.record.files import NO_ROOM, check_kind, read_file
from energy_sweep.study.paths import PAGE, is_study

PAGE_MARK = b'<meta name="generator" content="energy_sweep">'
METRICS, METRICS_KEYS = "metrics.json", ("study", "trial", "measured_file")
HEAD_BYTES = 4096


def check_page(path: Path, *, force: bool, study: Path | None = None) -> None:
    """BadInput unless a page may be written there; inside the folder `study` its own report may."""
    _check_file(path)
    own = study is not None and path.absolute() == (study / PAGE).absolute()
    if not own:
        _check_outside_studies(path)
    if path.exists() and not force and not _head(path).count(PAGE_MARK):
        _refuse(path, "file")


def check_json(path: Path, keys: tuple[str, ...], *, force: bool) -> None:
    """BadInput unless JSON may be written there: over nothing, or over an object with `keys`."""
    _check_file(path)
    _check_outside_studies(path)
    if path.exists() and not force and not _holds(path, keys):
        _refuse(path, "file")


def check_deployment(folder: Path, *, force: bool) -> None:
    """BadInput unless a deployment may be written there: a new or empty folder, or an older one."""
    if folder.exists() and not folder.is_dir():
        raise BadInput(f"{folder} is a file: type --to with the name of a folder")
    _check_outside_studies(folder)
    if force or not folder.exists() or not any(folder.iterdir()):
        return
    if not _holds(folder / METRICS, METRICS_KEYS):
        _refuse(folder, "folder")


def check_export(folder: Path) -> None:
    """BadInput unless exports may be written below there; each looks after its own files."""
    if folder.exists() and not folder.is_dir():
        raise BadInput(f"{folder} is a file: type --into with the name of a folder")
    _check_outside_studies(folder)


@contextlib.contextmanager
def fresh_folder(folder: Path) -> Iterator[None]:
    """Take `folder` away again, and those above it, as far as new, if the work inside fails."""
    new = [one for one in (folder, *folder.parents) if not one.exists()]
    try:
        yield
    except BaseException:
        with contextlib.suppress(OSError):
            for one in new:
                one.rmdir()
        raise


@contextlib.contextmanager
def writing_to(path: Path) -> Iterator[None]:
    """Name the place that was typed where the system refuses the work inside; a full disk flies."""
    try:
        yield
    except OSError as error:
        if error.errno in NO_ROOM:
            raise
        why = error.strerror or error
        raise BadInput(f"{path}: {why}: type --to with a place that can be written") from error


def _check_file(path: Path) -> None:
    if path.is_dir():
        raise BadInput(f"{path} is a folder: type --to with the name of a file")
    if path.exists() and not path.is_file():
        raise BadInput(f"{path} is a pipe or a device: type --to with the name of a file")


def _check_outside_studies(path: Path) -> None:
    for folder in (path.absolute(), *path.absolute().parents):
        if is_study(folder):
            raise BadInput(
                f"{path} lies inside the study {folder.name}, whose files are its own: type --to"
                " with a place outside of it"
            )


def _refuse(path: Path, kind: str) -> None:
    what = "holds files that" if kind == "folder" else "is a file that"
    raise BadInput(
        f"{path} {what} no such command wrote: type --to with a new {kind}, or --force to write"
        " over it"
    )


def _head(path: Path) -> bytes:
    check_kind(path)
    with path.open("rb") as file:
        return file.read(HEAD_BYTES)


def _holds(path: Path, keys: tuple[str, ...]) -> bool:
    try:
        document = json.loads(read_file(path))
    except (OSError, ValueError):
        return False
    return isinstance(document, dict) and all(key in document for key in keys)
