"""Graphs written layer by layer: those that torch's exporter writes, or none."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from runtime.nets import DATA, SHAPE, build, pruned
from torch import Tensor, nn
from torch.nn import functional

from energy_sweep.model.efficientnet import EfficientNet
from energy_sweep.model.googlenet import GoogLeNet
from energy_sweep.model.mobilenet import MobileNet
from energy_sweep.model.resnet import ResNet
from energy_sweep.model.small_cnn import SmallCNN
from energy_sweep.runtime import OnnxRuntime, layer_graph, onnx_file
from energy_sweep.runtime.graph import graph_digest
from energy_sweep.runtime.layer_graph import write_layers

RUNTIME = OnnxRuntime()
COLOUR: Any = SimpleNamespace(
    train=SimpleNamespace(
        images=np.random.default_rng(0).integers(0, 256, (8, 3, 32, 32)).astype(np.uint8)
    ),
    shape=(3, 32, 32),
    mean=(120.0, 110.0, 100.0),
    std=(60.0, 50.0, 40.0),
)
SMALL = [
    SmallCNN(width=8, depth=3),
    SmallCNN(width=8, depth=2, conv="depthwise_separable", norm="none", heads=2),
]
ACTIVATIONS = [
    SmallCNN(width=8, depth=1, norm="none", activation=name)
    for name in ("gelu", "silu", "hardswish", "leaky_relu", "tanh", "sigmoid")
]
LARGE = [
    ResNet(width=0.25, depth=0.5),
    ResNet(name="resnet50", width=0.25, depth=0.25, stem="imagenet", norm="none"),
    MobileNet(width=0.25),
    MobileNet(name="mobilenet_v3_small", width=0.25),
    EfficientNet(width=0.25, phi=-5),
    GoogLeNet(width=0.25),
]


def both(module: nn.Module, data: Any) -> tuple[onnx.ModelProto, onnx.ModelProto]:
    """The graph as it is written here, and as torch's exporter writes it."""
    network, folds = onnx_file._deployed(module.eval(), data)
    ours = write_layers(network, data.shape)
    assert ours is not None
    weights = onnx_file._weights(module, data, folds)
    return ours, onnx_file._traced(network, weights, data)


def check_same(model: Any, folder: Path) -> None:
    ours, theirs = both(model.build(COLOUR.shape, 10), COLOUR)
    onnx.checker.check_model(ours, full_check=True)
    assert graph_digest(ours.graph) == graph_digest(theirs.graph)
    answers = list[Any]()
    for name, graph in (("ours", ours), ("theirs", theirs)):
        onnx.save(graph, folder / name)
        answers.append(RUNTIME.open(folder / name, 1).predict(COLOUR.train.images, 4))
    assert np.array_equal(*answers)


@pytest.mark.parametrize("model", [*SMALL, ACTIVATIONS[0]], ids=str)
def test_a_graph_is_that_of_torchs_exporter(model: Any, tmp_path: Path) -> None:
    check_same(model, tmp_path)


@pytest.mark.contracts
@pytest.mark.parametrize("model", [*ACTIVATIONS[1:], *LARGE], ids=str)
def test_graphs_of_all_families_are_those_of_torchs_exporter(model: Any, tmp_path: Path) -> None:
    check_same(model, tmp_path)


def test_groups_of_channels_are_executed_as_torchs_exporter_has_them(tmp_path: Path) -> None:
    graphs = both(SmallCNN(width=16, depth=2, norm="group").build(SHAPE, 10), DATA)
    keys = list[str]()
    for index, graph in enumerate(graphs):
        onnx.save(graph, tmp_path / f"{index}.onnx")
        keys.append(RUNTIME.graph_key(tmp_path / f"{index}.onnx", 1))
    assert keys[0] == keys[1]


@pytest.mark.parametrize("model", [*SMALL, *ACTIVATIONS, *LARGE], ids=str)
def test_every_family_is_written_without_torchs_exporter(
    model: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(onnx_file, "_trace")
    RUNTIME.export(model.build(COLOUR.shape, 10), COLOUR, tmp_path / "net.onnx")
    assert (tmp_path / "net.onnx").is_file()


class Odd(nn.Module):
    """A net of a known layer that calls it in a way of its own."""

    def __init__(self, last: Any) -> None:
        super().__init__()
        self.linear = nn.Linear(int(np.prod(SHAPE)), 10)
        self.last = last

    def forward(self, images: Tensor) -> Tensor:
        return self.last(self.linear(images.flatten(1)))


@pytest.mark.parametrize(
    "last",
    [
        nn.Softsign(),
        torch.exp,
        lambda logits: logits if logits.sum() > 0 else -logits,
        lambda logits: (logits, logits),
        lambda logits: logits[:, :, None],
        lambda logits: torch.mul(logits, logits, out=None),
        lambda logits: logits.mean(1, keepdim=True),
        nn.Linear(10, 10, bias=False),
        nn.AdaptiveAvgPool1d(2),
    ],
)
def test_what_is_not_known_is_not_written(last: Any) -> None:
    assert write_layers(onnx_file._deployed(Odd(last), DATA)[0], SHAPE) is None


class Calls(nn.Module):
    """A net of functions and methods, as users write them."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(SHAPE[0], 4, 3, padding=1), nn.BatchNorm2d(4)
        self.narrow, self.linear = nn.Conv2d(4, 4, 1, bias=False), nn.Linear(20, 10)

    def forward(self, images: Tensor) -> Tensor:
        first = functional.relu(self.conv(images))
        second = torch.relu(self.norm(first) + self.narrow(first)) * 0.5
        second += torch.mul(first, second)
        third = functional.adaptive_avg_pool2d(torch.cat([first, second], dim=1), (1, 1))
        pooled = [torch.flatten(third, 1), second.mean((2, 3)), first.mean([2, 3])]
        wide = torch.cat([*pooled, torch.add(pooled[1], pooled[2])], 1)
        return self.linear(wide) - 1.0


def test_functions_are_written_as_layers_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(onnx_file, "_trace")
    torch.manual_seed(0)
    module, path = Calls().eval(), tmp_path / "net.onnx"
    RUNTIME.export(module, DATA, path)
    other = Calls().eval()
    RUNTIME.rewrite(path, other, DATA, tmp_path / "other.onnx")
    RUNTIME.check(tmp_path / "other.onnx", other, DATA)


def test_a_net_that_ends_in_something_else_is_not_written() -> None:
    class Early(nn.Module):
        def forward(self, images: Tensor) -> Tensor:
            logits = images.flatten(1)
            logits.relu_()
            torch.relu(logits)
            return logits

    assert write_layers(onnx_file._deployed(Early(), DATA)[0], SHAPE) is None


def test_a_graph_that_answers_otherwise_is_exported_by_torch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tanh = layer_graph.LAYERS[nn.Tanh]
    monkeypatch.setitem(layer_graph.LAYERS, nn.ReLU, tanh)
    RUNTIME.export(build(depth=1), DATA, tmp_path / "net.onnx")
    assert "Tanh" not in {one.op_type for one in onnx.load(tmp_path / "net.onnx").graph.node}


def test_groups_follow_the_channels_of_a_pruned_net(tmp_path: Path) -> None:
    dense = SmallCNN(width=16, depth=2, norm="group").build(SHAPE, 10)
    thin = pruned(dense)
    RUNTIME.export(thin, DATA, tmp_path / "thin.onnx")
    RUNTIME.check(tmp_path / "thin.onnx", thin, DATA)
