"""Runs of policies in worlds, on several processes."""

from __future__ import annotations

import multiprocessing
import os
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from benchmarks.search.contestants import ALL
from benchmarks.search.runs import Course, Run, course
from benchmarks.search.scores import Row, most, row
from benchmarks.search.worlds import WORLDS, World
from benchmarks.search.zeus import zeus

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
ZEUS = {"zeus_v100": zeus("v100"), "zeus_a40": zeus("a40")}

Task = tuple[str, str, int]  # world, policy, seed
Rows = dict[str, dict[str, Row]]  # by world and policy
Told = dict[str, list[dict[str, Any]]]  # by world, what runs of policies say of themselves


@cache
def world_of(name: str, seed: int) -> World:
    return {**WORLDS, **ZEUS}[name](seed)


def run_task(task: Task) -> tuple[Task, Course, dict[str, Any]]:
    """One run of a policy: its course, and what it says of itself."""
    world_name, policy_name, seed = task
    world, policy = world_of(world_name, seed), ALL[policy_name]
    run = Run(world, seed, shared=policy.shared, pays_repeats=policy.pays_repeats)
    found = course(run, policy.ask, most(world), on=policy.tells is not None)
    return task, found, policy.tells(run) if policy.tells else {}


def contest(
    worlds: Sequence[str], policies: Iterable[str], seeds: int, processes: int = 2
) -> tuple[Rows, Told]:
    """A row for each world and policy."""
    tasks = [(world, name, seed) for name in policies for world in worlds for seed in range(seeds)]
    for name in THREADS:
        os.environ.setdefault(name, "1")  # read by a process that is spawned: one core for each
    courses: dict[tuple[str, str], dict[int, Course]] = defaultdict(dict)
    told: Told = defaultdict(list)
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        for (world, name, seed), found, says in pool.imap_unordered(run_task, tasks, chunksize=1):
            courses[world, name][seed] = found
            if says:
                told[world].append(says)
    rows: Rows = {world: {} for world in worlds}
    for (world, name), by_seed in courses.items():
        of = range(seeds)
        rows[world][name] = row([world_of(world, one) for one in of], [by_seed[one] for one in of])
    return rows, told
