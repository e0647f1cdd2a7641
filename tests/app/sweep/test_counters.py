"""A sweep on counters: every reading in the study is what the made-up hardware has counted."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import time
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from meter.fake_nvml import (
    ENERGY,
    LOST,
    NO_PERMISSION,
    NOT_SUPPORTED,
    POWER,
    UUIDS,
    FakeBoard,
    FakeNvml,
)
from meter.fake_powercap import DRAM_RANGE, PACKAGE_RANGE, Powercap

pytestmark = [pytest.mark.slow, pytest.mark.no_cover]

FIELDS = "nvmlDeviceGetFieldValues"
WATTS = 100.0
TICK_SECONDS = 0.02
SWEEP = [
    *("-m", "name=study", "search/space=none", "compression=none", "model.width=4"),
    *("model.depth=2", "batch=128", "epochs=2", "meter.gpus=visible", "meter.self_check=true"),
    "device.plan=contiguous",
]
DOMAINS = {"gpu:0", "cpu:0", "cpu:1", "dram:0", "dram:1"}
# How far a reading may lie from the moments that it gives: this test's own threads are late.
LATE_SECONDS = 0.25


class LoggedTree(Powercap):
    """A tree that remembers when each zone had counted what: (Unix seconds, microjoules)."""

    def __init__(self, root: Path) -> None:
        super().__init__(root, tick_seconds=0.01)
        self.log: dict[str, list[tuple[float, int]]] = {}
        for package, watts in enumerate((50.0, 30.0)):
            entry = f"intel-rapl:{package}"
            # Close to where the counters begin again at 0, so that they do within the sweep.
            self.add(entry, f"package-{package}", watts=watts, start_uj=PACKAGE_RANGE - 10**8)
            self.add(f"{entry}:0", "core", watts=watts / 2)
            self.add(f"{entry}:1", "dram", watts=5.0 + package, range_uj=DRAM_RANGE)

    def _run(self) -> None:
        last = time.monotonic()
        while not self._stop.wait(self.tick_seconds):
            now = time.monotonic()
            for entry, zone in self.zones.items():
                self.log.setdefault(entry, []).append((time.time(), zone.total_uj))
                zone.gain(round(zone.watts * (now - last) * 1e6))
            last = now

    def counted(self, entry: str, around: float) -> set[int]:
        """What the zone had counted at moments near this one."""
        log = self.log[entry]
        first = bisect_left(log, (around - LATE_SECONDS, 0))
        return {count for _, count in log[first : bisect_right(log, (around + LATE_SECONDS, 0))]}


def run(nvml: FakeNvml, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "energy_sweep", *words],
        env=nvml.environment(),
        capture_output=True,
        text=True,
    )


class Swept:
    """A finished sweep, and the hardware that it was measured with."""

    def __init__(self, folder: Path) -> None:
        self.tree = LoggedTree(folder / "powercap")
        self.nvml = FakeNvml(folder, FakeBoard(watts=((0.0, WATTS),), tick=TICK_SECONDS))
        self.outputs = folder / "outputs"
        words = [*SWEEP, f"meter.powercap={self.tree.root}", f"outputs={self.outputs}"]
        with self.tree:
            self.done = run(self.nvml, *words)
        assert self.done.returncode == 0, self.done.stderr
        records = [
            json.loads(path.read_text()) for path in self.outputs.glob("study/stages/*/*/rec*.json")
        ]
        self.readings: list[dict[str, Any]] = [
            mark["reading"] for record in records for mark in record["marks"]
        ]

    def front(self) -> dict[str, Any]:
        return json.loads(
            run(self.nvml, "front", "study", "--outputs", str(self.outputs), "--json").stdout
        )


@pytest.fixture(scope="module", name="swept")
def _swept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Swept]:
    yield Swept(tmp_path_factory.mktemp("counters"))


def test_every_reading_has_its_domains_quality_and_uncertainty(swept: Swept) -> None:
    assert len(swept.readings) > 10
    for reading in swept.readings:
        assert {part["domain"] for part in reading["domains"]} == DOMAINS
        for part in reading["domains"]:
            assert part["quality"] == "counter"
            assert part["source"] == ("nvml" if part["domain"] == "gpu:0" else "rapl")
            assert part["joules"] > 0 and part["uncertainty_joules"] > 0


def test_joules_of_the_cpu_are_those_counted_at_the_edges(swept: Swept) -> None:
    zones = {
        "cpu:0": "intel-rapl:0",
        "cpu:1": "intel-rapl:1",
        "dram:0": "intel-rapl:0:1",
        "dram:1": "intel-rapl:1:1",
    }
    for reading in swept.readings:
        start, end = reading["started"], reading["started"] + reading["seconds"]
        for part in reading["domains"]:
            if (zone := zones.get(part["domain"])) is not None:
                gained = round(part["joules"] * 1e6)
                before = swept.tree.counted(zone, start)
                assert {count + gained for count in before} & swept.tree.counted(zone, end)


def test_joules_of_the_gpu_are_whole_ticks_and_within_the_uncertainty(swept: Swept) -> None:
    tick, outside = WATTS * TICK_SECONDS, 0
    for reading in swept.readings:
        (part,) = [part for part in reading["domains"] if part["domain"] == "gpu:0"]
        assert part["joules"] / tick == pytest.approx(round(part["joules"] / tick), abs=1e-3)
        off = part["joules"] - WATTS * reading["seconds"]
        outside += abs(off) > part["uncertainty_joules"] + tick
    # The interval is one of 95 %: a machine that stops for longer than a tick has what is outside.
    assert outside <= max(1, 0.05 * len(swept.readings))
    joules = math.fsum(
        p["joules"] for r in swept.readings for p in r["domains"] if "gpu" in p["domain"]
    )
    seconds = math.fsum(reading["seconds"] for reading in swept.readings)
    assert joules == pytest.approx(WATTS * seconds, rel=0.03)


def test_the_front_says_counter_and_adds_the_domains_up(swept: Swept) -> None:
    document = swept.front()
    assert document["quality"] == "counter"
    assert set(document["meter"]["domains"]) == DOMAINS
    assert set(document["meter"]["sources"]) == {"nvml", "rapl"}
    spent = math.fsum(line["spent_joules"] for line in document["bill"].values())
    whole = math.fsum(p["joules"] for r in swept.readings for p in r["domains"])
    assert spent == pytest.approx(whole)
    assert all(row["uncertainty_joules"] > 0 for row in document["front"])
    assert "counter" in swept.done.stderr and "estimated" not in swept.done.stderr


def refusal(nvml: FakeNvml, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return run(nvml, *SWEEP, "meter=nvml", *words, f"outputs={folder / 'outputs'}")


@pytest.mark.parametrize(
    ("board", "says"),
    [
        (
            {"frozen": 0.0, "errors": {POWER: NOT_SUPPORTED, FIELDS: NOT_SUPPORTED}},
            "no counter that works",
        ),
        (
            {"errors": dict.fromkeys((ENERGY, POWER, FIELDS), NO_PERMISSION)},
            "root",
        ),
        ({"mig": True}, "meter.mig=whole_board"),
    ],
)
def test_a_board_that_cannot_be_believed_is_refused_before_a_joule_is_spent(
    tmp_path: Path, board: dict[str, Any], says: str
) -> None:
    nvml = FakeNvml(tmp_path, FakeBoard(**board))
    done = refusal(nvml, tmp_path)
    assert done.returncode == 2, done.stderr
    assert says in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.glob("outputs/study/trials/*"))


def test_a_board_that_is_lost_fails_the_trial_and_names_it(tmp_path: Path) -> None:
    nvml = FakeNvml(tmp_path, FakeBoard(watts=((0.0, WATTS),), tick=TICK_SECONDS))
    longer = [word.replace("epochs=2", "epochs=100") for word in SWEEP]
    words = [*longer, "meter=nvml", f"outputs={tmp_path / 'outputs'}"]
    worker = subprocess.Popen(
        [sys.executable, "-m", "energy_sweep", *words],
        env=nvml.environment(),
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob("outputs/study/stages/*/*/*.safetensors")):
        assert worker.poll() is None and time.monotonic() < deadline, worker.communicate()
        time.sleep(0.05)
    nvml.fail(ENERGY, LOST, index=0)
    _, said = worker.communicate()
    assert worker.returncode == 1, said
    assert UUIDS[0] in said and "lost" in said
    assert "Traceback" not in said
