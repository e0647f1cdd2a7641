"""A trace as a study: its cells are trials, its joules those of their stage of training."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from energy_sweep.meter import meter_id
from energy_sweep.meter.nvml.source import REPEATABILITY, SCALE_BAND
from energy_sweep.record import (
    BadInput,
    DomainEnergy,
    EnergyReading,
    JsonDict,
    Mark,
    MeterFacts,
    Quality,
    StageRecord,
    StageUse,
    StudyRecord,
    TrialResult,
    digest,
)
from energy_sweep.store import StageStore
from energy_sweep.study import open_study
from energy_sweep.study.paths import STAGES
from energy_sweep.study.space import Axis, Space
from energy_sweep.traces.zeus import Cell, ZeusTrace

STAGE = "trunk"
IMAGES = 10_000  # of CIFAR-100 that do not train
DOMAIN = "gpu:0"
POWER_LIMIT = "device.power_limit_watts"


def replay(trace: ZeusTrace, cells: Iterable[Cell], folder: Path, name: str) -> StudyRecord:
    """Write the cells that the study in `folder` lacks as its trials; give all that is known.

    Axes are `batch`, the power limit, `epochs` and `seed`, the number of the run. The constant rate
    of these runs makes a longer one hold the shorter, so that those of a batch, limit and run are
    one stage. A reading was made once: what two runs differ by is taken for its uncertainty.
    """
    wanted = sorted(set(cells))
    if not wanted:
        raise BadInput(f"the trace of {trace.gpu} has none of these cells: type others")
    meter = _meter(trace)
    store = StageStore(folder / STAGES, meter_id=meter_id(meter))
    longest = defaultdict[tuple[int, int, int], int](int)
    for cell in wanted:
        longest[cell[:3]] = max(longest[cell[:3]], cell.epochs)
    machine = {"device_class": f"{trace.gpu} of the Zeus trace"}
    identity = {"dataset": "cifar100", "model": "shufflenetv2", "trace": f"zeus_{trace.gpu}"}
    with (
        store.claim,
        open_study(
            folder, name, space=_space(wanted), meter=meter, machine=machine, identity=identity
        ) as study,
    ):
        for (batch, limit, run), epochs in longest.items():
            _keep(store, _record(trace, Cell(batch, limit, run, epochs)))
        known = {(one.config_key, one.seed) for trial in study.trials if (one := trial.result)}
        for cell in wanted:
            result = _result(trace, cell)
            if (result.config_key, result.seed) in known:
                continue
            number = study.claim(
                params={**result.config, "seed": cell.run},
                overrides=(),
                config=result.config,
                seed=cell.run,
            )
            study.finish(number, result, cell.epochs * trace.epoch_joules(cell.batch, cell.limit))
        return study.record(store.records())


def _keep(store: StageStore, record: StageRecord) -> None:
    known = store.get(record.key)
    if known is None or known.units < record.units:
        store.put(record)


def _space(cells: Iterable[Cell]) -> Space:
    batches, limits, runs, epochs = (tuple(sorted(set(part))) for part in zip(*cells, strict=True))
    values = {"batch": batches, POWER_LIMIT: limits, "epochs": epochs, "seed": runs}
    return Space(tuple(Axis(name=name, values=found) for name, found in values.items()))


def _use(trace: ZeusTrace, cell: Cell) -> StageUse:
    cost = digest([trace.gpu, cell.batch, cell.limit])
    key = digest([cost, cell.run])
    return StageUse(stage=STAGE, key=key, cost_key=cost, units=float(cell.epochs))


def _result(trace: ZeusTrace, cell: Cell) -> TrialResult:
    config: JsonDict = {"batch": cell.batch, POWER_LIMIT: cell.limit, "epochs": cell.epochs}
    return TrialResult(
        config=config,
        seed=cell.run,
        stages=(_use(trace, cell),),
        n_validation=IMAGES,
        correct=round(IMAGES * trace.accuracy(cell.batch, cell.run, cell.epochs)),
    )


def _record(trace: ZeusTrace, cell: Cell) -> StageRecord:
    use = _use(trace, cell)
    joules = cell.epochs * trace.epoch_joules(cell.batch, cell.limit)
    domain = DomainEnergy(
        domain=DOMAIN,
        joules=joules,
        uncertainty_joules=REPEATABILITY * joules,
        source=_source(trace),
        quality=Quality.INTEGRATED,
    )
    reading = EnergyReading(
        domains=(domain,),
        seconds=cell.epochs * trace.seconds[cell.batch, cell.limit],
        contended=False,
    )
    return StageRecord(
        stage=use.stage,
        key=use.key,
        cost_key=use.cost_key,
        marks=(Mark(units=use.units, reading=reading),),
        settings={"batch": cell.batch, POWER_LIMIT: cell.limit, "seed": cell.run},
    )


def _meter(trace: ZeusTrace) -> MeterFacts:
    return MeterFacts(
        sources=(_source(trace),),
        domains=(DOMAIN,),
        quality=Quality.INTEGRATED,
        scale_band=SCALE_BAND,
        repeatability=REPEATABILITY,
        details={"trace": "ml-energy/zeus at 75a8b939, examples/.../zeus_nsdi23/trace"},
    )


def _source(trace: ZeusTrace) -> str:
    return f"nvml power of the {trace.gpu} in the Zeus trace"
