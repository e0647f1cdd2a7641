"""RAPL counts packages and their memory once each, and says why where it cannot."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from meter.fake_powercap import PACKAGE_RANGE, Powercap, machine

from energy_sweep.meter import ReadingLost, Work, open_meter
from energy_sweep.meter.rapl import RaplSource
from energy_sweep.meter.rapl import source as rapl
from energy_sweep.record import MeterFacts

WORK = Work(stage="trunk", images=1, parameters=1)


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture(name="tree")
def _tree(tmp_path: Path) -> Iterator[Powercap]:
    tree = Powercap(tmp_path / "powercap")
    yield tree
    tree.stop()


def facts_of(tree: Powercap) -> MeterFacts:
    with tree:
        return RaplSource(tree.root, self_check=False).facts()


def notes_of(tree: Powercap) -> str:
    return " | ".join(facts_of(tree).details["rapl"]["notes"])


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="Linux only")
def test_a_confined_process_reads_its_own_packages_only(tmp_path: Path) -> None:
    code = (
        "import os, sys; from energy_sweep.meter.rapl import RaplSource\n"
        "os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])\n"
        "facts = RaplSource(sys.argv[1], self_check=False).facts()\n"
        "print(*facts.domains, facts.details['rapl']['notes'][0], sep=',')"
    )
    with machine(tmp_path / "powercap", packages=2, dram=False) as tree:
        command = [sys.executable, "-c", code, str(tree.root)]
        found = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert found.startswith("cpu:0,")
    assert ("package 1 is left out" in found) == ((os.cpu_count() or 1) > 1)


def test_joules_are_those_that_were_drawn(tmp_path: Path) -> None:
    with machine(tmp_path / "powercap") as tree:
        zones = {"cpu:0": tree.zones["intel-rapl:0"], "dram:0": tree.zones["intel-rapl:0:1"]}
        meter = open_meter({"name": "rapl", "powercap": str(tree.root), "self_check": False})
        outer = {name: zone.total_uj for name, zone in zones.items()}
        with meter.window(WORK) as window:
            inner = {name: zone.total_uj for name, zone in zones.items()}
            time.sleep(0.1)
            least = {name: zone.total_uj - inner[name] for name, zone in zones.items()}
            mark = window.mark()
            most = {name: zone.total_uj - outer[name] for name, zone in zones.items()}
    assert [part.domain for part in mark.reading.domains] == ["cpu:0", "dram:0"]
    for part in mark.reading.domains:
        assert least[part.domain] <= round(part.joules * 1e6) <= most[part.domain]
        assert 0 < part.uncertainty_joules < part.joules


def test_a_wrap_within_a_window_costs_nothing(tree: Powercap) -> None:
    zone = tree.add("intel-rapl:0", "package-0", start_uj=PACKAGE_RANGE - 4_000_000)
    with tree, RaplSource(tree.root, self_check=False).begin() as read:
        inner, before = zone.total_uj, int(zone.file.read_text())
        while zone.total_uj < PACKAGE_RANGE + 500_000:
            time.sleep(0.01)
        least = zone.total_uj - inner
        part = read().domains[0]
        most, after = zone.total_uj - inner, int(zone.file.read_text())
    assert after < before
    assert least <= round(part.joules * 1e6) <= most


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs root to drop it")
def test_a_user_without_permission_is_told_so_and_the_command_helps() -> None:
    code = (
        "import os, sys; from energy_sweep.meter.rapl import probe\n"
        "os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "print(probe(sys.argv[1]).why)"
    )

    def why(root: Path) -> str:
        command = [sys.executable, "-c", code, str(root)]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    # Not in a folder of pytest, which keeps those from others.
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with machine(folder / "powercap") as tree:
            assert f"{tree.root} cannot be read (Permission denied" in why(tree.root)
            folder.chmod(0o755)
            assert "counters of the CPU, of whole packages" in why(tree.root)
            for zone in tree.zones.values():
                zone.mode = 0o400
            time.sleep(0.1)
            assert "energy_uj cannot be read (Permission denied; mode 0400 of user 0)" in why(
                tree.root
            )


@pytest.mark.parametrize(
    ("harm", "says"),
    [
        (lambda tree: tree.vanish("intel-rapl:0:1"), "No such file"),
        (lambda tree: tree.hold("intel-rapl:0:1", "n/a"), "does not hold a number but 'n/a'"),
        (lambda tree: tree.hold("intel-rapl:0:1", "3"), "jumped"),
        (lambda tree: tree.hold("intel-rapl:0:1"), "stood still"),
    ],
)
def test_what_happens_to_a_counter_within_a_window_loses_it(
    tmp_path: Path, harm: Callable[[Powercap], None], says: str
) -> None:
    with machine(tmp_path / "powercap") as tree:
        meter = open_meter({"name": "rapl", "powercap": str(tree.root), "self_check": False})
        lost = pytest.raises(ReadingLost, match=f"intel-rapl:0:1/energy_uj .*{says}")
        with lost, meter.window(WORK) as window:
            window.mark()
            harm(tree)
            for _ in range(3):
                window.mark()
    assert window.marks


def test_without_a_range_a_counter_works_until_it_begins_again(tree: Powercap) -> None:
    zone = tree.add("intel-rapl:0", "package-0", range_uj=None)
    assert "begins again at 0 is lost" in notes_of(tree)
    with tree, RaplSource(tree.root, self_check=False).begin() as read:
        time.sleep(0.02)
        assert read().domains[0].joules > 0
        zone.total_uj = 0
        with pytest.raises(ReadingLost, match="intel-rapl:0/energy_uj went backwards"):
            time.sleep(0.02)
            read()


def test_the_maker_of_the_cpu_decides_what_is_said(tmp_path: Path) -> None:
    info = tmp_path / "cpuinfo"
    info.write_text("vendor_id\t: AuthenticAMD\nmodel name\t: AMD EPYC 7543\nvendor_id\t: other\n")
    with machine(tmp_path / "powercap", dram=False) as tree:
        details = RaplSource(tree.root, self_check=False, cpuinfo=info).facts().details["rapl"]
    notes = " ".join(details["notes"])
    assert "model, and leaves out memory" in notes and "memory is not counted" in notes
    assert details["cpu"] == "AMD EPYC 7543"


def test_the_self_check_measures_ticks(tmp_path: Path) -> None:
    with machine(tmp_path / "powercap", dram=False) as tree:
        facts = RaplSource(tree.root).facts()
        taken = RaplSource(tree.root, self_check=False).facts()
    assert tree.tick_seconds <= facts.tick_seconds < 0.1
    assert (taken.tick_seconds, taken.idle_watts) == (rapl.TICK_SECONDS, {})
    for watts in facts.idle_watts.values():  # none where the machine had other work
        assert watts == pytest.approx(50.0, rel=0.3)


def test_the_probe_says_what_there_is(tmp_path: Path) -> None:
    with machine(tmp_path / "powercap") as tree:
        found = rapl.probe(tree.root)
    assert found.usable
    assert found.domains == ("cpu:0", "dram:0")
    assert found.tick_seconds == rapl.TICK_SECONDS
    assert found.resolution_joules == pytest.approx(61e-6, rel=0.01)
    assert found.why and found.remedy
    json.dumps(found.details)


def test_the_probe_says_why_there_is_nothing(tmp_path: Path) -> None:
    found = rapl.probe(tmp_path)
    assert not found.usable
    assert "no energy counters" in found.why and "meter=estimate" in found.remedy
