"""A study's folder knows where its database is, and no second one is begun by mistake."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from energy_sweep.record import BadInput
from energy_sweep.study import database
from energy_sweep.study.address import parse_address
from energy_sweep.study.elsewhere import open_elsewhere

NOTE = "storage.json"


def test_hosts_that_open_a_new_folder_at_once_find_one_study(storage: str, tmp_path: Path) -> None:
    address = parse_address(storage)
    with ThreadPoolExecutor(4) as pool:
        many = list(pool.map(lambda _: open_elsewhere(tmp_path, "study", address), range(4)))
    assert {one.study for one in many if one} == {json.loads((tmp_path / NOTE).read_text())["id"]}
    for one in many:
        assert one is not None
        one.close()


def test_the_address_must_be_typed_again_and_be_the_same(storage: str, tmp_path: Path) -> None:
    opened = open_elsewhere(tmp_path, "study", parse_address(f"{storage}?sslmode=disable"))
    assert opened is not None
    with pytest.raises(BadInput, match=f"is elsewhere: type 'storage=\"{storage}.sslmode=disable"):
        open_elsewhere(tmp_path, "study", None)
    other = parse_address(f"{storage.rpartition('/')[0]}/postgres")
    with pytest.raises(BadInput, match=r"where it was moved, or is lost, remove .*storage\.json"):
        open_elsewhere(tmp_path, "study", other)
    database.create(opened.storage, {"name": "study"})
    again = open_elsewhere(tmp_path, "study", parse_address(storage))
    assert again is not None and again.rows() == opened.rows() is not None
    again.close()
    with pytest.raises(BadInput, match="another study called study"):
        open_elsewhere(tmp_path / "other", "study", parse_address(storage))
    assert not (tmp_path / "other" / NOTE).exists()
    opened.close()


def test_a_study_with_a_file_of_its_own_stays_there(storage: str, tmp_path: Path) -> None:
    (tmp_path / "study.db").touch()
    assert open_elsewhere(tmp_path, "study", None) is None
    with pytest.raises(BadInput, match=r"study\.db of its own: leave storage= out"):
        open_elsewhere(tmp_path, "study", parse_address(storage))


@pytest.mark.parametrize("note", ["", "[]", '{"storage": "sqlite:///x", "id": "1"}'])
def test_a_damaged_note_is_named(tmp_path: Path, note: str) -> None:
    (tmp_path / NOTE).write_text(note)
    with pytest.raises(BadInput, match=r"storage\.json is damaged.*: put a copy of it there"):
        open_elsewhere(tmp_path, "study", None)
