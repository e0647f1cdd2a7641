"""Workers on one study in PostgreSQL: killed at random (`--kill`), and what a trial costs there.

    python -m benchmarks.workers --kill --runs 10
    python -m benchmarks.workers --overhead

`--overhead`: milliseconds of a trial that does nothing, by one worker, with the database on a
server of this machine and in a file.

Each run of `--kill`: eight workers, trials of a formula that sleep for a random time, `kill -9` of
a random worker every few seconds (another takes its place), and one restart of the server. At the
end every configuration must be measured, none twice, none lost, the bill the sum of the stages.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from benchmarks.workers_formula import METER, formula
from benchmarks.workers_outcome import outcome
from energy_sweep.record import Objective
from energy_sweep.search import Budget, search_study
from energy_sweep.study import open_study, shared_workers
from energy_sweep.study.address import parse_address
from energy_sweep.study.space import Axis, Space

NAME, LEASE_SECONDS = "killed", 2.0
OBJECTIVE = Objective("training")
ENDS_SECONDS = 400.0  # by when a run has to be over


@dataclass(frozen=True)
class Plan:
    """How a run goes: how long trials sleep, and after how many seconds one is killed."""

    workers: int = 8
    trials: int = 200
    sleep_seconds: tuple[float, float] = (0.2, 2.0)
    kill_seconds: tuple[float, float] = (1.0, 4.0)


def work(folder: Path, storage: str | None, plan: Plan, name: str = NAME) -> None:
    """Be one worker until nothing is left to do."""
    shared_workers.LEASE_SECONDS = LEASE_SECONDS
    random.seed()  # forked, all would sleep alike
    axis = Axis(name="x", values=tuple(range(plan.trials)))
    world, space = formula(folder, plan.sleep_seconds), Space((axis,))
    with open_study(
        folder,
        name,
        space=space,
        meter=METER,
        machine={"device_class": "formula"},
        identity={"function": "formula"},
        storage=None if storage is None else parse_address(storage),
    ) as study:
        search_study(
            study,
            world.records,
            space,
            describe=world.describe,
            run=world.run,
            budget=Budget(),
            objective=OBJECTIVE,
        )


@dataclass
class Crew:
    """Worker processes, forked off this one, each replaced by another when it is killed."""

    work: Callable[[], None]
    log: Path
    running: list[BaseProcess] = field(default_factory=list)
    killed: int = 0

    def start(self) -> None:
        """Start a worker; it is there at once, since all that it imports is loaded here."""
        worker = multiprocessing.get_context("fork").Process(target=self._run)
        worker.start()
        self.running.append(worker)

    def _run(self) -> None:
        with open(self.log, "ab") as said:
            os.dup2(said.fileno(), 1)
            os.dup2(said.fileno(), 2)
        self.work()

    def kill_one(self) -> None:
        """Kill a worker at random, and start another."""
        alive = [one for one in self.running if one.is_alive()]
        if alive:
            victim = random.choice(alive)
            victim.kill()
            victim.join()
            self.running.remove(victim)
            self.killed += 1
            self.start()

    def is_over(self) -> bool:
        return not any(one.is_alive() for one in self.running)

    def end(self) -> None:
        for one in self.running:
            one.kill()
            one.join()


def kill_run(folder: Path, storage: str, restart: Callable[[], None], plan: Plan) -> dict[str, Any]:
    """One run; gives what came out, and what is wrong with it."""
    crew = Crew(partial(work, folder, storage, plan), folder.with_suffix(".log"))
    warm = Plan(trials=1, sleep_seconds=(0.0, 0.0))
    work(folder.with_name("warm"), storage, warm, "warm")  # what is loaded late is loaded here
    begun, is_restarted = time.monotonic(), False
    try:
        for _ in range(plan.workers):
            crew.start()
        next_kill = time.monotonic() + random.uniform(*plan.kill_seconds)
        while not crew.is_over() and time.monotonic() - begun < ENDS_SECONDS:
            time.sleep(0.1)
            if not is_restarted and told(folder) > plan.trials / 2:
                restart()
                is_restarted = True
            if time.monotonic() > next_kill:
                crew.kill_one()
                next_kill = time.monotonic() + random.uniform(*plan.kill_seconds)
        codes = Counter(one.exitcode for one in crew.running)
    finally:
        crew.end()
    if set(codes) != {0}:
        return {"wrong": [f"workers ended by {dict(codes)}: {crew.log.read_text()[-2000:]}"]}
    found = outcome(folder, NAME, storage, plan.trials)
    seconds = time.monotonic() - begun
    return {"killed": crew.killed, "restarts": int(is_restarted), "seconds": seconds, **found}


def told(folder: Path) -> int:
    """How many trials have ended."""
    path = folder / "study.jsonl"
    return path.read_bytes().count(b'\n{"told"') if path.is_file() else 0


def main() -> None:
    """Run what is typed."""
    parser = argparse.ArgumentParser(description="Workers on one study")
    parser.add_argument("--kill", action="store_true")
    parser.add_argument("--overhead", action="store_true")
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--workers", type=int, default=Plan.workers)
    parser.add_argument("--trials", type=int, default=Plan.trials)
    typed = parser.parse_args()
    if typed.overhead:
        print(json.dumps({"benchmark": "workers", "overhead_ms": _overhead(typed.trials)}))
        return
    if not typed.kill:
        parser.error("type --kill or --overhead")
    plan = Plan(workers=typed.workers, trials=typed.trials)
    runs = [_run(number, plan) for number in range(typed.runs)]
    good = sum(not run["wrong"] for run in runs)
    print(json.dumps({"benchmark": "workers", "runs": len(runs), "good": good, "each": runs}))
    sys.exit(good < len(runs))


@contextmanager
def own_server() -> Generator[tuple[Path, str, Callable[[], None]]]:
    """A folder, the address of a server in it, and what restarts that."""
    from scripts import postgres

    place = Path(tempfile.mkdtemp(prefix="energy-sweep-workers-"))
    place.chmod(0o755)
    server = place / "server"
    try:
        storage = postgres.start(server)
        os.environ["PGPASSWORD"] = postgres.password(server)

        def restart() -> None:
            postgres.stop(server)
            postgres.start(server)

        yield place, storage, restart
    finally:
        postgres.stop(server, "kill")
        shutil.rmtree(place)


def _run(number: int, plan: Plan) -> dict[str, Any]:
    """One run on a server of its own."""
    with own_server() as (place, storage, restart):
        found = kill_run(place / NAME, storage, restart, plan)
        print(f"run {number}: {found}", file=sys.stderr, flush=True)
        if found["wrong"]:
            kept = place.with_name(f"{place.name}-kept")
            shutil.copytree(place, kept, ignore=shutil.ignore_patterns("server"))
            print(f"kept in {kept}", file=sys.stderr, flush=True)
        return found


def _overhead(trials: int) -> dict[str, float]:
    """Milliseconds a trial, of trials that do nothing, without the start of the command."""
    found = dict[str, float]()
    with own_server() as (place, storage, _):
        for kind, kept in (("server", storage), ("file", None)):
            seconds = []
            for number, many in enumerate((1, 10, 10 + trials)):
                begun = time.perf_counter()
                name = f"{kind}-{number}"
                work(place / name, kept, Plan(trials=many, sleep_seconds=(0.0, 0.0)), name)
                seconds.append(time.perf_counter() - begun)
            found[kind] = 1000 * (seconds[2] - seconds[1]) / trials
    return found


if __name__ == "__main__":
    main()
