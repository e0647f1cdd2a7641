"""Files that could run code are read back only where this user wrote them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from energy_sweep.record.own_files import is_sound, keep_copy, seal_file, user_secret


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "mine"))
    user_secret.cache_clear()
    yield monkeypatch
    user_secret.cache_clear()


def someone_else(home: pytest.MonkeyPatch, tmp_path: Path) -> None:
    home.setenv("XDG_STATE_HOME", str(tmp_path / "theirs"))
    user_secret.cache_clear()


@pytest.mark.parametrize("name", ["model.onnx", "model.pt2"])
def test_a_sealed_file_is_sound_until_it_or_its_seal_changes(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(b"graph")
    assert not is_sound(path)
    seal_file(path)
    assert is_sound(path)
    keep_copy(path, copy := tmp_path / f"copy-{name}")
    assert is_sound(copy)
    path.write_bytes(b"other")
    assert not is_sound(path)
    path.unlink()
    assert not is_sound(path)


def test_only_of_files_that_could_run_code_the_writer_counts(
    tmp_path: Path, home: pytest.MonkeyPatch
) -> None:
    graph, program = tmp_path / "model.onnx", tmp_path / "model.pt2"
    for path in (graph, program):
        path.write_bytes(b"theirs")
        seal_file(path)
    someone_else(home, tmp_path)
    assert is_sound(graph)
    assert not is_sound(program)


def test_every_process_of_a_user_has_the_same_secret(tmp_path: Path) -> None:
    code = "from energy_sweep.record.own_files import user_secret; print(user_secret().hex())"
    command = [sys.executable, "-c", code]
    started = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    found = {process.communicate()[0].strip() for process in started}
    assert found == {user_secret().hex()}
    [kept] = (tmp_path / "mine" / "energy_sweep").iterdir()
    assert kept.stat().st_mode & 0o777 == 0o600


def test_a_secret_that_others_can_read_is_none(tmp_path: Path) -> None:
    first = user_secret()
    (tmp_path / "mine" / "energy_sweep" / "secret").chmod(0o644)
    user_secret.cache_clear()
    assert user_secret() != first


def test_without_a_folder_of_the_user_files_are_good_in_one_process(
    tmp_path: Path, home: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    home.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    user_secret.cache_clear()
    program = tmp_path / "model.pt2"
    program.write_bytes(b"mine")
    seal_file(program)
    assert is_sound(program)
    user_secret.cache_clear()
    assert not is_sound(program)
