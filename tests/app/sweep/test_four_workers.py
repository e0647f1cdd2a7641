"""Four processes typed alike share one real sweep: what one finds alone, each stage once."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from energy_sweep.study.stored import load_study
from tests.chaos.world import without_times

SWEEP = [
    *("-m", "name=s", "search/space=none", "model.width=4", "model.depth=2", "epochs=2,4"),
    *("batch=64,128", "compression.level=0,0.5", "device=cpu", "device.plan=channels_last"),
]
WORKERS = 4


def swept(folder: Path, meter: str, workers: int) -> list[str]:
    """Type the sweep so often at once; what each of them printed on stderr."""
    folder.mkdir()
    words = [sys.executable, "-m", "energy_sweep", *SWEEP, f"meter={meter}"]
    run = [
        subprocess.Popen(
            words, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        for _ in range(workers)
    ]
    told = [one.communicate(timeout=400)[1] for one in run]
    assert [one.returncode for one in run] == [0] * workers, told
    return told


def document(folder: Path) -> dict[str, Any]:
    """The front and the bill, as a document."""
    words = [sys.executable, "-m", "energy_sweep", "front", "s", "--json"]
    shown = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=True)
    return without_times(json.loads(shown.stdout))


def by_configuration(folder: Path) -> dict[str, tuple[int | None, tuple[str, ...]]]:
    """How many images each configuration has right, and the keys of its stages."""
    results = load_study(folder / "outputs" / "s").results
    return {
        one.config_key: (one.correct, tuple(use.key for use in one.stages)) for _, one in results
    }


@pytest.mark.slow
@pytest.mark.no_cover
def test_four_workers_find_what_one_does_and_spend_no_more(tmp_path: Path) -> None:
    swept(tmp_path / "one", "replay", 1)
    told = swept(tmp_path / "four", "replay", WORKERS)
    assert by_configuration(tmp_path / "four") == by_configuration(tmp_path / "one")
    alone, shared = document(tmp_path / "one"), document(tmp_path / "four")
    for kind in ("front", "dominated"):  # numbers hang on who was faster
        plain = [
            [{**row, "trial": 0, "trials": [], "params": {}} for row in one[kind]]
            for one in (alone, shared)
        ]
        assert [row["accuracy"] for row in plain[0]] == [row["accuracy"] for row in plain[1]]
        assert [row["joules"] for row in plain[0]] == [row["joules"] for row in plain[1]]
    assert shared["spent_joules"] == pytest.approx(alone["spent_joules"], rel=1e-12)
    assert sum(int(line.split(" new")[0].split()[-1]) for line in map(_outcome, told)) == 8


@pytest.mark.contracts
@pytest.mark.no_cover
def test_no_two_of_their_windows_overlap(tmp_path: Path) -> None:
    swept(tmp_path / "four", "estimate", WORKERS)
    stages = load_study(tmp_path / "four" / "outputs" / "s").stages.values()
    readings = [mark.reading for one in stages for mark in one.marks]
    windows = sorted(
        (one.started, one.started + one.seconds) for one in readings if one.started is not None
    )
    assert len(windows) > 20
    assert all(first[1] <= second[0] + 1e-3 for first, second in itertools.pairwise(windows))


def _outcome(told: str) -> str:
    return next(line for line in told.splitlines() if " new" in line and "nothing" in line)
