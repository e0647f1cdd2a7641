"""What holds for every runtime: it answers as the net does, whatever weights and batches."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from runtime.nets import DATA, SHAPE, build, cancelling, pruned
from torch import nn

from energy_sweep.compression import Halve, Quantize, Technique
from energy_sweep.model.small_cnn import SmallCNN
from energy_sweep.record import BadInput, Infeasible
from energy_sweep.runtime import Eager, Inductor, Mismatch, OnnxRuntime, OpenVino
from energy_sweep.runtime.folding import logits

RUNTIMES: list[Any] = [OnnxRuntime(), OpenVino(), Eager(device="cpu"), Inductor(device="cpu")]


def by_name(runtime: Any) -> str:
    return runtime.name


@pytest.fixture(scope="module", params=RUNTIMES, ids=by_name)
def runtime(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture(scope="module")
def template(runtime: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("export") / f"dense{runtime.suffix}"
    runtime.export(build(), DATA, path)
    return path


def answers(module: nn.Module, images: Any) -> Any:
    return logits(module, torch.from_numpy(images), mean=DATA.mean, std=DATA.std).numpy()


def test_any_number_of_images_at_any_batch(runtime: Any, template: Path) -> None:
    images, threads = DATA.train.images, torch.get_num_threads()
    session, expected = runtime.open(template, 1), answers(build(), images)
    for count, batch in ((2, 64), (3, 2), (0, 4)):  # sizes 2, 1 and 0 to compile for
        found = session.predict(images[:count], batch)
        assert found.dtype == np.float32 and found.shape == (count, 10)
        assert np.allclose(found, expected[:count], atol=1e-4 * np.abs(expected).max())
    assert torch.get_num_threads() == threads


@pytest.mark.no_cover
def test_other_weights_make_the_same_graph_and_other_widths_another(
    runtime: Any, template: Path, tmp_path: Path
) -> None:
    other, path = build(seed=1), tmp_path / f"other{runtime.suffix}"
    runtime.rewrite(template, other, DATA, path)
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]
    runtime.check(path, other, DATA)
    with pytest.raises(Mismatch, match="logits differ"):
        runtime.check(path, build(), DATA)
    assert runtime.graph_key(path, 1) == runtime.graph_key(template, 1)
    thin, narrow = pruned(other), tmp_path / f"thin{runtime.suffix}"
    runtime.export(thin, DATA, narrow)
    runtime.check(narrow, thin, DATA)
    assert narrow.stat().st_size < path.stat().st_size
    assert runtime.graph_key(narrow, 1) != runtime.graph_key(template, 1)


def test_a_file_names_no_path_of_this_machine(template: Path) -> None:
    content = template.read_bytes()
    assert b"site-packages" not in content and b"energy_sweep/" not in content


def test_a_fresh_nets_file_takes_trained_weights(runtime: Any, tmp_path: Path) -> None:
    fresh = SmallCNN(width=8, depth=3).build(SHAPE, 10)
    runtime.export(fresh, DATA, tmp_path / f"fresh{runtime.suffix}")
    path = tmp_path / f"trained{runtime.suffix}"
    runtime.rewrite(tmp_path / f"fresh{runtime.suffix}", build().double(), DATA, path)
    runtime.check(path, build(), DATA)


def test_another_architecture_is_a_mismatch(runtime: Any, template: Path, tmp_path: Path) -> None:
    with pytest.raises(Mismatch):
        runtime.rewrite(template, build(depth=2), DATA, tmp_path / "other")
    assert not list(tmp_path.iterdir())


def test_a_diverged_net_is_infeasible(runtime: Any, template: Path, tmp_path: Path) -> None:
    module = build()
    nn.init.constant_(module.classifier.bias, float("nan"))
    with pytest.raises(Infeasible):
        runtime.rewrite(template, module, DATA, tmp_path / "other")
    assert not list(tmp_path.iterdir())


def test_a_runtime_is_here_and_names_its_library(runtime: Any) -> None:
    runtime.check_here()
    name, version = runtime.version.split()
    assert __import__(name).__version__.startswith(version.split("+")[0])


@pytest.mark.parametrize("runtime", RUNTIMES[1:2] + RUNTIMES[3:], ids=by_name)
@pytest.mark.slow
@pytest.mark.no_cover
def test_halves_are_half_the_file_and_answer_nearly_alike(runtime: Any, tmp_path: Path) -> None:
    module = SmallCNN(width=32, depth=3).build(SHAPE, 10).eval()
    whole, half = (tmp_path / f"{name}{runtime.suffix}" for name in ("whole", "half"))
    runtime.export(module, DATA, whole)
    facts = Halve().lower(whole, half, 0.5, module=module, data=DATA, runtime=runtime)
    assert facts["removed_weight_bits"] == 0.5 and facts["agreement_with_float"] > 0.7
    assert half.stat().st_size < 0.7 * whole.stat().st_size
    expected = answers(module, DATA.train.images)
    found = runtime.open(half, 1).predict(DATA.train.images, 20)
    difference = np.abs(found - expected).max() / np.abs(expected).max()
    assert 1e-5 < difference < 0.1
    assert runtime.graph_key(half, 1) != runtime.graph_key(whole, 1)


@pytest.mark.parametrize("runtime", RUNTIMES[1:2] + RUNTIMES[3:], ids=by_name)
def test_a_net_that_16_bits_are_too_few_for_is_infeasible(runtime: Any, tmp_path: Path) -> None:
    module, whole = cancelling().eval(), tmp_path / f"whole{runtime.suffix}"
    runtime.export(module, DATA, whole)
    with pytest.raises(Infeasible, match="in bf16 the network answers otherwise: logits differ"):
        Halve().lower(whole, tmp_path / "half", 0.5, module=module, data=DATA, runtime=runtime)
    assert [entry.name for entry in tmp_path.iterdir()] == [whole.name]


@pytest.mark.parametrize(
    "runtime",
    [*RUNTIMES[:2], pytest.param(RUNTIMES[3], marks=pytest.mark.contracts)],
    ids=by_name,
)
@pytest.mark.slow
def test_int8_is_a_quarter_of_the_weights_and_answers_nearly_alike(
    runtime: Any, tmp_path: Path
) -> None:
    module, other = (SmallCNN(width=32, depth=3).build(SHAPE, 10).eval() for _ in range(2))
    whole, small, left, again = (tmp_path / f"{name}{runtime.suffix}" for name in "wsla")
    runtime.export(module, DATA, whole)
    quantize = Quantize(calibration="minmax", tolerance=1.0, images=20)
    facts = quantize.lower(whole, small, 0.75, module=module, data=DATA, runtime=runtime)
    assert facts["removed_weight_bits"] == pytest.approx(0.75, abs=0.01)
    assert facts["int8_coverage"] == 1.0 and facts["float_layers"] == []
    assert small.stat().st_size < 0.6 * whole.stat().st_size
    expected = answers(module, DATA.train.images)
    quick = runtime.open_quickly(small).predict(DATA.train.images, 20)
    found = runtime.open(small, 1).predict(DATA.train.images, 20)
    for some in (quick, found):
        assert 1e-3 < np.abs(some - expected).max() / np.abs(expected).max() < 0.1
    runtime.rewrite(whole, other, DATA, again)
    quantize.lower(again, again, 0.75, module=other, data=DATA, runtime=runtime)
    assert runtime.graph_key(again, 1) == runtime.graph_key(small, 1) != runtime.graph_key(whole, 1)
    options = {"method": "percentile", "module": module, "data": DATA}
    calibrated = runtime.calibrate(whole, DATA.train.images, tmp_path, **options)
    first, *others = calibrated.layers
    calibrated.write(left, leave=[first], reduce_range=True)
    assert calibrated.achieved(left)["int8_coverage"] == len(others) / (1 + len(others))


@pytest.mark.parametrize(
    ("technique", "runtime", "says"),
    [
        (Quantize(), Eager(device="cpu"), r"type runtime=onnxruntime\|openvino\|inductor"),
        (
            Quantize(calibration="entropy"),
            Inductor(device="cpu"),
            r"type compression\.calibration=minmax\|percentile",
        ),
        (Halve(), OnnxRuntime(), r"type runtime=openvino\|inductor"),
        (Halve(), Eager(device="cpu"), r"type runtime=openvino\|inductor"),
        (Halve(number="fp16"), Inductor(device="cpu"), "compression.number=bf16"),
        (Halve(number="fp16"), OpenVino(), "compression.number=bf16"),
    ],
)
def test_what_has_no_kernels_is_refused(technique: Technique, runtime: Any, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        technique.check_where(runtime, "cpu")


def test_openvino_computes_in_bf16_or_refuses() -> None:
    import openvino

    able = "BF16" in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    if able:
        Halve().check_where(OpenVino(), "cpu")
        return
    with pytest.raises(BadInput, match="no bf16 instructions"):
        Halve().check_where(OpenVino(), "cpu")


def test_a_compiler_or_a_library_that_is_missing_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BadInput, match="install g"):
        Inductor(device="cpu").check_here()
