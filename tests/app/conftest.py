"""What tests of the command line share: a study that was really swept, once."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from energy_sweep.app.main import main
from tests.chaos.base import SWEEP


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small study that was really swept."""
    folder, before = tmp_path_factory.mktemp("finished"), Path.cwd()
    os.chdir(folder)
    try:
        assert main(list(SWEEP)) == 0
    finally:
        os.chdir(before)
    return folder / "outputs" / "study"
