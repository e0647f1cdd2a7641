"""Idle watts are those of a quiet machine, and kept; a busy one has none."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from meter.fake_powercap import Powercap, machine

from energy_sweep.meter import MeterUnavailable, rapl
from energy_sweep.meter.counter import idle
from energy_sweep.meter.rapl import RaplSource


@pytest.fixture(name="tree")
def _tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Powercap]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(idle, "IDLE_SECONDS", 0.3)
    with machine(tmp_path / "powercap", packages=2) as tree:
        yield tree


def kept(tmp_path: Path) -> int:
    return sum(1 for _ in (tmp_path / "cache").rglob("*.json"))


def test_what_a_quiet_machine_draws_is_kept(
    tree: Powercap, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(idle, "CONTENDED_SHARE", 2.0)
    first = RaplSource(tree.root).facts()
    assert first.idle_watts["cpu:0"] == pytest.approx(50.0, rel=0.3)
    assert first.idle_watts["dram:1"] == pytest.approx(5.0, rel=0.3)
    assert kept(tmp_path) == 4
    assert rapl.probe(tree.root).idle_watts == first.idle_watts
    assert RaplSource(tree.root).facts() == first
    assert RaplSource(tree.root, self_check=False).facts().idle_watts == {}


def test_another_cpu_is_another_check(
    tree: Powercap, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(idle, "CONTENDED_SHARE", 2.0)
    for name in ("one", "two"):
        info = tmp_path / name
        info.write_text(f"model name: {name}\n")
        RaplSource(tree.root, cpuinfo=info)
    assert kept(tmp_path) == 8


def test_what_a_busy_machine_draws_is_not_taken_for_idle(tree: Powercap, tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as other:
        try:
            facts = RaplSource(tree.root).facts()
        finally:
            other.kill()
    assert facts.idle_watts == {}
    assert facts.tick_seconds >= tree.tick_seconds
    assert kept(tmp_path) == 0
    assert rapl.probe(tree.root).idle_watts == {}


def test_a_counter_that_fails_the_check_makes_no_meter(
    tree: Powercap, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(idle, "CONTENDED_SHARE", 2.0)
    monkeypatch.setattr(idle, "IDLE_SECONDS", 1.0)
    timer = threading.Timer(0.5, tree.hold, ("intel-rapl:0", "gone"))
    timer.start()
    with pytest.raises(MeterUnavailable, match=r"intel-rapl:0/energy_uj .*'gone'.*meter=estimate"):
        RaplSource(tree.root)
    timer.join()
