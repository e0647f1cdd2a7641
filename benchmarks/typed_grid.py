"""A grid as it is typed: its planner as a sweep has it, and each point composed by Hydra alone."""

from __future__ import annotations

import tempfile
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
from energy_sweep.app.config.conf_folder import conf_folder
from energy_sweep.app.sweep.plan_demand import PlanDemand
from energy_sweep.app.sweep.planner import Planner
from energy_sweep.app.sweep.session import Sessions
from energy_sweep.record import JsonDict

# 10,000 configurations.
GRID = (
    *("batch=16,32,48,64,128", f"lr={','.join(f'{0.001 * (n + 1):g}' for n in range(50))}"),
    *("epochs=5,10,20,30", "compression.level=0,0.1,0.2,0.3,0.4,0.5,0.6,0.7,0.8,0.9"),
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
