"""A program of torch's in somebody else's store is exported anew, and never read."""

from __future__ import annotations

import contextlib
import io
import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from energy_sweep.meter.base import Meter
from energy_sweep.recipe import Recipe
from energy_sweep.record.own_files import is_sound, seal_file, user_secret
from energy_sweep.runtime.eager import Eager
from energy_sweep.store import StageStore
from energy_sweep.trial import run_trial


class Touch:
    """What makes a file as soon as it is unpickled."""

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, ("touch sprung",)


def poison(program: Path) -> None:
    """Put code into the inputs that a program was exported with, which torch unpickles."""
    code, parts = io.BytesIO(), {}
    torch.save(Touch(), code)
    with zipfile.ZipFile(program) as known:
        parts = {name: known.read(name) for name in known.namelist()}
    with zipfile.ZipFile(program, "w") as made:
        for name, content in parts.items():
            made.writestr(name, code.getvalue() if "sample_inputs" in name else content)


@pytest.mark.no_cover
def test_code_in_a_program_of_theirs_does_not_run(
    recipe: Callable[..., Recipe],
    store: StageStore,
    meter: Meter,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    sprung = tmp_path / "sprung"
    plain = recipe(runtime=Eager(), epochs=1)
    run_trial(plain, meter=meter, store=store)
    [program] = store.root.glob("*/*/template.pt2")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "theirs"))
    user_secret.cache_clear()
    poison(program)
    seal_file(program)
    with contextlib.suppress(Exception):
        torch.export.load(program)
    assert sprung.exists()  # so much for reading it
    sprung.unlink()
    monkeypatch.undo()
    user_secret.cache_clear()
    monkeypatch.chdir(tmp_path)
    run_trial(recipe(runtime=Eager(), epochs=1, seed=1), meter=meter, store=store)
    assert not sprung.exists() and is_sound(program)
