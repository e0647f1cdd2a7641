"""What every family promises: it trains, exports, shrinks and comes back, at any setting it offers.

The checks of every day see small_cnn in full and one small net of each other family;
`make contracts` all nets at every value of every dial. An export takes seconds.
"""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from nets import (
    EXPORT_MATRIX,
    LARGE,
    MOBILENETS,
    NETS,
    SHAPE,
    SMALL,
    build,
    images,
    marked,
    settle,
    title,
)
from torch import nn

from energy_sweep.compression.prune import Prune
from energy_sweep.model.base import Model, adopt, weight_bits
from energy_sweep.model.count import count
from energy_sweep.model.efficientnet import EfficientNet
from energy_sweep.model.googlenet import GoogLeNet
from energy_sweep.model.mobilenet import MobileNet
from energy_sweep.model.resnet import ResNet
from energy_sweep.model.small_cnn import SmallCNN
from energy_sweep.runtime import OnnxRuntime
from energy_sweep.runtime.folding import find_folds

# Clipped ReLU, of mobilenet_v2, is among the tests of the runtime. EfficientNet has the operations
# of mobilenet_v3, and GoogLeNet those of ResNet with branches: both take long to export.
EXPORTED: list[Any] = [
    SmallCNN(width=8, depth=3, conv="depthwise_separable", activation="gelu", norm="group"),
    ResNet(width=0.125, heads=2),
    MobileNet(name="mobilenet_v3_small", width=0.25),
    *marked([EfficientNet(width=0.25, phi=-7), GoogLeNet(width=0.25)]),
]


@pytest.mark.parametrize("model", NETS, ids=title)
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


@pytest.mark.parametrize("model", NETS, ids=title)
@pytest.mark.no_cover
def test_layout_changes_no_answer(model: Any) -> None:
    module = settle(build(model))
    with torch.no_grad():
        plain = module(images())
        fast = module.to(memory_format=torch.channels_last)
        found = fast(images().to(memory_format=torch.channels_last))
    assert plain.shape == (4, 10) and plain.abs().max() > 0
    torch.testing.assert_close(found, plain, rtol=1e-3, atol=1e-4 * float(plain.abs().max()))


@pytest.mark.parametrize("shape", [(1, 8, 8), (1, 28, 28), (2, 9, 14), (1, 2, 2)])
@pytest.mark.parametrize("stem", ["cifar", "imagenet"])
@pytest.mark.parametrize("model", [ResNet, MobileNet, EfficientNet, GoogLeNet])
def test_any_image_will_do(model: Any, stem: str, shape: tuple[int, int, int]) -> None:
    module = build(model(width=0.25, stem=stem), shape)
    assert module(images(shape)).shape == (4, 10)


@pytest.mark.parametrize("model", [ResNet, MobileNet, EfficientNet, GoogLeNet])
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


@pytest.mark.parametrize("model", NETS, ids=title)
@pytest.mark.no_cover
def test_pruning_shrinks_it_and_the_weights_bring_it_back(model: Any) -> None:
    module = build(model)
    pruned, facts = Prune().prepare(module, 0.5, example=torch.zeros(1, *SHAPE))
    assert facts["removed_weight_bits"] == pytest.approx(0.5, abs=0.05)
    assert facts["removed_weight_bits"] == 1 - weight_bits(pruned) / weight_bits(module)
    assert count(pruned, SHAPE).macs < 0.8 * count(module, SHAPE).macs
    again = adopt(build(model, seed=1), pruned.state_dict())
    with torch.no_grad():
        assert torch.equal(again.eval()(images()), pruned.eval()(images()))


def check_export(model: Any, shape: tuple[int, int, int], folder: Path) -> None:
    channels = shape[0]
    pixels = np.random.default_rng(0).integers(0, 256, (20, *shape)).astype(np.uint8)
    data: Any = SimpleNamespace(
        train=SimpleNamespace(images=pixels),
        shape=shape,
        mean=(120.0,) * channels,
        std=(60.0,) * channels,
    )
    module, runtime = settle(build(model, shape), shape), OnnxRuntime()
    runtime.export(module, data, folder / "net.onnx")
    with torch.no_grad():
        expected = module((torch.from_numpy(pixels).float() - 120) / 60).numpy()
    found = runtime.open(folder / "net.onnx", 1).predict(pixels, 7)
    assert np.abs(found - expected).max() <= 1e-4 * np.abs(expected).max()


@pytest.mark.parametrize("model", EXPORTED, ids=title)
@pytest.mark.no_cover
def test_an_export_answers_as_torch(model: Any, tmp_path: Path) -> None:
    # With one channel, as digits and MNIST have.
    check_export(model, (1, 16, 16), tmp_path)


@pytest.mark.parametrize("model", EXPORT_MATRIX, ids=title)
@pytest.mark.contracts
def test_an_export_of_32_pixels_answers_as_torch(model: Any, tmp_path: Path) -> None:
    check_export(model, SHAPE, tmp_path)


@pytest.mark.parametrize("model", [*SMALL, *marked(LARGE)], ids=title)
def test_every_batch_norm_folds(model: Any) -> None:
    module = build(model)
    norms = [name for name, part in module.named_modules() if isinstance(part, nn.BatchNorm2d)]
    assert sorted(find_folds(module).values()) == sorted(norms) != []


@pytest.mark.parametrize("model", [ResNet, GoogLeNet])
def test_it_is_torchvisions(model: Any) -> None:
    from torchvision import models

    extra: dict[str, Any] = {"init_weights": False} if model is GoogLeNet else {}
    theirs = getattr(models, model().name)(num_classes=10, **extra).eval()
    ours = build(model(stem="imagenet")).eval()
    kept = {name: v for name, v in theirs.state_dict().items() if not name.startswith("aux")}
    assert list(ours.state_dict()) == list(kept)
    ours.load_state_dict(kept)
    with torch.no_grad():
        assert torch.equal(ours(images()), theirs(images()))


def test_norms_settle_within_a_short_trial() -> None:
    for model in MOBILENETS:
        norms = [part for part in build(model).modules() if isinstance(part, nn.BatchNorm2d)]
        assert {part.momentum for part in norms} == {0.1}


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
