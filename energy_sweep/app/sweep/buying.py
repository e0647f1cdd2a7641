"""What a sweep hands to the search to buy certainty with: rounds of pools, and points reseeded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from energy_sweep.app.sweep.planner import Planner
from energy_sweep.record import JsonDict, StageRecord
from energy_sweep.search import CertaintyOrder, Job
from energy_sweep.store import StageStore
from energy_sweep.trial.pool_round import PoolRounds


def certainty_order(
    settings: JsonDict, planner: Planner, store: StageStore, finish: Callable[[Job], Job]
) -> CertaintyOrder | None:
    """What `search.certainty` and `search.confirm` ask for; None where that is nothing.

    `finish` adds to a job the words that it takes to run it alone.
    """
    certainty, confirm = float(settings["certainty"]), float(settings["confirm"])
    if not certainty and not confirm:
        return None
    return CertaintyOrder(
        certainty=certainty,
        confirm=confirm,
        measure_round=PlannedRounds(planner).measure,
        reseed=lambda params, seed: finish(planner.reseeded(params, seed)),
        keep=store.put,
    )


@dataclass(slots=True)
class PlannedRounds:
    """Rounds for points of a space."""

    planner: Planner
    rounds: PoolRounds = field(default_factory=PoolRounds)

    def measure(self, job: Job, cost_key: str, *, key: str, facts: JsonDict) -> StageRecord:
        """A round of a pool that the job's trial uses."""
        recipe = self.planner.recipe(job.params)
        session = self.planner.session(recipe)
        return self.rounds.measure(
            recipe, cost_key, key=key, facts=facts, meter=session.meter, store=session.store
        )
