"""A process that does stages of a store which others use too: toys, of a meter that reads 1 J."""

from __future__ import annotations

import json
import logging
import sys
import time
from pathlib import Path

from energy_sweep.record import (
    DomainEnergy,
    EnergyReading,
    Mark,
    Quality,
    StageRecord,
    StageUse,
    digest,
)
from energy_sweep.record.files import write_whole
from energy_sweep.record.mark_log import MarkLog
from energy_sweep.store import StageStore, stage_lock


def mark(joules: float = 1.0) -> Mark:
    """One unit of work."""
    part = DomainEnergy(
        domain="cpu", joules=joules, uncertainty_joules=0.1, source="t", quality=Quality.ESTIMATED
    )
    return Mark(units=1, reading=EnergyReading(domains=(part,), seconds=1.0))


def use(number: int) -> StageUse:
    """One of the stages that all processes do."""
    return StageUse(stage="trunk", key=digest(number), cost_key="c", units=1)


def once(store: StageStore, number: int, size: int = 100) -> None:
    """Do a stage that leaves a file of so many bytes, and tell in its folder that it was done."""

    def work(folder: Path) -> StageRecord:
        with (folder / "done.log").open("a") as log:
            log.write("x")
        time.sleep(0.005)
        write_whole(folder / "weights", b"x" * size)
        return StageRecord(stage="trunk", key=use(number).key, cost_key="c", marks=(mark(),))

    store.once(use(number), work)


def add(store: StageStore, times: int) -> None:
    """Add a mark to one record, over and over."""
    for _ in range(times):
        with store.alone(use(0).key, "trunk") as known:
            marks = known.marks if known else ()
            made = StageRecord(stage="trunk", key=use(0).key, cost_key="c", marks=(*marks, mark()))
            store.put(made)


def epochs(store: StageStore, count: int, seconds: float) -> None:
    """Train: each epoch has its mark in the journal of the stage, and its weights nowhere."""
    with store.alone(use(0).key, "trunk") as known:
        assert known is None
        log = MarkLog(store.folder(use(0).key))
        lost = log.after(0)
        for epoch in range(count):
            time.sleep(seconds)
            log.append(epoch + 1, mark())
            print(epoch + 1, flush=True)
        marks = tuple(mark() for _ in range(count))
        store.put(
            StageRecord(stage="trunk", key=use(0).key, cost_key="c", marks=marks, lost=tuple(lost))
        )
        log.clear()


if __name__ == "__main__":
    logging.basicConfig(format="%(message)s", stream=sys.stderr)
    stage_lock.PATIENCE_SECONDS = 0.1
    kept = StageStore(sys.argv[1], meter_id="m")
    kept.claim.hold()
    what, *numbers = json.loads(sys.argv[2])
    try:
        if what == "once":
            for each in range(int(numbers[0])):
                once(kept, each, *map(int, numbers[1:]))
        elif what == "add":
            add(kept, int(numbers[0]))
        elif what == "hold":
            print("held", flush=True)
            sys.stdin.readline()
        else:
            epochs(kept, int(numbers[0]), float(numbers[1]))
    except OSError as error:
        sys.exit(f"{error.filename}: {error.strerror}")
