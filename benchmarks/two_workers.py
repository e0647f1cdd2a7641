"""Two workers at one device: how many of their windows did the other one disturb?

    python -m benchmarks.two_workers

Both train on digits in one store, with turns and without. What else the machine does is told by the
meter (`contended`); what the other worker did is taken from its own clock (`by_the_other`).
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from bisect import bisect
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from energy_sweep.compression.prune import Prune
from energy_sweep.dataset.digits import Digits
from energy_sweep.device import Device
from energy_sweep.meter import meter_id, open_meter
from energy_sweep.meter.contention import CONTENDED_SHARE
from energy_sweep.meter.process import ProcessTree
from energy_sweep.model.small_cnn import SmallCNN
from energy_sweep.optimizer import SGD
from energy_sweep.recipe import Recipe
from energy_sweep.record import StageRecord
from energy_sweep.runtime.onnxruntime import OnnxRuntime
from energy_sweep.store import StageStore
from energy_sweep.trial import run_trial

LOOK_SECONDS = 0.02
Samples = list[tuple[float, float]]


def main() -> None:
    """Run both ways, and print one JSON line each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=4, help="of each worker")
    parser.add_argument("--worker", nargs=3, metavar=("STORE", "NUMBER", "TURNS"))
    typed = parser.parse_args()
    if typed.worker is not None:
        _work(Path(typed.worker[0]), int(typed.worker[1]), typed.trials, typed.worker[2] == "True")
        return
    for turns in (True, False):
        with tempfile.TemporaryDirectory() as folder:
            print(json.dumps(_both(Path(folder), typed.trials, turns)), flush=True)


def _both(folder: Path, trials: int, turns: bool) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.two_workers", "--trials", str(trials), "--worker"]
    begun = time.monotonic()
    workers = [
        subprocess.Popen([*command, str(folder), str(number), str(turns)]) for number in range(2)
    ]
    if any(worker.wait() for worker in workers):
        raise SystemExit("a worker failed")
    samples: list[Samples] = [
        [(when, cpu) for when, cpu in json.loads((folder / f"worker-{number}.json").read_text())]
        for number in range(2)
    ]
    [name] = {path.name for path in folder.glob("*/*/record-*.json")}
    store = StageStore(folder, meter_id=name.removeprefix("record-").removesuffix(".json"))
    windows = [w for record in store.records().values() for w in _windows(record)]
    others = [min(_cores(one, *window[:2]) for one in samples) for window in windows]
    limit = CONTENDED_SHARE * (os.cpu_count() or 1)
    return {
        "turns": turns,
        "windows": len(windows),
        "contended": sum(window[2] for window in windows),
        "by_the_other": sum(cores > limit for cores in others),
        "cores_of_the_other": sum(others) / len(others),
        "wall_seconds": time.monotonic() - begun,
    }


def _windows(record: StageRecord) -> Iterator[tuple[float, float, bool]]:
    """Begin, end and whether others disturbed it, of each run of marks without a gap."""
    found: list[tuple[float, float, bool]] = []
    for reading in (mark.reading for mark in record.marks):
        start, contended = reading.started or 0.0, bool(reading.contended)
        if found and abs(start - found[-1][1]) < 1e-3:
            start, contended = found[-1][0], contended or found[-1][2]
            found.pop()
        found.append((start, (reading.started or 0.0) + reading.seconds, contended))
    return (one for one in found if one[1] - one[0] > 5 * LOOK_SECONDS)


def _cores(samples: Samples, start: float, end: float) -> float:
    """How many processors a worker used between two moments."""
    return (_at(samples, end) - _at(samples, start)) / (end - start)


def _at(samples: Samples, moment: float) -> float:
    place = bisect(samples, (moment, 0.0))
    if place in (0, len(samples)):
        return samples[min(place, len(samples) - 1)][1]
    (a, low), (b, high) = samples[place - 1], samples[place]
    return low + (high - low) * (moment - a) / (b - a)


def _work(folder: Path, number: int, trials: int, turns: bool) -> None:
    tree, samples, over = ProcessTree(), Samples(), threading.Event()

    def look() -> None:
        while not over.wait(LOOK_SECONDS):
            samples.append((time.time(), tree.cpu_seconds()))

    (folder / f"ready-{number}").touch()
    while not (folder / f"ready-{1 - number}").exists():  # imports are nobody's trial
        time.sleep(0.01)
    thread = threading.Thread(target=look)
    thread.start()
    meter: Any = open_meter("estimate", threads=1)
    if not turns:
        meter.turn = None
    facts = meter.facts()
    store = StageStore(folder, meter_id=meter_id(facts), coefficients=facts.coefficients)
    dials = itertools.product((2, 4), (0.0, 0.5), (0.1 * (number + 1),))
    for epochs, level, lr in itertools.islice(itertools.cycle(dials), trials):
        recipe = replace(_recipe(), epochs=epochs, level=level, lr=lr)
        run_trial(recipe, meter=meter, store=store)
    over.set()
    thread.join()
    (folder / f"worker-{number}.json").write_text(json.dumps(samples))


def _recipe() -> Recipe:
    return Recipe(
        dataset=Digits(),
        model=SmallCNN(),
        optimizer=SGD(),
        compression=Prune(recover_epochs=1),
        runtime=OnnxRuntime(),
        device=Device(name="cpu", plan="channels_last", remember=False),
        batch=64,
        lr=0.1,
        epochs=2,
    )


if __name__ == "__main__":
    main()
