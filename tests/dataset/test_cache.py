"""What is kept of files that were read: used while they are unchanged, and never when damaged."""

from __future__ import annotations

import dataclasses
import json
import logging
import os
from pathlib import Path

import numpy as np
import pytest
from on_disk import some_images
from PIL import Image

from energy_sweep.dataset import cache, pictures, storage
from energy_sweep.dataset.base import Data
from energy_sweep.dataset.folder import Folder
from energy_sweep.dataset.reader import Picture, Reading
from energy_sweep.record import BadInput


@pytest.fixture
def source(tmp_path: Path) -> Folder:
    """Two classes of six pictures."""
    for label in ("a", "b"):
        (tmp_path / "root" / label).mkdir(parents=True)
        for n, pixels in enumerate(some_images(6, 20, 20, seed=ord(label))):
            Image.fromarray(pixels).save(tmp_path / "root" / label / f"{n}.png")
    return Folder(root=str(tmp_path / "root"))


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The files that are decoded, as that happens."""
    seen: list[Path] = []
    read = pictures.read

    def noted(path: Path, reading: Reading) -> Picture:
        seen.append(path)
        return read(path, reading)

    monkeypatch.setattr(pictures, "read", noted)
    return seen


def same(one: Data, other: Data) -> bool:
    names = ("name", "classes", "mean", "std", "shift", "flip", "fingerprint")
    sides = [(getattr(one, s), getattr(other, s)) for s in ("train", "validation", "test")]
    return all(getattr(one, n) == getattr(other, n) for n in names) and all(
        np.array_equal(a.images, b.images) and np.array_equal(a.labels, b.labels) for a, b in sides
    )


def entries(own_cache: Path) -> list[Path]:
    return sorted(own_cache.iterdir())


def test_files_are_decoded_once(source, reads, own_cache):
    first = source.load()
    assert len(reads) == 12 and len(entries(own_cache)) == 1
    assert same(source.load(), first) and len(reads) == 12
    moved = dataclasses.replace(source, shift=3, flip=True).load()
    assert (moved.shift, moved.flip, len(reads)) == (3, True, 12)
    with pytest.raises(BadInput, match=r"dataset\.shift=20: images are 20 pixels wide"):
        dataclasses.replace(source, shift=20).load()
    small = dataclasses.replace(source, resolution=8).load()
    assert small.shape == (1, 8, 8) and len(reads) == 24 and len(entries(own_cache)) == 2


def repainted(path: Path) -> None:
    Image.fromarray(some_images(1, 20, 20, seed=99)[0]).save(path)


def touched(path: Path) -> None:
    os.utime(path, ns=(1, 1))


@pytest.mark.parametrize("change", [repainted, touched, Path.unlink])
def test_a_changed_file_is_noticed(source, reads, change):
    first = source.load()
    change(Path(source.root, "a", "3.png"))
    again = source.load()
    assert len(reads) == (23 if change is Path.unlink else 24)
    assert (again.fingerprint == first.fingerprint) == (change is touched)


def test_a_new_file_and_other_code_are_noticed(source, reads, monkeypatch):
    source.load()
    repainted(Path(source.root, "b", "new.png"))
    source.load()
    assert len(reads) == 25
    monkeypatch.setattr(cache, "_code_digest", lambda: "another")
    source.load()
    assert len(reads) == 38


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-50])


def altered(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("file", ["train.npy", "test_labels.npy", cache.FACTS])
@pytest.mark.parametrize("damage", [truncated, altered, Path.unlink, lambda p: p.write_bytes(b"")])
def test_a_damaged_cache_is_said_and_built_anew(source, reads, own_cache, caplog, file, damage):
    first = source.load()
    [entry] = entries(own_cache)
    damage(entry / file)
    with caplog.at_level(logging.WARNING):
        assert same(source.load(), first)
    assert "are damaged" in caplog.text and len(reads) == 24
    assert same(source.load(), first) and len(reads) == 24


def test_facts_that_were_edited_are_not_believed(source, reads, own_cache):
    first = source.load()
    [entry] = entries(own_cache)
    facts = json.loads((entry / cache.FACTS).read_text())
    facts["data"]["mean"] = [0.0]
    (entry / cache.FACTS).write_text(json.dumps(facts))
    assert same(source.load(), first) and len(reads) == 24


def test_a_copy_of_the_cache_is_read_once_more_and_believed(source, reads, own_cache):
    first = source.load()
    [entry] = entries(own_cache)
    touched(entry / "train.npy")
    assert same(source.load(), first) and len(reads) == 12


def test_the_folder_is_a_dial_and_null_keeps_nothing(source, reads, own_cache, tmp_path):
    dataclasses.replace(source, cache=None).load()
    assert not own_cache.exists()
    own = tmp_path / "own"
    dataclasses.replace(source, cache=str(own)).load()
    assert len(entries(own)) == 1 and not own_cache.exists()


def test_a_cache_that_cannot_be_written_is_said_and_left_out(source, own_cache, tmp_path, caplog):
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    with caplog.at_level(logging.WARNING):
        kept = dataclasses.replace(source, cache=str(blocked / "cache")).load()
    assert same(kept, source.load())
    assert "type dataset.cache=FOLDER or null" in caplog.text


def test_the_oldest_use_goes_first(source, reads, own_cache, monkeypatch):
    whole = source.load()
    [first] = entries(own_cache)
    os.utime(first / cache.FACTS, ns=(1, 1))
    size = sum(path.stat().st_size for path in first.iterdir())
    monkeypatch.setattr(cache, "LIMIT_BYTES", size + 1)
    dataclasses.replace(source, fraction=0.5).load()
    assert not first.exists() and len(entries(own_cache)) == 1
    monkeypatch.setattr(cache, "LIMIT_BYTES", 1)
    assert same(source.load(), whole) and not first.exists()


def test_what_a_killed_process_left_goes_after_a_day(source, own_cache):
    for name, seconds in ((".part-old", 1), (".part-new", None)):
        (own_cache / name).mkdir(parents=True)
        if seconds is not None:
            os.utime(own_cache / name, (seconds, seconds))
    source.load()
    assert not (own_cache / ".part-old").exists() and (own_cache / ".part-new").exists()


def test_what_does_not_fit_in_memory_is_mapped_and_the_same(source, own_cache, monkeypatch):
    small = dataclasses.replace(source, resolution=12, fraction=0.5)
    expected = [one.load() for one in (source, small)]
    monkeypatch.setattr(storage, "SHARE", 0.0)
    for one, data in zip((source, small), expected, strict=True):
        for data_again in (one.load(), dataclasses.replace(one, cache=None).load()):
            assert same(data_again, data)
            assert isinstance(data_again.train.images, np.memmap)


def test_too_little_room_anywhere_says_what_to_type(monkeypatch, tmp_path):
    monkeypatch.setattr(storage, "SHARE", 0.0)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with pytest.raises(BadInput, match=r"need .* GiB, more than memory allows .*resolution=32"):
        storage.allocate((2**40, 3, 2**10, 2**10))
    assert list(tmp_path.iterdir()) == []


def test_the_limit_of_a_container_counts(monkeypatch, tmp_path):
    limit = tmp_path / "memory.max"
    monkeypatch.setattr(storage, "LIMITS", (limit,))
    whole = storage.free_bytes()
    limit.write_text("max\n")
    assert storage.free_bytes() > 1000 and whole > 1000
    limit.write_text("1000\n")
    assert storage.free_bytes() == 1000
    assert storage.fits(250) and not storage.fits(251)
