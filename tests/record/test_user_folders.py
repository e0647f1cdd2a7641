"""Files of a user's lie where the XDG specification places them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from energy_sweep.record.user_folders import cache_folder, state_folder


def test_folders_are_those_of_the_home_unless_an_absolute_path_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for variable in ("XDG_CACHE_HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(variable, raising=False)
    at_home = (tmp_path / ".cache" / "energy_sweep", tmp_path / ".local/state/energy_sweep")
    assert (cache_folder(), state_folder()) == at_home
    for variable in ("XDG_CACHE_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(variable, os.path.join("not", "absolute"))
    assert (cache_folder(), state_folder()) == at_home
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "c"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "s"))
    assert cache_folder() == tmp_path / "c" / "energy_sweep"
    assert state_folder() == tmp_path / "s" / "energy_sweep"
