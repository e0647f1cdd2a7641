"""Windows wait for a quiet machine, and what waiting costs is on the bill and in no objective."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from energy_sweep.device import Device
from energy_sweep.front.bill import bill
from energy_sweep.front.prices import Prices, demand
from energy_sweep.meter import meter_id, open_meter
from energy_sweep.meter.base import Meter, Work
from energy_sweep.meter.contention import Contention, ContentionMonitor
from energy_sweep.meter.process import ProcessTree
from energy_sweep.recipe import Recipe
from energy_sweep.record import Objective, StageRecord, StudyRecord, TrialRecord
from energy_sweep.store import StageStore
from energy_sweep.trial import run_trial
from energy_sweep.trial.wait import WaitingMeter, patient

MakeRecipe = Callable[..., Recipe]
WORK = Work(stage="trunk", images=8, parameters=100)


def idle(work: Work) -> float:
    """Joules that do not depend on images, as those of an idle machine."""
    return 3.0 if work.stage == "wait" else 5.0


@pytest.fixture
def meter() -> Meter:
    return open_meter({"name": "replay", "formula": idle})


@pytest.fixture
def store(tmp_path: Path, meter: Meter) -> StageStore:
    return StageStore(tmp_path / "stages", meter_id=meter_id(meter.facts()))


def waits(store: StageStore) -> list[StageRecord]:
    return [record for record in store.records().values() if record.stage == "wait"]


def shares(*values: float) -> Callable[[], Contention]:
    """What others use, look by look; the last share stays."""
    left = list(values)

    def look() -> Contention:
        share = left.pop(0) if len(left) > 1 else left[0]
        return Contention(contended=share > 0.05, foreign={"cpu": share}, resident_bytes=0)

    return look


def test_a_quiet_machine_costs_no_window(meter: Meter, store: StageStore) -> None:
    quiet = WaitingMeter(meter, store, below=0.1, look=shares(0.1))
    for _ in range(3):
        with quiet.window(WORK) as window:
            window.mark()
        assert window.marks[0].reading.joules == 5.0
    assert waits(store) == []


def test_a_window_waits_until_others_are_done_and_says_so_once(
    meter: Meter, store: StageStore, caplog: pytest.LogCaptureFixture
) -> None:
    look = shares(0.5, 0.9, 0.2, 0.5, 0.0)
    busy = WaitingMeter(meter, store, below=0.3, look=look, look_seconds=0.001)
    for _ in range(2):
        with busy.window(WORK):
            pass
    assert look().foreign["cpu"] == 0.0
    assert [record.spent_joules for record in waits(store)] == [3.0, 3.0]
    assert len({record.key for record in waits(store)}) == 2
    assert caplog.text.count("device.wait_below=0.3") == 1
    assert "still busy" not in caplog.text


def test_waiting_ends(meter: Meter, store: StageStore, caplog: pytest.LogCaptureFixture) -> None:
    busy = WaitingMeter(
        meter, store, below=0.3, look=shares(0.9), look_seconds=0.002, longest_seconds=0.01
    )
    for _ in range(2):
        with busy.window(WORK) as window:
            window.mark()
    assert len(waits(store)) == 1
    assert caplog.text.count("still busy") == 1


def test_a_pause_that_is_broken_off_is_on_the_bill(meter: Meter, store: StageStore) -> None:
    first = shares(0.9)

    def look() -> Contention:
        nonlocal first
        sight, first = first(), stop
        return sight

    def stop() -> Contention:
        raise KeyboardInterrupt

    busy = WaitingMeter(meter, store, below=0.3, look=look, look_seconds=0.001)
    with pytest.raises(KeyboardInterrupt), busy.window(WORK):
        raise AssertionError
    assert [record.spent_joules for record in waits(store)] == [3.0]


@pytest.fixture
def hog() -> Iterator[None]:
    """A program of others that keeps a processor busy: its shell ends, so it is nobody's child."""
    script = f"{sys.executable} -c 'while True: pass' >/dev/null 2>&1 & echo $!"
    shell = subprocess.run(["sh", "-c", script], stdout=subprocess.PIPE, text=True, check=True)
    yield
    os.kill(int(shell.stdout), signal.SIGKILL)


@pytest.mark.skipif(sys.platform == "win32", reason="needs a shell")
def test_a_program_of_others_is_seen(hog: None, meter: Meter, store: StageStore) -> None:
    look = ContentionMonitor(ProcessTree()).begin()
    time.sleep(0.5)
    below = 0.5 / (os.cpu_count() or 1)
    busy = WaitingMeter(
        meter, store, below=below, look=look, look_seconds=0.25, longest_seconds=0.5
    )
    with busy.window(WORK):
        pass
    assert len(waits(store)) == 1


def test_a_trial_waits_only_where_it_is_asked_to(
    recipe: MakeRecipe, meter: Meter, store: StageStore
) -> None:
    assert patient(meter, store, below=None) is meter
    results = [
        run_trial(recipe(epochs=1, device=device), meter=meter, store=store)
        for device in (
            Device(name="cpu", plan="channels_last"),
            Device(name="cpu", plan="channels_last", wait_below=1.0),
        )
    ]
    assert results[0] == results[1]
    assert waits(store) == []


def test_pauses_are_on_the_bill_of_a_study_and_in_no_objective(
    recipe: MakeRecipe, meter: Meter, store: StageStore
) -> None:
    busy = WaitingMeter(meter, store, below=0.3, look=shares(0.9, 0.0), look_seconds=0.001)
    result = run_trial(
        recipe(epochs=1, device=Device(name="cpu", plan="channels_last")), meter=busy, store=store
    )
    (pause,) = waits(store)
    assert pause.cost_key not in demand(result, Objective(name="lifetime"))
    study = StudyRecord(
        name="waiting",
        trials=(TrialRecord(number=0, state="measured", params={}, result=result),),
        stages=store.records(),
        meter=meter.facts(),
    )
    line = bill(study, Prices(store.records().values()))["wait"]
    assert (line.runs, line.uses) == (1, 0)
    assert (line.spent_joules, line.attributed_joules) == (3.0, 0.0)
    assert [size.records for size in store.sizes() if size.stage == "wait"] == [1]
