"""The CPU by its name, its maker and its packages."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from energy_sweep.processor import cpu_maker, cpu_model, cpu_packages, is_confined


def test_the_first_cpu_speaks_for_all(tmp_path: Path) -> None:
    path = tmp_path / "cpuinfo"
    path.write_text(
        "processor\t: 0\nvendor_id\t: AuthenticAMD\nmodel name\t: Brand X 9000\n\n"
        "processor\t: 1\nvendor_id\t: other\nmodel name\t: other\n"
    )
    assert (cpu_model(path), cpu_maker(path)) == ("Brand X 9000", "AuthenticAMD")


def test_a_cpu_without_a_name_is_called_by_its_architecture(tmp_path: Path) -> None:
    path = tmp_path / "cpuinfo"
    path.write_text("processor\t: 0\nmodel name\t:\n")
    assert cpu_model(path) == cpu_model(tmp_path / "absent") != ""
    assert cpu_maker(path) == cpu_maker(tmp_path / "absent") == ""


def test_packages_are_those_this_process_may_run_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for cpu, package in enumerate([0, 0, 1, 1]):
        folder = tmp_path / f"cpu{cpu}" / "topology"
        folder.mkdir(parents=True)
        (folder / "physical_package_id").write_text(f"{package}\n")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {1, 2}, raising=False)
    assert cpu_packages(tmp_path) == (0, 1)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3}, raising=False)
    assert cpu_packages(tmp_path) == (1,)
    assert cpu_packages(tmp_path / "absent") == (0,)


def test_a_process_is_confined_where_it_may_not_run_everywhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2, 3}, raising=False)
    assert not is_confined()
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {2}, raising=False)
    assert is_confined()
    monkeypatch.delattr(os, "sched_getaffinity")
    assert not is_confined()
