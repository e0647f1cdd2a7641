"""Trials as jobs of Hydra's launchers, run for real: in other processes, two at a time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

WORDS = [
    *("-m", "name=s", "search/space=none", "epochs=1,2", "batch=128", "lr=0.1", "model.width=4"),
    *("compression=none", "meter=replay", "device=cpu", "device.plan=channels_last"),
]
LAUNCHERS = {
    "joblib": ("hydra_plugins.hydra_joblib_launcher", ["hydra.launcher.n_jobs=2"]),
    "submitit_local": ("hydra_plugins.hydra_submitit_launcher", ["search.slots=2"]),
    "ray": ("hydra_plugins.hydra_ray_launcher", ["search.slots=2"]),
}


def typed(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    program = [sys.executable, "-m", "energy_sweep", *words]
    return subprocess.run(program, cwd=folder, capture_output=True, text=True, check=False)


def answers(folder: Path) -> list[dict[str, float]]:
    told = typed(folder, "front", "s", "--json")
    assert told.returncode == 0, told.stderr
    rows = json.loads(told.stdout)["front"]
    return [{"accuracy": row["accuracy"], "joules": row["joules"]} for row in rows]


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, float]]:
    folder = tmp_path_factory.mktemp("here")
    done = typed(folder, *WORDS)
    assert done.returncode == 0, done.stderr
    return answers(folder)


@pytest.mark.slow
@pytest.mark.no_cover
@pytest.mark.parametrize(
    "launcher",
    [
        "joblib",
        *(pytest.param(one, marks=pytest.mark.contracts) for one in ("submitit_local", "ray")),
    ],
)
def test_jobs_of_a_launcher_find_what_trials_here_find(
    tmp_path: Path, here: list[dict[str, float]], launcher: str
) -> None:
    plugin, words = LAUNCHERS[launcher]
    if os.environ.get("CI") != "true":
        pytest.importorskip(plugin)
    done = typed(tmp_path, *WORDS, f"hydra/launcher={launcher}", *words)
    assert done.returncode == 0, done.stderr
    assert "2 new; nothing is left in the space" in done.stderr
    assert answers(tmp_path) == here


def test_a_launcher_that_is_not_known_is_refused_in_one_line(tmp_path: Path) -> None:
    done = typed(tmp_path, *WORDS, "search.slots=2")
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith("search.slots=2: one process runs one trial")
