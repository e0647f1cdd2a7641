"""Exported graphs: the same answers as torch, other weights in the same graph, and their keys."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from runtime.nets import DATA, SHAPE, build, pruned
from torch import nn

from energy_sweep.model.small_cnn import SmallCNN
from energy_sweep.record import Infeasible
from energy_sweep.runtime import Mismatch, OnnxRuntime
from energy_sweep.runtime.folding import logits

RUNTIME = OnnxRuntime()


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("export") / "dense.onnx"
    RUNTIME.export(build(), DATA, path)
    return path


def difference(path: Path, module: nn.Module, batch: int = 7) -> float:
    images = DATA.train.images
    expected = logits(module, torch.from_numpy(images), mean=DATA.mean, std=DATA.std).numpy()
    found = RUNTIME.open(path, 1).predict(images, batch)
    assert found.dtype == np.float32
    return float(np.abs(found - expected).max() / np.abs(expected).max())


@pytest.mark.parametrize("batch", [1, 7, 20, 64])
def test_an_export_answers_as_torch_at_any_batch(template: Path, batch: int) -> None:
    assert difference(template, build(), batch) < 1e-4


def test_no_images_give_no_logits(template: Path) -> None:
    assert RUNTIME.open(template, 1).predict(DATA.train.images[:0], 4).shape == (0, 10)


def test_an_export_is_one_file_without_norms_and_notes(template: Path) -> None:
    assert [path.name for path in template.parent.iterdir()] == ["dense.onnx"]
    model = onnx.load(template)
    onnx.checker.check_model(model, full_check=True)
    assert not {"BatchNormalization"} & {node.op_type for node in model.graph.node}
    assert [note.key for note in model.metadata_props] == ["energy_sweep.folds"]
    assert b".py" not in template.read_bytes()


def test_the_graph_of_an_untrained_network_takes_trained_weights(
    template: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    # Its norms are all zeros and ones, which the exporter would leave out.
    module = SmallCNN(width=8, depth=3).build(SHAPE, 10).to(memory_format=torch.channels_last)
    before = {name: value.clone() for name, value in module.state_dict().items()}
    RUNTIME.export(module, DATA, tmp_path / "net.onnx")
    assert capfd.readouterr() == ("", "")
    assert all(part.training for part in module.modules())
    assert module.block2.conv.weight.is_contiguous(memory_format=torch.channels_last)
    assert all(torch.equal(before[name], value) for name, value in module.state_dict().items())
    RUNTIME.rewrite(tmp_path / "net.onnx", build(), DATA, tmp_path / "trained.onnx")
    assert (tmp_path / "trained.onnx").read_bytes() == template.read_bytes()


def test_other_weights_go_into_the_same_graph(template: Path, tmp_path: Path) -> None:
    other, path = build(seed=1).double(), tmp_path / "other.onnx"
    assert difference(template, other) > 0.1
    RUNTIME.rewrite(template, other, DATA, path)
    assert difference(path, other) < 1e-4
    assert [entry.name for entry in tmp_path.iterdir()] == ["other.onnx"]
    assert RUNTIME.graph_key(path, 1) == RUNTIME.graph_key(template, 1)


def test_a_pruned_network_rewritten_is_the_same_file_as_exported(
    template: Path, tmp_path: Path
) -> None:
    module = pruned(build(seed=2))
    RUNTIME.rewrite(template, module, DATA, tmp_path / "rewritten.onnx")
    RUNTIME.export(module, DATA, tmp_path / "exported.onnx")
    assert (tmp_path / "rewritten.onnx").read_bytes() == (tmp_path / "exported.onnx").read_bytes()
    assert difference(tmp_path / "rewritten.onnx", module) < 1e-4
    assert RUNTIME.graph_key(tmp_path / "exported.onnx", 1) != RUNTIME.graph_key(template, 1)


def test_constants_of_a_networks_own_stay_when_its_weights_change(tmp_path: Path) -> None:
    module, other = (
        nn.Sequential(
            nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4), nn.ReLU6(), nn.Flatten(), nn.Linear(144, 10)
        ).eval()
        for _ in range(2)
    )
    RUNTIME.export(module, DATA, tmp_path / "net.onnx")
    assert difference(tmp_path / "net.onnx", module) < 1e-4
    RUNTIME.rewrite(tmp_path / "net.onnx", other, DATA, tmp_path / "other.onnx")
    assert difference(tmp_path / "other.onnx", other) < 1e-4


@pytest.mark.parametrize(
    "module",
    [build(depth=2), build(depth=4), nn.Sequential(nn.Flatten(), nn.Linear(128, 10))],
    ids=["surplus in the graph", "missing in the graph", "no norms to fold"],
)
def test_another_architecture_is_a_mismatch(
    template: Path, tmp_path: Path, module: nn.Module
) -> None:
    with pytest.raises(Mismatch):
        RUNTIME.rewrite(template, module, DATA, tmp_path / "other.onnx")
    assert not list(tmp_path.iterdir())


def test_equal_names_of_another_function_are_a_mismatch(template: Path, tmp_path: Path) -> None:
    module = build()
    module.block3.activation = nn.Sigmoid()
    with pytest.raises(Mismatch, match="logits differ"):
        RUNTIME.rewrite(template, module, DATA, tmp_path / "other.onnx")


def test_a_strangers_file_is_no_template(template: Path, tmp_path: Path) -> None:
    model = onnx.load(template)
    del model.metadata_props[:]
    onnx.save(model, tmp_path / "stranger.onnx")
    with pytest.raises(Mismatch, match="stranger"):
        RUNTIME.rewrite(tmp_path / "stranger.onnx", build(), DATA, tmp_path / "other.onnx")


def test_check_tells_weights_apart(template: Path, tmp_path: Path) -> None:
    RUNTIME.check(template, build(), DATA)
    with pytest.raises(Mismatch, match="logits differ"):
        RUNTIME.check(template, build(seed=1), DATA)
    with pytest.raises(Mismatch, match="network"):
        RUNTIME.check(template, build(classes=3), DATA)
    (tmp_path / "broken.onnx").write_bytes(b"not a graph")
    with pytest.raises(Mismatch, match="does not run"):
        RUNTIME.check(tmp_path / "broken.onnx", build(), DATA)


def test_a_diverged_network_is_infeasible(template: Path, tmp_path: Path) -> None:
    module = build()
    nn.init.constant_(module.classifier.bias, float("nan"))
    with pytest.raises(Infeasible):
        RUNTIME.rewrite(template, module, DATA, tmp_path / "other.onnx")


def test_a_session_takes_the_threads_it_is_given_and_never_spins(template: Path) -> None:
    options = RUNTIME.open(template, 2).session.get_session_options()
    assert (options.intra_op_num_threads, options.inter_op_num_threads) == (2, 1)
    assert options.get_session_config_entry("session.intra_op.allow_spinning") == "0"


def test_the_version_names_the_library() -> None:
    assert RUNTIME.version.split() == ["onnxruntime", __import__("onnxruntime").__version__]
