"""A trainer made of formulas, with a stage store in one file; as a program, a worker to kill."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from energy_sweep.record import (
    DomainEnergy,
    EnergyReading,
    Mark,
    MeterFacts,
    Objective,
    Quality,
    StageRecord,
    StageUse,
    TrialResult,
    from_json,
    to_json,
)
from energy_sweep.search import Budget, Job, Outcome, search_study
from energy_sweep.study import Study, open_study
from energy_sweep.study.address import Address
from energy_sweep.study.space import Axis, Space

METER = MeterFacts(
    sources=("replay",), domains=("replay",), quality=Quality.ESTIMATED, repeatability=0.0
)
MACHINE = {"device_class": "formula"}
IDENTITY = {"dataset": "formula", "split": "s", "runtime": "r"}
DEFAULTS = {"batch": 32, "lr": 0.1, "epochs": 10, "level": 0, "seed": 0, "optimizer": "sgd"}
GRID = {"batch": (32, 64), "lr": (0.01, 0.1), "epochs": (10, 20), "level": (0, 0.5)}


def space_of(axes: dict[str, tuple[Any, ...]]) -> Space:
    return Space(tuple(Axis(name=name, values=values) for name, values in axes.items()))


def reading(joules: float, seconds: float = 1.0) -> EnergyReading:
    part = DomainEnergy(
        domain="replay",
        joules=joules,
        uncertainty_joules=0.0,
        source="replay",
        quality=Quality.ESTIMATED,
    )
    return EnergyReading(domains=(part,), seconds=seconds)


class World:
    """Describes and runs points; `before_result` is called in the middle of each trial."""

    def __init__(
        self, folder: Path, *, before_result: Callable[[int], None] = lambda number: None
    ) -> None:
        self.file = folder / "stages.json"
        self.before_result = before_result
        self.ran: list[int] = []
        self.trained = 0.0
        self.stages: dict[str, StageRecord] = {}
        if self.file.exists():
            plain = json.loads(self.file.read_text())
            self.stages = {key: from_json(StageRecord, one) for key, one in plain.items()}

    def records(self) -> dict[str, StageRecord]:
        return self.stages

    def describe(self, params: dict[str, Any]) -> Job:
        dials = DEFAULTS | params
        seed = dials.pop("seed")
        dials = {**dials, "lr": float(dials["lr"]), "level": float(dials["level"])}
        trunk = f"trunk {dials['optimizer']} {dials['batch']} {dials['lr']} {seed}"
        cost, infer = f"epoch {dials['batch']}", f"infer {dials['level']}"
        length = dials["epochs"] - round(0.2 * dials["epochs"])
        uses = [
            ("trunk", trunk, cost, length),
            ("cooldown", f"{trunk} @{length}", cost, dials["epochs"] - length),
        ]
        if dials["level"]:
            recover = f"{trunk} @{length} {dials['level']}"
            uses.append(("recover", recover, f"{cost} {dials['level']}", 3))
        uses.append(("infer", infer, infer, 1))
        names = ("stage", "key", "cost_key", "units")
        return Job(
            params=params,
            config=dials,
            seed=seed,
            overrides=tuple(f"{name}={value}" for name, value in params.items()),
            stages=tuple(StageUse(**dict(zip(names, use, strict=True))) for use in uses),
        )

    def run(self, number: int, job: Job) -> TrialResult:
        self.ran.append(number)
        for use in job.stages:
            self._once(use, job.config["batch"])
        self.before_result(number)
        dials = job.config
        if dials["lr"] > 100:
            return self._result(job, infeasible="the loss diverged")
        gain = 10 * dials["epochs"] + 2000 * dials["lr"] - dials["batch"]
        return self._result(job, correct=int(5000 + gain - 300 * dials["level"] + job.seed))

    def _result(self, job: Job, **found: Any) -> TrialResult:
        return TrialResult(
            config=job.config, seed=job.seed, stages=job.stages, n_validation=10_000, **found
        )

    def _once(self, use: StageUse, batch: int) -> None:
        known = self.stages.get(use.key)
        done = known.units if known else 0.0
        if done >= use.units:
            return
        if use.stage != "infer":
            self.trained += use.units - done
        joules = 1e-4 if use.stage == "infer" else 320 / batch
        mark = Mark(units=1, reading=reading(joules))
        self.keep(
            StageRecord(
                stage=use.stage, key=use.key, cost_key=use.cost_key, marks=(mark,) * int(use.units)
            )
        )

    def keep(self, record: StageRecord) -> None:
        self.stages[record.key] = record
        spare = self.file.with_suffix(".new")
        spare.write_text(json.dumps(to_json(self.stages)))
        os.replace(spare, self.file)


def open_formula(folder: Path, space: Space, **changes: Any) -> Study:
    facts = {"meter": METER, "machine": MACHINE, "identity": IDENTITY} | changes
    return open_study(folder, "formula", space=space, **facts)


def sweep(
    folder: Path,
    space: Space,
    *,
    world: World | None = None,
    budget: Budget | None = None,
    storage: Address | None = None,
    **more: Any,
) -> Outcome:
    world = world or World(folder)
    with open_formula(folder, space, storage=storage) as study:
        return search_study(
            study,
            world.records,
            space,
            describe=world.describe,
            run=world.run,
            budget=budget or Budget(),
            objective=Objective(),
            **more,
        )


def _kill_in_trial(wanted: int) -> Callable[[int], None]:
    def before_result(number: int) -> None:
        if number == wanted:
            os.kill(os.getpid(), signal.SIGKILL)

    return before_result


def _kill_before_telling(wanted: int) -> None:
    from optuna.storages import RDBStorage

    tell = RDBStorage.set_trial_state_values

    def dying(self: RDBStorage, trial_id: int, *told: Any, **more: Any) -> bool:
        if self.get_trial_number_from_id(trial_id) == wanted:
            os.kill(os.getpid(), signal.SIGKILL)
        return tell(self, trial_id, *told, **more)

    RDBStorage.set_trial_state_values = dying  # type: ignore[method-assign]


if __name__ == "__main__":
    _folder, _moment, _number, _settings = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), {}
    if _moment == "telling":
        _kill_before_telling(_number)
        _number = -1
    if len(sys.argv) > 4:
        _settings = {"sampler": sys.argv[4], "budget": Budget(trials=9)}
    _world = World(_folder, before_result=_kill_in_trial(_number))
    sweep(_folder, space_of(GRID), world=_world, **_settings)
