"""The energy detail of real trials, by a meter that gives equal joules to equal work."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from energy_sweep.front.breakdown import effort, energy_detail
from energy_sweep.meter.base import Meter
from energy_sweep.recipe import Recipe
from energy_sweep.record import JsonDict
from energy_sweep.store import StageStore
from energy_sweep.trial import run_trial

MakeRecipe = Callable[..., Recipe]


def test_joules_are_linear_in_epochs_and_add_up(
    recipe: MakeRecipe, meter: Meter, store: StageStore
) -> None:
    found: dict[int, JsonDict] = {}
    for epochs in (2, 3, 6):
        result = run_trial(recipe(epochs=epochs), meter=meter, store=store)
        energy = energy_detail(result, records=store.records(), meter=meter.facts())
        assert [line["epoch"] for line in energy["epochs"]] == [*range(1, epochs + 1)]
        stages = energy["stages"]
        trained = stages["trunk"]["joules"] + stages["cooldown"]["joules"]
        assert sum(line["joules"] for line in energy["epochs"]) == pytest.approx(trained)
        assert effort(result).iterations == epochs * (897 // 128)
        found[epochs] = energy
    each = [energy["per_epoch"]["joules"] for energy in found.values()]
    assert each == pytest.approx([each[0]] * 3)
    more = found[6]["training"]["joules"] - found[2]["training"]["joules"]
    assert more == pytest.approx(4 * each[0])


def test_a_recovery_updates_the_parameters_of_the_compressed_net(
    recipe: MakeRecipe, meter: Meter, store: StageStore
) -> None:
    result = run_trial(recipe(epochs=2, level=0.5), meter=meter, store=store)
    facts, steps = result.facts, 897 // 128
    assert facts["parameters"] < facts["trained_parameters"]
    assert effort(result).parameter_updates == steps * (
        2 * facts["trained_parameters"] + facts["parameters"]
    )


def test_a_diverged_trial_has_the_joules_it_took_and_no_efficiency(
    recipe: MakeRecipe, meter: Meter, store: StageStore
) -> None:
    result = run_trial(recipe(lr=1e5), meter=meter, store=store)
    energy = energy_detail(result, records=store.records(), meter=meter.facts())
    assert energy["training"]["joules"] > 0 and energy["per_iteration"]["joules"] > 0
    assert (energy["efficiency"], energy["per_image"]) == (None, None)
