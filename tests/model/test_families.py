"""What every family promises: it trains, exports, shrinks and comes back, at any setting it offers.

One small net of each family goes through the exporter, which takes seconds.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from energy_sweep.compression.prune import Prune
from energy_sweep.model.base import Model, adopt, weight_bits
from energy_sweep.model.count import count
from energy_sweep.model.efficientnet import EfficientNet
from energy_sweep.model.layers import ACTIVATIONS, FittedGroupNorm, fitting_groups
from energy_sweep.model.mobilenet import MobileNet
from energy_sweep.model.resnet import ResNet
from energy_sweep.model.small_cnn import SmallCNN
from energy_sweep.record import BadInput
from energy_sweep.runtime import OnnxRuntime
from energy_sweep.runtime.folding import find_folds

RESNETS = [ResNet(name=name, width=0.25) for name in ("resnet18", "resnet50")]
MOBILENETS = [
    MobileNet(name=name, width=0.25)
    for name in ("mobilenet_v2", "mobilenet_v3_small", "mobilenet_v3_large")
]
EFFICIENTNETS = [EfficientNet(name=f"efficientnet_b{index}", width=0.25) for index in range(3)]
SEPARABLE = SmallCNN(width=8, conv="depthwise_separable")
FAMILIES: list[Any] = [SmallCNN(width=8), SEPARABLE, *RESNETS, *MOBILENETS, *EFFICIENTNETS]
NORMED: list[Any] = [
    family(norm=norm, width=width)
    for family, width in ((SmallCNN, 8), (ResNet, 0.25))
    for norm in ("group", "none")
]
# Clipped ReLU, of mobilenet_v2, is among the tests of the runtime.
EXPORTED: list[Any] = [
    SmallCNN(width=8, depth=3, conv="depthwise_separable", activation="gelu", norm="group"),
    ResNet(width=0.125),
    MobileNet(name="mobilenet_v3_small", width=0.25),
    EfficientNet(width=0.25, phi=-7),
]
SHAPE = (3, 32, 32)


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """On small nets, threads that wait for each other take longer than one."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def title(model: Any) -> str:
    extra = [getattr(model, dial, "") for dial in ("norm", "activation", "conv")]
    return "-".join([model.name, *extra])


def build(model: Any, shape: tuple[int, int, int] = SHAPE, seed: int = 0) -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return model.build(shape, 10)


def images(shape: tuple[int, int, int] = SHAPE, number: int = 4) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.randn(number, *shape, generator=generator)


def settle(module: nn.Module, shape: tuple[int, int, int] = SHAPE) -> nn.Module:
    """Let norms see images, so that the answers in eval mode are of a usual size."""
    with torch.no_grad():
        for _ in range(3):
            module.train()(images(shape, 16))
    return module.eval()


@pytest.mark.parametrize("model", [*FAMILIES, *NORMED], ids=title)
def test_every_parameter_learns(model: Any) -> None:
    assert isinstance(model, Model)
    module = build(model)
    # Two steps: a branch that starts silent passes gradients on only once it speaks.
    for _ in range(2):
        module.zero_grad()
        nn.functional.cross_entropy(module(images()), torch.tensor([0, 1, 2, 3])).backward()
        with torch.no_grad():
            for parameter in module.parameters():
                assert parameter.grad is not None and torch.isfinite(parameter.grad).all()
                parameter -= 0.01 * parameter.grad
    silent = [name for name, part in module.named_parameters() if not part.grad.any()]
    # A squeeze to 8 channels may be dead behind its ReLU.
    assert all(".fc" in name for name in silent), silent


@pytest.mark.parametrize("model", [*FAMILIES, *NORMED], ids=title)
def test_layout_changes_no_answer(model: Any) -> None:
    module = settle(build(model))
    with torch.no_grad():
        plain = module(images())
        fast = module.to(memory_format=torch.channels_last)
        found = fast(images().to(memory_format=torch.channels_last))
    assert plain.shape == (4, 10) and plain.abs().max() > 0
    torch.testing.assert_close(found, plain, rtol=1e-3, atol=1e-4 * float(plain.abs().max()))


@pytest.mark.parametrize("shape", [(1, 8, 8), (1, 28, 28), (2, 9, 14)])
@pytest.mark.parametrize("stem", ["cifar", "imagenet"])
@pytest.mark.parametrize("model", [ResNet, MobileNet, EfficientNet])
def test_any_image_will_do(model: Any, stem: str, shape: tuple[int, int, int]) -> None:
    module = build(model(width=0.25, stem=stem), shape)
    assert module(images(shape)).shape == (4, 10)


@pytest.mark.parametrize("model", [ResNet, MobileNet, EfficientNet])
def test_the_cifar_stem_sees_four_times_the_side(model: Any) -> None:
    sides: dict[str, list[int]] = {"cifar": [], "imagenet": []}
    for stem, found in sides.items():
        module = build(model(width=0.25, stem=stem)).eval()
        for part in module.modules():
            if isinstance(part, nn.BatchNorm2d):  # unlike convolutions, in no squeeze
                part.register_forward_hook(lambda *call, found=found: found.append(call[2].size(3)))
        module(images())
    assert (sides["cifar"][-1], sides["imagenet"][-1]) == (4, 1)
    assert sides["cifar"][0] == 32


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("model", [SmallCNN, ResNet])
def test_every_activation_is_used_and_learns(model: Any, activation: str) -> None:
    width = 4 if model is SmallCNN else 0.125
    module = build(model(width=width, activation=activation))
    kind = type(ACTIVATIONS[activation]())
    acting = [part for part in module.modules() if type(part).__module__ == kind.__module__]
    assert all(type(part) is kind for part in acting)
    assert len(acting) == (4 if model is SmallCNN else 9)
    module(images()).square().sum().backward()
    assert all(torch.isfinite(part.grad).all() for part in module.parameters())


@pytest.mark.parametrize("model", [*FAMILIES, *NORMED], ids=title)
def test_pruning_shrinks_it_and_the_weights_bring_it_back(model: Any) -> None:
    module = build(model)
    pruned, facts = Prune().prepare(module, 0.5, example=torch.zeros(1, *SHAPE))
    assert facts["removed_weight_bits"] == pytest.approx(0.5, abs=0.05)
    assert facts["removed_weight_bits"] == 1 - weight_bits(pruned) / weight_bits(module)
    assert count(pruned, SHAPE).macs < 0.8 * count(module, SHAPE).macs
    again = adopt(build(model, seed=1), pruned.state_dict())
    with torch.no_grad():
        assert torch.equal(again.eval()(images()), pruned.eval()(images()))


@pytest.mark.parametrize("model", EXPORTED, ids=title)
def test_an_export_answers_as_torch(model: Any, tmp_path: Path) -> None:
    # With one channel, as digits and MNIST have.
    shape = (1, 16, 16)
    pixels = np.random.default_rng(0).integers(0, 256, (20, *shape)).astype(np.uint8)
    data: Any = SimpleNamespace(
        train=SimpleNamespace(images=pixels), shape=shape, mean=(120.0,), std=(60.0,)
    )
    module, runtime = settle(build(model, shape), shape), OnnxRuntime()
    runtime.export(module, data, tmp_path / "net.onnx")
    with torch.no_grad():
        expected = module((torch.from_numpy(pixels).float() - 120) / 60).numpy()
    found = runtime.open(tmp_path / "net.onnx", 1).predict(pixels, 7)
    assert np.abs(found - expected).max() <= 1e-4 * np.abs(expected).max()


@pytest.mark.parametrize("model", FAMILIES, ids=title)
def test_every_batch_norm_folds(model: Any) -> None:
    module = build(model)
    norms = [name for name, part in module.named_modules() if isinstance(part, nn.BatchNorm2d)]
    assert sorted(find_folds(module).values()) == sorted(norms) != []


def test_resnet_is_torchvisions() -> None:
    from torchvision import models

    theirs = models.resnet18(num_classes=10).eval()
    ours = build(ResNet(stem="imagenet")).eval()
    assert list(ours.state_dict()) == list(theirs.state_dict())
    ours.load_state_dict(theirs.state_dict())
    with torch.no_grad():
        assert torch.equal(ours(images()), theirs(images()))


def test_norms_settle_within_a_short_trial() -> None:
    for model in MOBILENETS:
        norms = [part for part in build(model).modules() if isinstance(part, nn.BatchNorm2d)]
        assert {part.momentum for part in norms} == {0.1}


def test_a_resnet_without_norms_starts_as_its_shortcuts() -> None:
    module = build(ResNet(name="resnet50", width=0.25, norm="none"))
    with torch.no_grad():
        assert 0 < module(images()).std() < 10
    convolutions = [part for part in module.modules() if isinstance(part, nn.Conv2d)]
    assert all(part.bias is not None and not part.bias.any() for part in convolutions)


def test_the_default_small_cnn_is_the_first_one() -> None:
    layers = [
        f"block{block}.{part}"
        for block in (1, 2)
        for part in ("conv.weight", "norm.weight", "norm.bias")
    ]
    module = build(SmallCNN(width=4, depth=2))
    names = [name for name, _ in module.named_parameters()]
    assert names == [*layers, "classifier.weight", "classifier.bias"]
    with torch.random.fork_rng():
        torch.manual_seed(0)
        first, second = nn.Conv2d(3, 4, 3, bias=False), nn.Conv2d(4, 8, 3, bias=False)
    assert torch.equal(module.block1.conv.weight, first.weight)
    assert torch.equal(module.block2.conv.weight, second.weight)


@pytest.mark.parametrize(
    ("channels", "groups"), [(8, 1), (16, 2), (44, 4), (45, 5), (47, 1), (64, 8), (512, 32), (3, 1)]
)
def test_groups_fit_the_channels(channels: int, groups: int) -> None:
    assert fitting_groups(channels) == groups
    layer, some = FittedGroupNorm(channels), images((channels, 3, 3))
    assert torch.equal(layer(some), nn.GroupNorm(groups, channels)(some))


def test_whole_widths_are_one_configuration() -> None:
    pairs = [(kind(width=1), kind(width=1.0)) for kind in (ResNet, MobileNet, EfficientNet)]
    assert all(repr(first) == repr(second) for first, second in pairs)
    assert repr(EfficientNet(phi=1)) == repr(EfficientNet(phi=1.0))


@pytest.mark.parametrize(
    ("family", "dials", "line"),
    [
        (ResNet, {"name": "resnet19"}, r"model\.name=resnet19: type model\.name=resnet18\|"),
        (ResNet, {"stem": "big"}, r"model\.stem=big: type model\.stem=cifar\|imagenet"),
        (ResNet, {"norm": "layer"}, r"model\.norm=layer: type model\.norm=batch\|group\|none"),
        (ResNet, {"activation": "relu7"}, r"model\.activation=relu7: type .*=relu\|gelu\|"),
        (ResNet, {"width": 0.0}, r"model\.width=0\.0: type a number above 0"),
        (MobileNet, {"name": "v2"}, r"model\.name=v2: type model\.name=mobilenet_v2\|"),
        (MobileNet, {"stem": "big"}, r"model\.stem=big: type"),
        (MobileNet, {"width": float("nan")}, r"model\.width=nan: type a number above 0"),
        (EfficientNet, {"name": "b3"}, r"model\.name=b3: type model\.name=efficientnet_b0\|"),
        (EfficientNet, {"phi": 99.0}, r"model\.phi=99\.0: type a number from -7 to 7"),
        (EfficientNet, {"width": -1.0}, r"model\.width=-1\.0: type a number above 0"),
        (EfficientNet, {"stem": "big"}, r"model\.stem=big: type"),
        (SmallCNN, {"conv": "grouped"}, r"model\.conv=grouped: type .*standard\|depthwise"),
        (SmallCNN, {"conv": "depthwise_separable", "depth": 1}, r"type model\.depth=2 or more"),
        (SmallCNN, {"norm": "layer"}, r"model\.norm=layer: type"),
        (SmallCNN, {"activation": "relu7"}, r"model\.activation=relu7: type"),
    ],
)
def test_nonsense_is_refused_in_one_line(family: Any, dials: Any, line: str) -> None:
    with pytest.raises(BadInput, match=line) as refusal:
        family(**dials)
    assert "\n" not in str(refusal.value)
