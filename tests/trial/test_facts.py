"""What a trial tells of its net: sizes before and after compression, and device memory."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from trial.nets import trained_network

from energy_sweep.device import Device
from energy_sweep.meter.base import Meter
from energy_sweep.model.count import count, count_dense
from energy_sweep.recipe import Recipe
from energy_sweep.store import StageStore
from energy_sweep.trial import load_data, run_trial

MakeRecipe = Callable[..., Recipe]
SIZES = ("parameters", "macs", "weight_bytes")


def test_sizes_are_those_of_the_dense_and_of_the_deployed_net(
    recipe: MakeRecipe, meter: Meter, store: StageStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    peaks = iter((700, 5, 4, 3, 2, 1))
    monkeypatch.setattr(Device, "watch_memory", lambda _: lambda: next(peaks))
    dials = [recipe(epochs=1), recipe(epochs=1, level=0.5)]
    facts = [run_trial(one, meter=meter, store=store).facts for one in dials]
    data = load_data(dials[0].dataset)
    dense = count_dense(dials[0].model, data.shape, 10)
    for one, found in zip(dials, facts, strict=True):
        net = trained_network(one, meter=meter, store=store)
        assert {name: found[name] for name in SIZES} == {
            name: getattr(count(net, data.shape), name) for name in SIZES
        }
        assert found["dense"] == {name: getattr(dense, name) for name in SIZES}
        assert found["weight_bytes"] < found["bytes"] < found["weight_bytes"] + 10_000
        # Of the steps that warm the net up, by whichever trial ran them.
        assert found["peak_device_memory_bytes"] == 700
    assert facts[0]["macs"] == dense.macs > 1.5 * facts[1]["macs"]
