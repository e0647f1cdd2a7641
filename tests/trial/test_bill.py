"""One by one, all in, is what the trials do cost when each runs alone."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import pytest

from energy_sweep.device import Device
from energy_sweep.front.bill import bill
from energy_sweep.front.priced_study import PricedStudy
from energy_sweep.front.prices import Prices
from energy_sweep.meter.base import Meter
from energy_sweep.recipe import Recipe
from energy_sweep.record import StudyRecord, TrialRecord
from energy_sweep.store import StageStore
from energy_sweep.trial import run_trial

MakeRecipe = Callable[..., Recipe]


def spent(store: StageStore, stage: str | None = None) -> float:
    records = store.records().values()
    return math.fsum(r.spent_joules for r in records if stage in (None, r.stage))


@pytest.mark.no_cover
def test_one_by_one_is_what_each_trial_spends_alone(
    recipe: MakeRecipe, meter: Meter, tmp_path: Path
) -> None:
    device = Device(name="cpu")  # whose plan is tried
    # Two seeds share the plan, the warm-up, the export and the graph, and nothing else.
    made = [recipe(epochs=1, seed=seed, device=device) for seed in (0, 1)]
    together, alone = StageStore(tmp_path / "together", meter_id="m"), list[StageStore]()
    trials = list[TrialRecord]()
    for number, one in enumerate(made):
        result = run_trial(one, meter=meter, store=together)
        trials.append(TrialRecord(number=number, state="measured", params={}, result=result))
        own = StageStore(tmp_path / str(number), meter_id="m")
        assert run_trial(one, meter=meter, store=own).correct == result.correct
        alone.append(own)
    study = StudyRecord(
        name="s", trials=tuple(trials), stages=together.records(), meter=meter.facts()
    )
    lines = bill(study, Prices(together.records().values()))
    for stage, line in lines.items():
        assert line.spent_joules == pytest.approx(spent(together, stage)), stage
        by_one = math.fsum(spent(own, stage) for own in alone)
        assert line.attributed_joules == pytest.approx(by_one, rel=1e-3), stage
    priced = PricedStudy(study)
    assert priced.spent_joules == pytest.approx(spent(together))
    assert priced.attributed_joules == pytest.approx(math.fsum(map(spent, alone)), rel=1e-3)
    assert lines["export"].attributed_joules > lines["export"].spent_joules > 0
    assert math.fsum(line.spent_share for line in lines.values()) == pytest.approx(1.0)
