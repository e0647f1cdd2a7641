"""A grid as it is typed: its planner as a sweep has it, and points composed by Hydra alone."""

from __future__ import annotations

import itertools
import tempfile
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Any

from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode

from energy_sweep.app.config import schema
from energy_sweep.app.config.axes import read_axes
from energy_sweep.app.config.build import Builder, resolved
from energy_sweep.app.config.composer import Composer
from energy_sweep.app.config.compression_lists import expand
from energy_sweep.app.config.conf_folder import conf_folder
from energy_sweep.app.sweep.plan_demand import PlanDemand
from energy_sweep.app.sweep.planner import Planner
from energy_sweep.app.sweep.session import Sessions
from energy_sweep.recipe import replace
from energy_sweep.recipe.plan import DEFAULT_PLAN
from energy_sweep.recipe.stages import chain
from energy_sweep.record import JsonDict
from energy_sweep.search import Job
from energy_sweep.trial import data_facts

# 10,000 configurations.
GRID = (
    "device.plan=contiguous",
    "batch=16,32,48,64,128",
    f"lr={','.join(f'{0.001 * (place + 1):g}' for place in range(50))}",
    "epochs=5,10,20,30",
    "compression.level=0,0.1,0.2,0.3,0.4,0.5,0.6,0.7,0.8,0.9",
)


@contextmanager
def typed_grid(*words: str) -> Generator[Planner]:
    """The planner of a grid, whose meter is a replay and whose store is empty."""
    schema.register()
    with (
        tempfile.TemporaryDirectory() as folder,
        initialize_config_dir(str(conf_folder()), version_base="1.3"),
    ):
        fixed = ["meter=replay", f"outputs={folder}"]
        loader = GlobalHydra.instance().config_loader()
        master = loader.load_configuration("config", ["hydra.mode=MULTIRUN"], RunMode.MULTIRUN)
        composer = Composer(loader, master, read_axes(loader, [*fixed, *words], {}, {}))
        sessions, place = Sessions(), composed_alone(composer, fixed)
        try:
            yield Planner(
                composer,
                Builder(),
                lambda recipe: sessions.get(place, recipe.device),
                PlanDemand(composer.axes.space, place["search"]),
            )
        finally:
            sessions.close()


def composed_alone(composer: Composer, overrides: Sequence[str]) -> JsonDict:
    """What Hydra composes of the words of one trial."""
    whole: Any = composer.loader.load_sweep_config(composer.master, list(overrides))
    HydraConfig.instance().set_config(whole)
    try:
        return resolved(whole)
    finally:
        HydraConfig.instance().cfg = None


def job_alone(planner: Planner, job: Job) -> Job:
    """The same job, from Hydra's composition of its words and with nothing shared."""
    values = composed_alone(planner.composer, expand(job.overrides))
    recipe = replace(Builder().recipe(values), plan=DEFAULT_PLAN)
    data = data_facts(recipe.dataset)
    stages = chain(
        recipe, machine=recipe.device.machine(), fingerprint=data.fingerprint, sizes=data.sizes
    )
    return Job(
        params=job.params,
        config=recipe.config(),
        seed=recipe.seed,
        overrides=job.overrides,
        stages=stages,
    )


def time_planning(planner: Planner, *, sampled: int = 40) -> tuple[list[Job], dict[str, Any]]:
    """All jobs of a grid, and the seconds that they take: derived, and composed one by one.

    The latter is the mean of some that lie evenly in the grid, times all.
    """
    points = list(planner.axes.space.grid())
    planner.describe(points[-1])
    begun = time.perf_counter()
    jobs = [planner.describe(point) for point in itertools.islice(points, len(points) // 10)]
    tenth = time.perf_counter() - begun
    jobs += [planner.describe(point) for point in points[len(jobs) :]]
    for job in jobs:
        job.identity  # noqa: B018 (a digest, which is made on first use)
    seconds = time.perf_counter() - begun
    some = jobs[:: len(jobs) // sampled]
    begun = time.perf_counter()
    alone = [job_alone(planner, job) for job in some]
    each = (time.perf_counter() - begun) / len(some)
    if any(
        (a.identity, a.stages) != (b.identity, b.stages) for a, b in zip(alone, some, strict=True)
    ):
        raise AssertionError("a job that is derived is not the one that Hydra composes")
    return jobs, {
        "points": len(points),
        "seconds": round(seconds, 2),
        "tenth_seconds": round(tenth, 3),
        "composed_seconds": round(each * len(points), 1),
        "composed_points": len(some),
    }
