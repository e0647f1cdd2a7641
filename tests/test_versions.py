"""Code that decides weights or costs has a version: whoever changes the one is asked for the other.

The digests are of syntax trees without docstrings, so comments and wording are free. After a
change, either raise the numbers in `recipe.stages.VERSIONS` of the stages it alters, or see
that it alters none; then put the digest that the failure shows here.
"""

from __future__ import annotations

import ast
import hashlib
from pathlib import Path

import pytest

import energy_sweep
from energy_sweep.recipe.stages import VERSIONS

HOME = Path(energy_sweep.__file__).parent
ROOMS = {
    "train": (*("training/loop.py", "optimizer/schedule.py", "optimizer/optimizers.py"),),
    "data": (
        *("dataset/base.py", "dataset/preprocessing.py", "dataset/resize.py"),
        *("dataset/on_device.py", "dataset/split.py", "dataset/storage.py"),
        *("dataset/cache.py", "dataset/arrays.py", "dataset/digits.py"),
        *("dataset/mnist5k.py", "dataset/mnist5k_hard.py", "dataset/vision.py"),
        *("dataset/medmnist.py", "dataset/folder.py", "dataset/pictures.py"),
        *("dataset/duplicates.py", "dataset/likeness.py", "dataset/sides.py"),
        *("dataset/tree.py", "dataset/reader/decode.py", "dataset/reader/pixels.py"),
        "dataset/reader/resize.py",
    ),
    "model": (
        *("model/base.py", "model/layers.py", "model/state.py", "model/small_cnn.py"),
        *("model/resnet.py", "model/mobilenet.py", "model/efficientnet.py"),
        *("model/googlenet.py", "model/family.py", "model/weights.py"),
    ),
    "compress": (
        *("compression/base.py", "compression/checks.py", "compression/channels.py"),
        *("compression/prune.py", "compression/magnitude.py", "compression/masks.py"),
        *("compression/sparse.py", "compression/distill.py"),
        *("compression/distillation_loss.py", "compression/hooks.py"),
        *("compression/quantize.py", "compression/qat.py"),
        *("compression/fake_quantize.py", "compression/weight_only.py"),
        *("compression/lowrank.py", "compression/halve.py", "compression/chain.py"),
        *("trial/compression/compress.py", "trial/compression/recalibrate.py"),
        "trial/training/teacher.py",
    ),
    "deploy": (
        *("runtime/onnxruntime.py", "runtime/onnx_file.py", "runtime/folding.py"),
        *("runtime/graph.py", "runtime/int8.py", "runtime/halves.py"),
        *("runtime/openvino.py", "runtime/program.py", "runtime/eager.py"),
        *("runtime/inductor.py", "runtime/pt2e.py"),
    ),
    "parallel": (
        *("training/distributed.py", "training/parts.py", "training/connection.py"),
        "training/worker.py",
    ),
    "chain": (
        *("recipe/stages.py", "trial/context.py", "trial/rounds.py"),
        *("trial/training/fit.py", "trial/training/segment.py"),
        *("trial/deployment/deployed.py", "trial/deployment/inference.py"),
        "trial/deployment/benchmark.py",
    ),
    # Has a version of its own, in `trial.autotune.choose`: other plans have other keys anyway.
    "plan": (*("recipe/plan.py", "trial/autotune/choose.py", "trial/autotune/candidates.py"),),
}
KNOWN = {
    "train": ("2123efa3dadce8c7", (1, 1, 1, 1, 4, 1, 2, 3, 2)),
    "data": ("7be09ecf1c09348c", (1, 1, 1, 1, 4, 1, 2, 3, 2)),
    "model": ("4dbd86efd1293f13", (1, 1, 1, 1, 4, 1, 2, 3, 2)),
    "compress": ("180ef1fd66daf613", (1, 1, 1, 1, 4, 1, 2, 3, 2)),
    "deploy": ("873c06d94c03780e", (1, 1, 1, 1, 4, 1, 2, 3, 2)),
    "parallel": ("7a73cd7ddacb05b0", (1, 1, 1, 1, 4, 1, 2, 3, 2)),
    "chain": ("9923e86d1a9d7766", (1, 1, 1, 1, 4, 1, 2, 3, 2)),
    "plan": ("44aef70313521d4f", (1, 1, 1, 1, 4, 1, 2, 3, 2)),
}


def digest_of(names: tuple[str, ...]) -> str:
    total = hashlib.sha256()
    for name in names:
        tree = ast.parse((HOME / name).read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            body = getattr(node, "body", None)
            if isinstance(body, list) and body and _is_docstring(body[0]):
                node.body = body[1:]  # type: ignore[attr-defined]
        total.update(ast.dump(tree).encode())
    return total.hexdigest()[:16]


def _is_docstring(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


@pytest.mark.parametrize("room", ROOMS)
def test_changed_code_was_looked_at(room: str) -> None:
    assert (digest_of(ROOMS[room]), tuple(VERSIONS.values())) == KNOWN[room], room


def test_every_stage_has_a_version() -> None:
    stages = {"prepare", "trunk", "cooldown", "teacher", "compress", "recover"}
    assert set(VERSIONS) == stages | {"export", "evaluate", "infer"}
