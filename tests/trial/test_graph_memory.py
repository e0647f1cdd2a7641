"""Prices of equal graphs are taken from an earlier study, in proportion to one measured in both."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_inference import CLOCK, Sleeper, TickingMeter

from energy_sweep.front.prices import Prices
from energy_sweep.front.ratios import Ratios
from energy_sweep.front.remembered import remembered_prices, remembered_text
from energy_sweep.meter.base import Work, meter_id
from energy_sweep.meter.replay import DOMAIN
from energy_sweep.record import MeterFacts, StageRecord, StudyRecord
from energy_sweep.record.seal import seal
from energy_sweep.store import StageStore
from energy_sweep.trial.deployment.benchmark import Inference
from energy_sweep.trial.deployment.graph_memory import remember_graphs
from energy_sweep.trial.deployment.inference import measure_inference, measure_once
from energy_sweep.trial.deployment.remembered_graphs import is_remembered

GRAPHS = ("quick", "slow")  # of which the second takes twice as long


class TimedMeter(TickingMeter):
    """The same, with its readings' places in time; its joules are off by up to 2 %."""

    def __init__(self, watts: float, disturbed: Sequence[bool] = ()) -> None:
        super().__init__(iter(disturbed), watts=watts)
        self.noise = np.random.default_rng(int(watts))

    def _begin(self, stack: Any) -> Callable[[Work], Any]:
        lap = super()._begin(stack)

        def timed(work: Work) -> Any:
            reading = lap(work)
            [part] = reading.domains
            joules = part.joules * (1 + 0.02 * self.noise.uniform(-1, 1))
            domains = (dataclasses.replace(part, joules=joules, uncertainty_joules=0.02 * joules),)
            started = 1e9 + CLOCK[0] - reading.seconds
            return dataclasses.replace(reading, domains=domains, started=started)

        return timed


def study(
    root: Path,
    meter: TickingMeter,
    graphs: Sequence[str] = GRAPHS,
    *,
    weights: int = 2,
    remember: bool = True,
    batches: Sequence[int] = (64, 1),
) -> StageStore:
    """A store after some weights of each graph were measured, and remembered for others."""
    store = StageStore(root, meter_id=meter_id(meter.facts()))
    root.mkdir(parents=True, exist_ok=True)
    for graph in graphs:
        path = root / "model.onnx"
        path.write_text(graph)
        for batch in batches:
            inference = Inference(
                runtime=Sleeper(),
                images=np.zeros((64, 1, 8, 8), np.uint8),
                batch=batch,
                threads=1,
                work=Work(stage="infer", images=64, parameters=10),
                remember=remember,
            )
            given: dict[str, Any] = {"inference": inference, "store": store, "meter": meter}
            key = inference.graph(graph)
            if batch == 1:
                measure_once(lambda path=path: path, key, **given)
                continue
            for number in range(weights):
                name = f"{graph} {number}"
                measure_inference(lambda path=path: path, key, weights=name, **given)
    remember_graphs(store, meter.facts().domains)
    return store


def graphs_of(store: StageStore) -> list[StageRecord]:
    return [record for record in store.records().values() if record.stage == "infer"]


def test_a_later_study_measures_one_graph_and_takes_the_ratios_of_the_others(
    tmp_path: Path,
) -> None:
    first = study(tmp_path / "one", TimedMeter(50.0))
    later = study(tmp_path / "two", TimedMeter(80.0))
    assert not any(map(is_remembered, graphs_of(first)))
    remembered = [record for record in graphs_of(later) if is_remembered(record)]
    assert len(graphs_of(later)) == 4 and len(remembered) == 3
    assert all(record.spent_joules == 0 for record in remembered)
    spent = [sum(r.spent_joules for r in store.records().values()) for store in (first, later)]
    assert spent[1] / 80 < 0.4 * spent[0] / 50  # in seconds of work
    slow = next(r for r in remembered if r.marks[0].reading.seconds / r.units > 5e-5)
    pool = Prices(later.records().values()).pool(slow.cost_key)
    assert pool is not None and pool.beside is not None
    assert pool.joules_per_unit == pytest.approx(80 * 0.004 / 64, rel=0.05)
    assert pool.seconds_per_unit == pytest.approx(0.004 / 64)
    record = StudyRecord(
        name="two", trials=(), stages=later.records(), meter=TimedMeter(80.0).facts()
    )
    assert "through 3 graphs was measured in an earlier study" in remembered_text(record)
    assert remembered_text(dataclasses.replace(record, stages=first.records())) == ""
    told = remembered_prices(record)
    assert {one["graph"] for one in told} == {one.cost_key for one in remembered}
    assert all(0 < one["relative_uncertainty"] < 0.1 for one in told)


def test_their_ratios_are_as_sure_as_windows_of_two_runs_are(tmp_path: Path) -> None:
    study(tmp_path / "one", TimedMeter(50.0))
    later = study(tmp_path / "two", TimedMeter(80.0))
    keys = [record.cost_key for record in graphs_of(later)]
    prices = Prices(later.records().values(), repeatability=lambda _: 0.28, detrended=True)
    ratios = Ratios([{key: 1.0} for key in keys], prices)
    unsure = ratios.log_ratios(range(4), range(4)).uncertainty
    assert unsure[~np.eye(4, dtype=bool)].min() > 0.005 and unsure.max() < 0.1


def test_what_was_compared_then_is_not_compared_again(tmp_path: Path) -> None:
    study(tmp_path / "one", TimedMeter(50.0))
    later = study(tmp_path / "two", TimedMeter(80.0), weights=4, batches=(64,))
    assert not [r for r in later.records().values() if r.facts.get("controls")]


@pytest.mark.parametrize("changed", [{"remember": False}, {"batches": (32,)}])
def test_without_it_or_for_other_windows_all_is_measured(
    tmp_path: Path, changed: dict[str, Any]
) -> None:
    study(tmp_path / "one", TimedMeter(50.0))
    later = study(tmp_path / "two", TimedMeter(80.0), **changed)
    assert not any(map(is_remembered, graphs_of(later)))


def test_nothing_is_kept_of_a_replay_of_disturbed_windows_or_of_one_graph_alone(
    tmp_path: Path,
) -> None:
    class Replayed(TimedMeter):
        def facts(self) -> MeterFacts:
            return dataclasses.replace(super().facts(), domains=(DOMAIN,))

    study(tmp_path / "replay", Replayed(50.0))
    study(tmp_path / "alone", TimedMeter(50.0), ["quick"], batches=(64,))
    study(tmp_path / "disturbed", TimedMeter(50.0, [True] * 1000))
    later = study(tmp_path / "two", TimedMeter(80.0))
    assert not any(map(is_remembered, graphs_of(later)))


def test_a_damaged_or_foreign_file_is_named_and_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    study(tmp_path / "one", TimedMeter(50.0))
    [kept] = (tmp_path / "cache").rglob("*.json")
    document = json.loads(kept.read_text())
    document["graphs"][0]["reading"]["domains"][0]["joules"] = -1.0
    for text in ("{", json.dumps(document), json.dumps(seal(document)), '{"a": []}'):
        kept.write_text(text)
        later = study(tmp_path / f"two{len(caplog.records)}", TimedMeter(80.0))
        assert not any(map(is_remembered, graphs_of(later)))
        kept.with_name("x").unlink(missing_ok=True)
        for other in kept.parent.glob("*.json"):
            if other != kept:
                other.unlink()
    assert "are damaged" in caplog.text


def test_windows_taken_here_count_instead_of_a_remembered_price(tmp_path: Path) -> None:
    study(tmp_path / "one", TimedMeter(50.0))
    later = study(tmp_path / "two", TimedMeter(80.0))
    one = next(record for record in graphs_of(later) if is_remembered(record))
    measured = next(record for record in graphs_of(later) if not is_remembered(record))
    bought = dataclasses.replace(measured, key="round", cost_key=one.cost_key)
    pool = Prices([one, bought]).pool(one.cost_key)
    alone = Prices([bought]).pool(one.cost_key)
    assert pool == alone and pool is not None and pool.beside is None
