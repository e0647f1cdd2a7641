"""The same sweep on a machine of another device class, which here is one with fewer cores."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from benchmarks.formula import run_formula
from energy_sweep.app.main import main
from energy_sweep.study.paths import beside_name, studies_beside

WORDS = ["-m", "name=mine", "meter=replay", "device=cpu", "device.plan=channels_last"]
SWEEP = [*WORDS, "search/space=none", "batch=32,64"]


@contextmanager
def one_core() -> Iterator[None]:
    """A machine whose class has one core."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


@pytest.mark.skipif(sys.platform != "linux", reason="the affinity of processes")
@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="a machine of one core has no smaller class")
def test_another_device_class_has_a_study_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main([*SWEEP, "study.hardware=any"], run=run_formula) == 0
    first = Path("outputs/mine")
    with one_core():
        assert main(SWEEP, run=run_formula) == 2
        refused = capsys.readouterr().err.splitlines()[-1]
        assert refused.endswith("or study.hardware=any for one beside it")
        assert main([*SWEEP, "study.hardware=any"], run=run_formula) == 0
        assert main([*SWEEP, "study.hardware=any"], run=run_formula) == 0
        assert "all measured: nothing new to run" in capsys.readouterr().err
    [second] = studies_beside(first)
    assert second.name.startswith("mine@") and second.name.endswith("-1-cores")
    assert (second / "trials" / "1" / "result.json").is_file()
    assert main(["front", "mine"]) == 0
    told = capsys.readouterr()
    assert "2 of 2 configurations" in told.out
    assert f"report mine {second.name} for one page of all" in told.err
    assert main([*SWEEP, "study.hardware=any"], run=run_formula) == 0
    assert studies_beside(second) == [first]


def test_names_of_classes_are_names_of_folders() -> None:
    assert beside_name("mine", "Xeon(R) @ 2.2/GHz | 2 cores") == "mine@xeon-r-2-2-ghz-2-cores"
    assert len(beside_name("m" * 90, "a very long device class")) == 100
