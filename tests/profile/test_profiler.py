"""The time of layers: traced to where it was spent, with nothing counted twice."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.profiler import ProfilerActivity, profile, record_function

from energy_sweep.profile.attribution import (
    BETWEEN,
    WHOLE,
    TimeAttribution,
    attribute_time,
    named_ranges,
    sizes_of,
)
from energy_sweep.profile.profiler import profile as profile_net
from energy_sweep.profile.text import profile_text
from energy_sweep.recipe import Recipe
from energy_sweep.recipe.plan import DEFAULT_PLAN

MakeRecipe = Callable[..., Recipe]


class Residual(nn.Module):
    """A heavy layer, a light one that is called twice, and an addition of the net's own."""

    def __init__(self) -> None:
        super().__init__()
        self.light, self.heavy = nn.Linear(4, 4), nn.Linear(4, 4)
        self.wide = nn.Sequential(nn.Linear(4, 2000), nn.ReLU(inplace=True), nn.Linear(2000, 4))

    def forward(self, x: Tensor) -> Tensor:
        return self.light(self.light(x)) + self.wide(x)


def spent(net: nn.Module, x: Tensor) -> TimeAttribution:
    recorded = profile(activities=[ProfilerActivity.CPU])
    with named_ranges(net), recorded, record_function(WHOLE):
        net(x).sum().backward()
    return attribute_time(recorded.events() or [])


def test_time_is_traced_to_layers_and_adds_up() -> None:
    net, x = Residual(), torch.randn(256, 4)
    net(x).sum().backward()
    split = spent(net, x)
    assert set(split.layers) == {"light", "wide.0", "wide.1", "wide.2", BETWEEN}
    assert split.layers["light"].calls == 2
    assert all(part.forward > 0 for part in split.layers.values())
    trained = ("light", "wide.0", "wide.1", "wide.2", BETWEEN)
    assert all(split.layers[name].backward > 0 for name in trained)
    assert split.backward_elsewhere > 0  # the sum, and gradients written into parameters
    assert 0 < split.explained < split.whole and split.rest > 0
    assert not net.light._forward_hooks and not net._forward_pre_hooks


def test_a_layer_without_gradient_has_no_backward_time() -> None:
    net, x = nn.Sequential(nn.Linear(4, 8), nn.Linear(8, 2)), torch.randn(8, 4)
    net[0].requires_grad_(False)
    split = spent(net, x)
    assert split.layers["0"].backward == 0.0 < split.layers["1"].backward


def test_sizes_are_of_one_image() -> None:
    net = nn.Sequential(nn.Conv2d(2, 6, 3, padding=1, groups=2), nn.Flatten())
    with sizes_of(net, images=5) as sizes:
        net(torch.zeros(5, 2, 4, 4))
    assert sizes["0"] == {
        "kind": "Conv2d",
        "parameters": 6 * 9 + 6,
        "macs": 6 * 16 * 9,
        "output_bytes": 6 * 16 * 4,
    }
    assert sizes["1"]["macs"] == 0


@pytest.mark.parametrize("precision", ["fp32", "float64"])
def test_a_profile_explains_the_steps_of_the_program(recipe: MakeRecipe, precision: str) -> None:
    document = profile_net(recipe(precision=precision, plan=DEFAULT_PLAN))
    for phase in ("training", "inference"):
        table = document[phase]
        assert sum(table["parts"].values()) == pytest.approx(table["step_seconds"])
        layers = table["layers"]
        assert sum(row["forward_seconds"] + row["backward_seconds"] for row in layers[:-1]) / table[
            "step_seconds"
        ] == pytest.approx(table["explained"])
        assert layers[-1]["layer"] == "(between layers)"
        assert {row["kind"] for row in layers} >= {"Conv2d", "BatchNorm2d", "Linear"}
        convolutions = [row for row in layers if row["kind"] == "Conv2d"]
        assert all(row["macs"] > 0 and row["calls"] == 1 for row in convolutions)
        assert all((row["backward_seconds"] > 0) == (phase == "training") for row in convolutions)
        assert table["peak_memory_bytes"] > 0 and table["device_peak_memory_bytes"] is None
    text = profile_text(document)
    assert f"layers explain {document['training']['explained']:.0%} of it" in text
    busy = document["training"]["plain_step_cpu_seconds"]
    for waited, is_said in ((1.0, False), (3.0, True)):
        document["training"]["plain_step_seconds"] = waited * busy
        assert ("Disturbed" in profile_text(document)) == is_said
    assert "No joules" in text and "block1.conv" in text and "aten::" in text
