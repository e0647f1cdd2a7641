"""Where this program keeps files of a user, as the XDG Base Directory Specification places them."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder() -> Path:
    """The folder for what can be made anew; RuntimeError where the user has no home."""
    return _folder("XDG_CACHE_HOME", ".cache")


def state_folder() -> Path:
    """The folder for what has to stay; RuntimeError where the user has no home."""
    return _folder("XDG_STATE_HOME", ".local/state")


def _folder(variable: str, within_home: str) -> Path:
    named = os.environ.get(variable, "")  # which counts for nothing unless it is absolute
    return (Path(named) if os.path.isabs(named) else Path.home() / within_home) / "energy_sweep"
