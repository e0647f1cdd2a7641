"""Studies for the tests of the page: small, of formulas, with all that a page can show."""

from __future__ import annotations

import dataclasses
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import toy_study
from chromium import Tab, tab
from playwright.sync_api import Browser

from energy_sweep.record import (
    DomainEnergy,
    EnergyReading,
    Mark,
    Objective,
    Quality,
    StageRecord,
    StageUse,
    StudyRecord,
    to_json,
)
from energy_sweep.record.connections import FACT as CONNECTIONS
from energy_sweep.record.connections import Connections, FirstLayer
from energy_sweep.record.latencies import FACT, Latency, latency_key
from energy_sweep.report.html_page import write_report

BYTES = {0.0: 80_000, 0.5: 20_000}


@contextmanager
def opened_page(browser: Browser, study: StudyRecord, folder: Path) -> Generator[Tab]:
    """The page of a study in a tab of its own, which is not to complain of anything."""
    write_report(study, Objective(), folder / "report.html")
    with tab(browser) as found:
        found.page.goto((folder / "report.html").as_uri())
        found.page.wait_for_selector("#front path.point")
        yield found
        assert found.complaints == []


def small(**constraints: float) -> StudyRecord:
    """Two batches, three rates of which one diverges, two lengths, two levels; counted joules of
    two domains, idle watts, sizes and latencies."""
    made = toy_study.grid(rates=(0.001, 0.01, 10.0))
    meter = dataclasses.replace(
        made.meter,
        sources=("counter", "model"),
        domains=("gpu", "cpu"),
        idle_watts={"gpu": 2.0, "cpu": 1.0},
        scale_bands={"counter": (0.95, 1.05), "model": (0.5, 2.0)},
    )
    stages = {key: _in_two_domains(one) for key, one in made.stages.items()}
    stages["evaluate"] = _masked()
    stages |= {latency_key(key): _timed(key, level) for level, key in _names().items()}
    stages |= {key: _alone(stages[f"infer-{level}"], level) for level, key in _names().items()}
    trials = tuple(dataclasses.replace(one, result=_with_facts(one)) for one in made.trials)
    return dataclasses.replace(
        made, meter=meter, stages=stages, trials=trials, constraints=constraints
    )


def large() -> StudyRecord:
    """5,000 configurations."""
    return toy_study.grid(
        batches=(16, 32, 64, 128),
        rates=tuple(round(0.0005 * (step + 1), 5) for step in range(25)),
        epochs=tuple(range(5, 55, 5)),
        levels=(0.0, 0.2, 0.4, 0.6, 0.8),
    )


def _names() -> dict[float, str]:
    return {level: f"alone-{level}" for level in BYTES}


def _alone(record: StageRecord, level: float) -> StageRecord:
    """An image alone costs as much as two of many."""
    marks = tuple(dataclasses.replace(mark, units=mark.units / 2) for mark in record.marks)
    key = f"alone-{level}"
    return dataclasses.replace(record, key=key, cost_key=key, marks=marks)


def _timed(graph: str, level: float) -> StageRecord:
    """So many runs of an image alone, the slowest of which took twice as long."""
    half = 1e-3 * (1 - level)
    found = Latency(p50_seconds=half, p95_seconds=2 * half, runs=200)
    key = latency_key(graph)
    return StageRecord(stage="calibrate", key=key, cost_key=key, facts={FACT: to_json(found)})


def _with_facts(trial: Any) -> Any:
    level = trial.params["compression.level"]
    uses = trial.result.stages
    if level:
        uses += (StageUse(stage="evaluate", key="evaluate", cost_key="evaluate", units=1),)
    facts = {
        "bytes": BYTES[level],
        "macs": 10 * BYTES[level],
        "inference": {"1": f"alone-{level}", "64": f"infer-{level}"},
    }
    return dataclasses.replace(trial.result, facts=facts, stages=uses)


def _masked() -> StageRecord:
    """A net of two layers that kept half of the first, a quarter of the second."""
    first = FirstLayer(kind="kernels", shape=(2, 2, 2), left=(0, 1, 1, 0, 1, 1, 0, 0), most=1)
    left, dense = {"conv": 4, "head": 5}, {"conv": 8, "head": 20}
    facts = {CONNECTIONS: to_json(Connections(left=left, dense=dense, first=first))}
    measured = toy_study.stage("evaluate", "evaluate", "evaluate", (1.0, 0.1, 0.01))
    return _in_two_domains(dataclasses.replace(measured, facts=facts))


def _in_two_domains(record: StageRecord) -> StageRecord:
    return dataclasses.replace(record, marks=tuple(map(_split, record.marks)))


def _split(mark: Mark) -> Mark:
    """Three quarters of the joules on the board, which is counted."""
    whole = mark.reading.domains[0]

    def part(domain: str, source: str, quality: Quality, share: float) -> DomainEnergy:
        return DomainEnergy(
            domain=domain,
            joules=share * whole.joules,
            uncertainty_joules=share * whole.uncertainty_joules,
            source=source,
            quality=quality,
        )

    domains = (
        part("gpu", "counter", Quality.COUNTER, 0.75),
        part("cpu", "model", Quality.ESTIMATED, 0.25),
    )
    return dataclasses.replace(
        mark, reading=EnergyReading(domains=domains, seconds=1.0, contended=None)
    )


def by_epoch(study: StudyRecord, *, losses: bool = True) -> StudyRecord:
    """The same study with a mark for each epoch, and a loss."""

    def parted(record: StageRecord) -> StageRecord:
        if record.stage not in ("trunk", "cooldown", "recover"):
            return record
        [mark] = record.marks
        count, reading = int(mark.units), mark.reading
        domains = tuple(
            dataclasses.replace(part, joules=part.joules / count) for part in reading.domains
        )
        each = Mark(units=1.0, reading=dataclasses.replace(reading, domains=domains))
        facts = {"losses": {str(epoch): 1 / epoch for epoch in range(1, count + 1)}}
        return dataclasses.replace(record, marks=(each,) * count, facts=facts if losses else {})

    return dataclasses.replace(study, stages={k: parted(one) for k, one in study.stages.items()})
