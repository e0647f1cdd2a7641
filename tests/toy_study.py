"""A study made of formulas: batch x lr x epochs x level, trunks shared, every figure checkable."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from energy_sweep.record import (
    DomainEnergy,
    EnergyReading,
    JsonDict,
    Mark,
    MeterFacts,
    Quality,
    StageRecord,
    StageUse,
    StudyRecord,
    TrialRecord,
    TrialResult,
)

IMAGES = 359


def reading(
    joules: float, uncertainty: float = 0.0, contended: bool | None = None
) -> EnergyReading:
    domain = DomainEnergy(
        domain="cpu",
        joules=joules,
        uncertainty_joules=uncertainty,
        source="toy",
        quality=Quality.ESTIMATED,
    )
    return EnergyReading(domains=(domain,), seconds=1.0, contended=contended)


def stage(
    name: str,
    key: str,
    cost_key: str,
    *marks: tuple[float, float, float],
    contended: bool | None = None,
) -> StageRecord:
    """A stage record; each mark is (units, joules, uncertainty)."""
    made = tuple(Mark(units=units, reading=reading(j, u, contended)) for units, j, u in marks)
    return StageRecord(stage=name, key=key, cost_key=cost_key, marks=made)


def trial(
    number: int,
    uses: Sequence[tuple[str, str, str, float]],
    *,
    correct: int | None = 340,
    seed: int = 0,
    **params: object,
) -> TrialRecord:
    """A trial; each use is (stage, key, cost key, units), and no `correct` means infeasible."""
    result = TrialResult(
        config={"dials": params},
        seed=seed,
        stages=tuple(StageUse(stage=s, key=k, cost_key=c, units=u) for s, k, c, u in uses),
        n_validation=IMAGES,
        correct=correct,
        infeasible="the loss diverged" if correct is None else None,
        peak_memory_bytes=100 + number,
    )
    return TrialRecord(
        number=number,
        state="infeasible" if correct is None else "measured",
        params={**params, "seed": seed},
        overrides=tuple(f"{name}={value}" for name, value in {**params, "seed": seed}.items()),
        result=result,
    )


def study(
    trials: Sequence[TrialRecord], stages: Sequence[StageRecord], repeatability: float = 0.0
) -> StudyRecord:
    meter = MeterFacts(
        sources=("estimate",),
        domains=("cpu",),
        quality=Quality.ESTIMATED,
        scale_band=(0.93, 4.0),
        coefficients={"cpu_watts_per_core": 3.0},
        repeatability=repeatability,
    )
    return StudyRecord(
        name="toy",
        trials=tuple(trials),
        stages={record.key: record for record in stages},
        meter=meter,
        machine={"device_class": "Toy CPU, 2 cores", "cores": 2},
    )


def trainings(
    *nets: tuple[int, float], spread: float = 1.0, repeatability: float = 0.0
) -> StudyRecord:
    """Nets by the images (of `IMAGES`) that they have right, and the joules of their training."""
    trials = [
        trial(n, [("trunk", f"t{n}", f"c{n}", 1.0)], correct=right, lr=n)
        for n, (right, _) in enumerate(nets)
    ]
    stages = [
        stage("trunk", f"t{n}", f"c{n}", (1.0, joules, spread))
        for n, (_, joules) in enumerate(nets)
    ]
    return study(trials, stages, repeatability=repeatability)


def grid(
    batches: Sequence[int] = (32, 64),
    rates: Sequence[float] = (0.001, 0.01, 0.1),
    epochs: Sequence[int] = (10, 20),
    levels: Sequence[float] = (0.0, 0.5),
) -> StudyRecord:
    """A whole grid: epochs cost 6.4 / batch J, a level halves the joules per image."""
    trials: list[TrialRecord] = []
    stages: dict[str, StageRecord] = {}

    def use(
        name: str, key: str, cost_key: str, units: float, each: float
    ) -> tuple[str, str, str, float]:
        known = stages.get(key)
        if known is None or known.units < units:
            stages[key] = stage(name, key, cost_key, (units, units * each, 0.03 * units * each))
        return (name, key, cost_key, units)

    for number, (batch, lr, length, level) in enumerate(
        itertools.product(batches, rates, epochs, levels)
    ):
        each, key = 6.4 / batch, f"{batch}-{lr}"
        uses = [use("trunk", f"trunk-{key}", f"epoch-{batch}", 0.8 * length, each)]
        uses += [use("cooldown", f"cool-{key}-{length}", f"epoch-{batch}", 0.2 * length, each)]
        if level:
            work = f"{key}-{length}-{level}"
            uses += [use("compress", f"prune-{work}", f"prune-{level}", 1, 0.01)]
            uses += [use("recover", f"recover-{work}", f"epoch-{batch}-{level}", 3, each * 0.7)]
        uses += [use("infer", f"infer-{level}", f"infer-{level}", 1000, 1e-2 * (1 - level))]
        diverges = lr >= 1
        right = int(IMAGES * min(0.99, 0.9 + 0.03 * (batch < 64) + 0.002 * length - 0.02 * level))
        right -= round(40 * abs(lr - 0.01) / 0.1)
        dials: JsonDict = {"batch": batch, "lr": lr, "epochs": length, "compression.level": level}
        trials.append(trial(number, uses, correct=None if diverges else right, **dials))
    return study(trials, list(stages.values()), repeatability=0.03)
