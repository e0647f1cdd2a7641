"""Who waits for two seconds is told for what, once each, and nobody else is."""

from __future__ import annotations

import importlib
import time
from pathlib import Path

import pytest

from energy_sweep.app.sweep import patience

SLOW = "import time\ntime.sleep(0.4)\n"


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "SECONDS", 0.1)


def test_a_silent_start_says_what_it_loads_and_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "slowly_loaded.py").write_text(SLOW)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(patience, "LIBRARIES", ("slowly_loaded",))
    with patience.Patience() as waiting:
        importlib.import_module("slowly_loaded")
        waiting.doing("reading the data")
        time.sleep(0.4)
        waiting.over()
        time.sleep(0.3)
    lines = capsys.readouterr().err.splitlines()
    assert lines == [
        "... loading slowly_loaded, which takes long on a busy machine",
        "... reading the data",
    ]


def test_a_quick_start_says_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(patience, "SECONDS", 60.0)
    begun = time.monotonic()
    with patience.Patience():
        pass
    assert time.monotonic() - begun < 5
    assert capsys.readouterr().err == ""
