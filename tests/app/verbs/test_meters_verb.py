"""What `meters` shows: the survey, live watts, controls, and a calibration by a wall plug."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from meter.fake_powercap import Powercap, machine

from energy_sweep.app.verbs import options as verbs
from energy_sweep.app.verbs import watch as live
from energy_sweep.hardware.cpu import usable_cores
from energy_sweep.meter import Work, calibrate, open_meter, selftest
from energy_sweep.meter.lock import HELD
from energy_sweep.record import BadInput, EnergyReading, Quality


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ticks and idle watts that were seen are kept: not those of a tree that is gone."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def powercap(tmp_path: Path) -> Iterator[Powercap]:
    """Counters of a package (50 W) and its memory (5 W) that move with the time."""
    with machine(tmp_path / "powercap") as tree:
        yield tree


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    """A root without counters, as in a virtual machine."""
    root = tmp_path / "none"
    root.mkdir()
    return root


def run(*words: object) -> int:
    return verbs.run([str(word) for word in words])


def meters(*words: object) -> int:
    return run("meters", *words)


def test_a_machine_without_counters_is_said_to_estimate(
    empty: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert meters("--powercap", empty) == 0
    text = capsys.readouterr().out
    heading, *lines = text.splitlines()
    assert heading.split() == ["source", "domain", "quality", "tick", "resolution", "idle", "state"]
    states = {(line.split()[0], line.split()[-1]) for line in lines[: lines.index("")]}
    assert {("rapl", "missing"), ("estimate", "ready")} <= states
    assert "\nrapl is missing: " in text and str(empty) in text
    assert "  to get it: " in text
    assert "estimate for the CPU" in text or "takes estimate here" in text


def test_counters_under_another_root_are_shown_by_domain(
    powercap: Powercap, capsys: pytest.CaptureFixture[str]
) -> None:
    assert meters("--powercap", powercap.root) == 0
    text = capsys.readouterr().out
    rows = [line.split() for line in text.splitlines() if line.startswith("rapl ")]
    assert [row[1:3] for row in rows] == [["cpu:0", "counter"], ["dram:0", "counter"]]
    assert all(row[-1] == "ready" and row[3:5] == ["1", "ms"] for row in rows)
    assert "rapl is missing" not in text
    assert "rapl for the CPU" in text or "takes rapl here" in text


@pytest.mark.parametrize("counters", [True, False])
def test_the_survey_as_json(
    powercap: Powercap, empty: Path, counters: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    meters("--json", "--powercap", powercap.root if counters else empty)
    document = json.loads(capsys.readouterr().out)
    by_source = {probe["source"]: probe for probe in document["meters"]}
    assert by_source["rapl"]["usable"] is counters
    assert document["auto"]["cpu"] == ("rapl" if counters else "estimate")
    assert by_source[document["auto"]["cpu"]]["usable"]
    assert all(probe["why"] for probe in by_source.values())


@pytest.mark.parametrize(
    ("words", "say"),
    [
        (["--seconds", "3"], "--watch or --calibrate"),
        (["--watch", "--repeats", "2"], "belongs to --calibrate"),
        (["--selftest", "--to", "x.json"], "belongs to --calibrate"),
        (["--watch", "--selftest"], "not allowed with"),
        (["--watch", "--seconds", "0"], "not a positive number"),
        (["--calibrate", "--repeats", "0"], "at least 1"),
        (["--calibrate", "--to", "."], "is a folder"),
    ],
)
def test_options_out_of_place_are_refused_in_one_line(words: list[str], say: str) -> None:
    with pytest.raises(BadInput) as refused:
        meters(*words)
    assert say in str(refused.value) and "\n" not in str(refused.value)


def test_watching_writes_a_line_a_second(
    powercap: Powercap, capsys: pytest.CaptureFixture[str]
) -> None:
    assert meters("--watch", "--seconds", 1.2, "--powercap", powercap.root) == 0
    first, *lines = capsys.readouterr().out.splitlines()
    assert first == "watts by rapl, counter"
    assert len(lines) == 2
    for line in lines:
        assert "cpu:0" in line and "dram:0" in line and line.endswith("W counter")


def test_watching_as_json_is_a_document_a_line(
    powercap: Powercap, capsys: pytest.CaptureFixture[str]
) -> None:
    meters("--watch", "--json", "--seconds", 1.5, "--powercap", powercap.root)
    first, last = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert last["seconds"] > first["seconds"] > 0.5
    assert last["domains"]["cpu:0"]["joules"] > first["domains"]["cpu:0"]["joules"] > 0
    parts = [part["mean_watts"] for part in last["domains"].values()]
    assert sum(parts) == pytest.approx(last["mean_watts"])
    assert last["mean_watts"] == pytest.approx(last["joules"] / last["seconds"])
    assert last["quality"] == "counter"


def test_an_estimate_of_the_watch_sees_other_programs(
    empty: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = "import time\nend = time.process_time() + 60\nwhile time.process_time() < end: pass"
    with subprocess.Popen([sys.executable, "-c", code], start_new_session=True) as other:
        try:
            meters("--watch", "--json", "--seconds", 1, "--powercap", empty)
        finally:
            other.kill()
    [line] = capsys.readouterr().out.splitlines()
    assert json.loads(line)["domains"]["cpu"]["joules"] > 0.5


def test_watching_waits_for_no_window_and_ends_with_ctrl_c(powercap: Powercap) -> None:
    words = ["meters", "--watch", "--powercap", str(powercap.root)]
    command = [sys.executable, "-m", "energy_sweep", *words]
    with open_meter("estimate").window(Work(stage="other", images=0, parameters=0)):
        outside = {name: value for name, value in os.environ.items() if name != HELD}
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=outside) as watch:
            assert watch.stdout is not None
            lines = [watch.stdout.readline() for _ in range(2)]
            watch.send_signal(signal.SIGINT)
            watch.communicate(timeout=30)
    assert lines[1].endswith("W counter\n")
    assert watch.returncode == 0


def test_a_counter_beside_an_estimate_says_which_is_which(
    capsys: pytest.CaptureFixture[str],
) -> None:
    parts = {"gpu:0": (70.0, Quality.COUNTER), "cpu": (5.0, Quality.ESTIMATED)}
    lines = [live.DomainTotal(name, quality) for name, (_, quality) in parts.items()]
    for line, (watts, _) in zip(lines, parts.values(), strict=True):
        line.add(watts, 1.0)
    live.plain_line(lines, EnergyReading(domains=(), seconds=1.0))
    assert capsys.readouterr().out == "   1 s  gpu:0 70 W counter  cpu 5 W estimated\n"


def test_a_sparkline_spans_its_largest_value_and_hides_noise() -> None:
    assert live.sparkline([0.0, 20.0, 40.0]) == "▁▅█"
    assert live.sparkline([0.0, 0.02, -0.01]) == "▁▁▁"


@pytest.fixture
def short_controls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selftest, "WORK_CPU_SECONDS", 0.02)
    monkeypatch.setattr(selftest, "SLEEP_SECONDS", 0.05)
    monkeypatch.setattr(selftest, "SLEEPS", 1)
    monkeypatch.setattr(selftest, "PAIRS", 2)
    monkeypatch.setattr(selftest, "MOST_REPEATS", 0)


@pytest.mark.usefixtures("short_controls")
def test_the_selftest_prints_its_controls_and_their_verdict(
    empty: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = meters("--selftest", "--powercap", empty)
    shown = capsys.readouterr()
    for name in ("sleep", "double", "same"):
        [row] = [line for line in shown.out.splitlines() if line.startswith(f"{name} ")]
        assert "estimated" in row and (" yes " in row or " NO " in row)
    assert ("NOT all controls hold" in shown.out) == (code == 1)
    assert (" NO " in shown.out) == (code == 1)
    assert "0 of 7 windows" in shown.err


@pytest.mark.usefixtures("short_controls")
def test_the_selftest_as_json(empty: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = meters("--selftest", "--json", "--powercap", empty)
    document = json.loads(capsys.readouterr().out)
    assert [control["name"] for control in document["controls"]] == ["sleep", "double", "same"]
    for control in document["controls"]:
        inside = control["low"] <= control["value"] <= control["high"]
        assert control["holds"] is inside
    assert document["holds"] is (code == 0)
    assert document["quality"] == "estimated" and document["windows"] == 7


@pytest.fixture
def in_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(calibrate, "MOST_RESIDENT_GIB", 0.2)
    return tmp_path


def answer(monkeypatch: pytest.MonkeyPatch, *lines: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{line}\n" for line in lines)))


def test_a_calibration_asks_fits_writes_and_is_used(
    in_empty_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    loads = len(calibrate.phases(usable_cores(), 2**31))
    answer(monkeypatch, "40.0", "44,5 W", "", "50")
    assert meters("--calibrate", "--seconds", 0.2) == 0
    shown = capsys.readouterr()
    assert f"load {loads} of {loads}: " in shown.err
    assert "meter.calibration=calibration.json" in shown.out and "estimated" in shown.out
    document = json.loads((in_empty_folder / "calibration.json").read_text())
    assert document["cpu_watts_per_core"] > 0 and document["machine"]
    assert document["readings"][0]["phase"] == "idle"
    assert [one["watts"] for one in document["readings"]] == [40.0, 44.5, 50.0][: loads - 1]
    assert document["made"].startswith(time.strftime("%Y-", time.gmtime()))
    meter = open_meter({"name": "estimate", "calibration": "calibration.json"})
    watts = meter.facts().coefficients["cpu_watts_per_core"]
    assert watts == pytest.approx(document["cpu_watts_per_core"])


def test_a_calibration_as_json_and_elsewhere(
    in_empty_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    loads = len(calibrate.phases(usable_cores(), 2**31))
    answer(monkeypatch, *["40", *["48"] * (loads - 1)] * 2)
    words = ["--calibrate", "--seconds", 0.2, "--repeats", 2, "--to", "own/mine.json", "--json"]
    assert meters(*words) == 0
    document = json.loads(capsys.readouterr().out)
    assert document.pop("file") == "own/mine.json"
    assert document == json.loads((in_empty_folder / "own" / "mine.json").read_text())
    assert len(document["readings"]) == 2 * loads


@pytest.mark.parametrize(
    ("lines", "say"),
    [
        (["warm"], "warm is not a number of watts above 0"),
        (["-3"], "-3 is not a number"),
        (["nan"], "nan is not a number"),
        ([], "no watts for the load idle"),
        (["", "", "", ""], "idle phase and of a busy one"),
    ],
)
def test_answers_that_say_nothing_end_it_in_one_line(
    in_empty_folder: Path, monkeypatch: pytest.MonkeyPatch, lines: list[str], say: str
) -> None:
    answer(monkeypatch, *lines)
    with pytest.raises(BadInput) as refused:
        meters("--calibrate", "--seconds", 0.05)
    assert say in str(refused.value) and "\n" not in str(refused.value)
    assert not list(in_empty_folder.glob("*.json"))
