"""Data sets kept as arrays once they are read, so that files are decoded and hashed only once."""

from __future__ import annotations

import functools
import json
import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from energy_sweep.dataset.base import Data, Preprocessing, fingerprint, with_augmentation
from energy_sweep.dataset.reader import Reading
from energy_sweep.dataset.split import TEST, TRAIN, VALIDATION, Split
from energy_sweep.dataset.storage import chunks, open_array
from energy_sweep.dataset.summary import Found
from energy_sweep.record import BadInput
from energy_sweep.record.serialize import JsonDict, digest, from_json, to_json
from energy_sweep.record.user_folders import cache_folder

log = logging.getLogger(__name__)

LIMIT_BYTES = 20 * 2**30
FACTS = "facts.json"
PART = ".part-"  # begins the name of what is being written, or was when its process was killed
LEFTOVER_SECONDS = 24 * 3600.0
SIDES = (TRAIN, VALIDATION, TEST)
# Settings that say where files lie, and what is done to an image once it is trained on.
UNSEEN = ("root", "download", "cache", "file", "shift", "flip")
Stamp = tuple[int, int]  # size in bytes, time of the last change in nanoseconds


def load_cached(
    source: Any, cut: Preprocessing, files: Callable[[], Iterable[Path]], read: Callable[[], Data]
) -> Data:
    """The data that `read` makes of `files`, or what is kept of an earlier reading of them.

    BadInput for a file that the system does not let one read.
    """
    try:
        folder = _folder(source.cache)
        if folder is None:
            return read()
        before = _file_stamps(files())
        known = _load_entry(folder / _key(source, before)) if before else None
        if known is not None:
            return with_augmentation(known, cut)
        data = read()
        after = _file_stamps(files())  # a download, or an archive unpacked, brings new ones
        if all(after.get(path) == stamp for path, stamp in before.items()) and after:
            _save_entry(folder / _key(source, after), data)
        return data
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        raise BadInput(
            f"dataset={source.name}: {place}{error.strerror or error}: see that it can be read, "
            "or type another folder"
        ) from error


def _folder(setting: str | None) -> Path | None:
    """The folder of the cache: `auto` is the one of this user, null none."""
    if setting is None:
        return None
    return cache_folder() if setting == "auto" else Path(setting).expanduser()


def _file_stamps(files: Iterable[Path]) -> dict[str, Stamp]:
    found: dict[str, Stamp] = {}
    for path in files:
        stat = path.stat()
        found[str(path.absolute())] = (stat.st_size, stat.st_mtime_ns)
    return found


def _key(source: Any, stamps: Mapping[str, Stamp]) -> str:
    """The name of what is kept: other files, settings, code or decoder, another name."""
    settings = {k: v for k, v in to_json(source).items() if k not in UNSEEN}
    kind = f"{type(source).__module__}.{type(source).__qualname__}"
    return digest([kind, settings, _code_digest(), version("pillow"), sorted(stamps.items())])


@functools.cache
def _code_digest() -> str:
    """The digest of the code of this room: what it kept before a change is read anew."""
    files = sorted(Path(__file__).parent.rglob("*.py"))
    return digest([path.read_text(encoding="utf-8") for path in files])


def _load_entry(entry: Path) -> Data | None:
    """What is kept under a name; None where nothing is, or where it is damaged, which is said."""
    if not entry.is_dir():
        return None
    try:
        facts = json.loads((entry / FACTS).read_text(encoding="utf-8"))
        data = _data(entry, facts["data"])
        if facts["check"] != digest(facts["data"]):
            raise ValueError("its facts are not what was written")
        arrays = [path for side in SIDES for path in _paths(entry, side)]
        if facts["stamps"] != _arrays_stamps(arrays):
            splits = {side: getattr(data, side) for side in SIDES}
            if fingerprint(splits, data.classes) != data.fingerprint:
                raise ValueError("its pixels are not those that were written")
        os.utime(entry / FACTS)  # the oldest use goes first
        return data
    except (OSError, ValueError, TypeError, LookupError, EOFError) as error:
        why = " ".join(str(error).split())[:150]
        log.warning("the cached images in %s are damaged (%s): read anew", entry, why)
        shutil.rmtree(entry, ignore_errors=True)
        return None


def _paths(entry: Path, side: str) -> tuple[Path, Path]:
    return entry / f"{side}.npy", entry / f"{side}_labels.npy"


def _arrays_stamps(arrays: Sequence[Path]) -> JsonDict:
    return {Path(path).name: list(stamp) for path, stamp in _file_stamps(arrays).items()}


def _data(entry: Path, facts: JsonDict) -> Data:
    splits = {}
    for side in SIDES:
        images, labels = (open_array(path) for path in _paths(entry, side))
        if images.dtype != np.uint8 or images.ndim != 4 or labels.shape != (len(images),):
            raise ValueError(f"{side} has {images.dtype} of shape {images.shape}")
        splits[side] = Split(images, np.asarray(labels, np.int64))
    return Data(
        name=facts["name"],
        **splits,
        classes=tuple(facts["classes"]),
        mean=tuple(facts["mean"]),
        std=tuple(facts["std"]),
        shift=0,
        fingerprint=facts["fingerprint"],
        found=from_json(Found, facts["found"]),
        reading=None if facts["reading"] is None else from_json(Reading, facts["reading"]),
    )


def _save_entry(entry: Path, data: Data) -> None:
    """Write all arrays into a folder of their own, and give it its name once it is whole."""
    size = sum(getattr(data, side).images.nbytes for side in SIDES)
    if size > LIMIT_BYTES or data.second_classes:  # of two kinds of labels, one is kept
        return
    part: str | None = None
    try:
        entry.parent.mkdir(parents=True, exist_ok=True)
        part = tempfile.mkdtemp(dir=entry.parent, prefix=PART)
        _write(Path(part), data)
        now = Path(part).stat().st_mtime  # by the folder's clock, which others may share
        if not entry.exists():  # else another process was faster
            os.rename(part, entry)
        _trim(entry.parent, LIMIT_BYTES, now)
    except OSError as error:
        said = "dataset.cache: %s cannot keep the images (%s): type dataset.cache=FOLDER or null"
        log.warning(said, entry.parent, error.strerror or error)
    finally:
        if part is not None:
            shutil.rmtree(part, ignore_errors=True)


def _write(entry: Path, data: Data) -> None:
    for side in SIDES:
        split = getattr(data, side)
        images, labels = _paths(entry, side)
        with images.open("wb") as file:  # not mapped: a full disk ends who writes into a map
            shape = {"descr": "|u1", "fortran_order": False, "shape": split.images.shape}
            np.lib.format.write_array_header_1_0(file, shape)
            for part in chunks(split.images.shape):
                file.write(np.ascontiguousarray(split.images[part], np.uint8).data)
        np.save(labels, split.labels, allow_pickle=False)
    names = ("name", "classes", "mean", "std", "fingerprint", "found", "reading")
    kept = json.loads(json.dumps({name: to_json(getattr(data, name)) for name in names}))
    arrays = [path for side in SIDES for path in _paths(entry, side)]
    facts = {"data": kept, "check": digest(kept), "stamps": _arrays_stamps(arrays)}
    (entry / FACTS).write_text(json.dumps(facts), encoding="utf-8")


def _trim(folder: Path, limit_bytes: int, now: float) -> None:
    """Delete what was used longest ago, until the rest is within the limit, and old leftovers."""
    for part in folder.glob(f"{PART}*"):
        if now - part.stat().st_mtime > LEFTOVER_SECONDS:
            shutil.rmtree(part, ignore_errors=True)
    entries = [path.parent for path in folder.glob(f"[!.]*/{FACTS}")]
    entries.sort(key=lambda entry: (entry / FACTS).stat().st_mtime_ns, reverse=True)
    total = 0
    for entry in entries:
        total += sum(path.stat().st_size for path in entry.iterdir())
        if total > limit_bytes:
            shutil.rmtree(entry, ignore_errors=True)
