"""How Hydra finds the sweeper; imported by every Hydra program, so it loads no torch, no Optuna."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hydra.core.config_store import ConfigStore
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

# The sweeper is set by search.*; these are the names that hydra-optuna-sweeper has for it.
ALIASES = {
    "n_trials": None,
    "n_jobs": 1,
    "params": None,
    "direction": None,
    "storage": None,
    "study_name": None,
    "max_failure_rate": None,
}


class EnergySweeper(Sweeper):
    """Sweeps for the front of accuracy against joules; the work is in `energy_sweep.app`."""

    def __init__(self, **aliases: Any) -> None:
        self.aliases = aliases

    def setup(
        self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig
    ) -> None:
        self.hydra_context, self.config = hydra_context, config
        self._given = (hydra_context, task_function, config)

    def sweep(self, arguments: Sequence[str]) -> Any:
        from energy_sweep.app.sweep.sweeper import sweep

        context, task, config = self._given
        return sweep(
            context=context,
            task=task,
            config=config,
            aliases=self.aliases,
            arguments=list(arguments),
        )


def _register() -> None:
    # No samplers: in this store, which all plugins share, names such as `tpe` would take the place
    # of hydra-optuna-sweeper's, or theirs of ours. `app.config.command_line` reads them.
    node = {
        "defaults": [{"sampler": None}, "_self_"],
        "_target_": f"hydra_plugins.energy_sweep.{EnergySweeper.__name__}",
        "_recursive_": False,  # a sampler that a file describes is read, not made
        **ALIASES,
    }
    ConfigStore.instance().store(
        group="hydra/sweeper", name="energy_sweep", node=node, provider="energy_sweep"
    )


_register()
