"""Each dial of a family does what it says, and what makes no sense is refused in one line."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
import torch
from nets import SHAPE, build, images, marked
from torch import nn

from energy_sweep.model.base import adopt
from energy_sweep.model.count import count
from energy_sweep.model.efficientnet import EfficientNet
from energy_sweep.model.googlenet import GoogLeNet
from energy_sweep.model.layers import ACTIVATIONS, FittedGroupNorm, Heads, count_groups
from energy_sweep.model.mobilenet import MobileNet
from energy_sweep.model.resnet import ResNet
from energy_sweep.model.small_cnn import SmallCNN
from energy_sweep.record import BadInput

# With how many activations each has outside its squeezes.
ACTIVATED = [
    (SmallCNN(width=4), 4),
    (ResNet(width=0.125), 9),
    (GoogLeNet(width=0.125), 57),
    (MobileNet(width=0.125), 35),
    (MobileNet(name="mobilenet_v3_small", width=0.125), 24),
    (EfficientNet(width=0.125, phi=-7.0), 17),
]
VISION = [ResNet, MobileNet, EfficientNet, GoogLeNet]


@pytest.mark.parametrize("activation", ["gelu", "tanh", *marked([*ACTIVATIONS])])
@pytest.mark.parametrize(("model", "number"), ACTIVATED, ids=lambda v: getattr(v, "name", ""))
def test_every_activation_is_used_and_learns(model: Any, number: int, activation: str) -> None:
    module = build(dataclasses.replace(model, activation=activation))
    kind = type(ACTIVATIONS[activation]())
    in_squeezes = {
        id(inner)
        for part in module.modules()
        if type(part).__name__ == "SqueezeExcitation"
        for inner in part.modules()
    }
    acting = [
        part
        for part in module.modules()
        if type(part).__module__ == kind.__module__ and id(part) not in in_squeezes
    ]
    assert all(type(part) is kind for part in acting)
    assert len(acting) == number
    module(images()).square().sum().backward()
    assert all(torch.isfinite(part.grad).all() for part in module.parameters())


def test_squeezes_keep_their_gates() -> None:
    for model in (MobileNet(name="mobilenet_v3_small"), EfficientNet(phi=-7.0)):
        kinds = [
            {type(p.scale_activation) for p in net.modules() if hasattr(p, "scale_activation")}
            for net in (build(model), build(type(model)(name=model.name, activation="tanh")))
        ]
        assert kinds[0] == kinds[1] != set()


@pytest.mark.parametrize("model", VISION)
def test_without_norms_it_starts_at_a_usual_size(model: Any) -> None:
    module = build(model(width=0.25, norm="none"))
    with torch.no_grad():
        assert 0.01 < module.eval()(images()).std() < 10
    kinds = (nn.BatchNorm2d, nn.GroupNorm)
    assert not any(isinstance(part, kinds) for part in module.modules())
    convolutions = [part for part in module.modules() if isinstance(part, nn.Conv2d)]
    assert all(part.bias is not None for part in convolutions)


@pytest.mark.parametrize("model", VISION)
def test_group_norm_is_everywhere(model: Any) -> None:
    modules = [*build(model(width=0.25, norm="group")).modules()]
    norms = [
        part for part in build(model(width=0.25)).modules() if isinstance(part, nn.BatchNorm2d)
    ]
    assert len([part for part in modules if isinstance(part, FittedGroupNorm)]) == len(norms)
    assert not any(isinstance(part, nn.BatchNorm2d) for part in modules)


@pytest.mark.parametrize(
    ("name", "depth", "blocks"),
    [
        ("resnet18", 0.1, [1, 1, 1, 1]),
        ("resnet18", 1.0, [2, 2, 2, 2]),
        ("resnet18", 2, [4, 4, 4, 4]),
        ("resnet50", 0.5, [2, 2, 3, 2]),
    ],
)
def test_depth_multiplies_the_blocks_of_a_resnet(
    name: str, depth: float, blocks: list[int]
) -> None:
    module = build(ResNet(name=name, width=0.125, depth=depth))
    assert [len(module.get_submodule(f"layer{index}")) for index in (1, 2, 3, 4)] == blocks


@pytest.mark.parametrize("model", [SmallCNN(width=8), *(kind(width=0.25) for kind in VISION)])
def test_heads_are_averaged(model: Any) -> None:
    one, module = build(model).eval(), build(dataclasses.replace(model, heads=3)).eval()
    [(name, heads)] = [(n, p) for n, p in module.named_modules() if isinstance(p, Heads)]
    features = torch.randn(2, heads[0].in_features)
    expected = torch.stack([head(features) for head in heads]).mean(0)
    assert torch.allclose(heads(features), expected, atol=1e-6)
    assert len({tuple(head.weight.flatten().tolist()) for head in heads}) == 3
    # The body, and the first head, are those of the net with one.
    kept = {n.replace(f"{name}.0.", f"{name}."): v for n, v in module.state_dict().items()}
    assert all(torch.equal(kept[n], value) for n, value in one.state_dict().items())
    more = count(module, SHAPE).parameters - count(one, SHAPE).parameters
    assert more == 2 * 10 * (heads[0].in_features + 1)
    again = build(dataclasses.replace(model, heads=3), seed=1).eval()
    with torch.no_grad():
        assert torch.equal(adopt(again, module.state_dict())(images()), module(images()))


@pytest.mark.parametrize(
    ("channels", "groups"), [(8, 1), (16, 2), (44, 4), (45, 5), (47, 1), (64, 8), (512, 32), (3, 1)]
)
def test_groups_fit_the_channels(channels: int, groups: int) -> None:
    assert count_groups(channels) == groups
    layer, some = FittedGroupNorm(channels), images((channels, 3, 3))
    assert torch.equal(layer(some), nn.GroupNorm(groups, channels)(some))


def test_whole_numbers_are_one_configuration() -> None:
    pairs = [(kind(width=1), kind(width=1.0)) for kind in VISION]
    assert all(repr(first) == repr(second) for first, second in pairs)
    assert repr(EfficientNet(phi=1)) == repr(EfficientNet(phi=1.0))
    assert repr(ResNet(depth=2)) == repr(ResNet(depth=2.0))


@pytest.mark.parametrize(
    ("family", "dials", "line"),
    [
        (ResNet, {"name": "resnet19"}, r"model\.name=resnet19: type model\.name=resnet18\|"),
        (ResNet, {"stem": "big"}, r"model\.stem=big: type model\.stem=cifar\|imagenet"),
        (ResNet, {"norm": "layer"}, r"model\.norm=layer: type model\.norm=batch\|group\|none"),
        (ResNet, {"activation": "relu7"}, r"model\.activation=relu7: type .*=relu\|gelu\|"),
        (ResNet, {"activation": "default"}, r"model\.activation=default: type .*=relu\|gelu\|"),
        (ResNet, {"width": 0.0}, r"model\.width=0: type a number above 0"),
        (ResNet, {"depth": 0.0}, r"model\.depth=0: type a number above 0"),
        (ResNet, {"heads": 0}, r"model\.heads=0: type a whole number of at least 1"),
        (ResNet, {"weights": "mine"}, r"model\.weights=mine: type model\.weights=none\|imagenet"),
        (GoogLeNet, {"name": "inception"}, r"model\.name=inception: type model\.name=googlenet"),
        (MobileNet, {"name": "v2"}, r"model\.name=v2: type model\.name=mobilenet_v2\|"),
        (MobileNet, {"stem": "big"}, r"model\.stem=big: type"),
        (MobileNet, {"width": float("nan")}, r"model\.width=nan: type a number above 0"),
        (MobileNet, {"activation": "relu7"}, r"model\.activation=relu7: type .*=default\|relu\|"),
        (EfficientNet, {"name": "b3"}, r"model\.name=b3: type model\.name=efficientnet_b0\|"),
        (EfficientNet, {"phi": 99.0}, r"model\.phi=99\.0: type a number from -7 to 7"),
        (EfficientNet, {"width": -1.0}, r"model\.width=-1: type a number above 0"),
        (EfficientNet, {"norm": "layer"}, r"model\.norm=layer: type"),
        (SmallCNN, {"conv": "grouped"}, r"model\.conv=grouped: type .*standard\|depthwise"),
        (SmallCNN, {"conv": "depthwise_separable", "depth": 1}, r"type model\.depth=2 or more"),
        (SmallCNN, {"norm": "layer"}, r"model\.norm=layer: type"),
        (SmallCNN, {"activation": "relu7"}, r"model\.activation=relu7: type"),
        (SmallCNN, {"heads": -1}, r"model\.heads=-1: type a whole number"),
    ],
)
def test_nonsense_is_refused_in_one_line(family: Any, dials: Any, line: str) -> None:
    with pytest.raises(BadInput, match=line) as refusal:
        family(**dials)
    assert "\n" not in str(refusal.value)
