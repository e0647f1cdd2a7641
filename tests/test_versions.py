"""Code that decides weights or costs has a version: whoever changes the one is asked for the other.

The digests are of syntax trees without docstrings, so comments and wording are free. After a
change, either raise the numbers in `chain.VERSIONS` of the stages it alters, or see that it alters
none; then put the digest that the failure shows here.
"""

from __future__ import annotations

import ast
import hashlib
from pathlib import Path

import pytest

import energy_sweep
from energy_sweep.chain import VERSIONS

HOME = Path(energy_sweep.__file__).parent
ROOMS = {
    "train": ("train.py", "schedule.py", "optimizer.py"),
    "data": (
        *("dataset/base.py", "dataset/cut.py", "dataset/resize.py", "dataset/resident.py"),
        *("dataset/split.py", "dataset/storage.py", "dataset/cache.py", "dataset/arrays.py"),
        *("dataset/digits.py", "dataset/mnist5k.py", "dataset/mnist5k_hard.py"),
        *("dataset/vision.py", "dataset/medmnist.py", "dataset/folder.py"),
        *("dataset/pictures.py", "dataset/duplicates.py", "dataset/likeness.py"),
        *("dataset/sides.py", "dataset/tree.py", "dataset/reader/decode.py"),
        *("dataset/reader/pixels.py", "dataset/reader/resize.py"),
    ),
    "model": (
        "model/base.py",
        "model/layers.py",
        "model/state.py",
        "model/small_cnn.py",
        "model/resnet.py",
        "model/mobilenet.py",
        "model/efficientnet.py",
        "model/googlenet.py",
        "model/family.py",
        "model/weights.py",
    ),
    "compress": (
        *("compression/base.py", "compression/checks.py", "compression/channels.py"),
        "compression/prune.py",
        *("compression/magnitude.py", "compression/masks.py", "compression/sparse.py"),
        *("compression/distill.py", "compression/taught.py", "compression/acting.py"),
        *("compression/quantize.py", "compression/qat.py", "compression/rounded.py"),
        *("compression/weight_only.py", "compression/lowrank.py", "compression/halve.py"),
        *("compression/chain.py", "trial/compress.py", "trial/recalibrate.py", "trial/teach.py"),
    ),
    "deploy": (
        *("runtime/onnxruntime.py", "runtime/onnx_file.py", "runtime/folding.py"),
        *("runtime/graph.py", "runtime/int8.py", "runtime/halves.py", "runtime/openvino.py"),
        *("runtime/program.py", "runtime/eager.py", "runtime/inductor.py"),
        "runtime/pt2e.py",
    ),
    "parallel": ("parallel/gang.py", "parallel/parts.py", "parallel/wire.py", "parallel/worker.py"),
    "chain": (
        *("chain.py", "trial/bench.py", "trial/round.py", "trial/fit.py", "trial/segment.py"),
        *("trial/deployed.py", "trial/infer.py", "trial/stand.py"),
    ),
    # Has a version of its own, in `trial.plan`: other plans have other keys anyway.
    "plan": ("execution.py", "trial/plan.py", "trial/rivals.py"),
}
KNOWN = {
    "train": ("2f083dce585e4ce0", (1, 1, 1, 1, 4, 1, 2, 3, 2)),
    "data": ("56493db079456e9c", (1, 1, 1, 1, 4, 1, 2, 3, 2)),
    "model": ("2331346a051becfc", (1, 1, 1, 1, 4, 1, 2, 3, 2)),
    "compress": ("d7ff5b9f4573d6bf", (1, 1, 1, 1, 4, 1, 2, 3, 2)),
    "deploy": ("aed21c746a3e3aa8", (1, 1, 1, 1, 4, 1, 2, 3, 2)),
    "parallel": ("6f95f0d4dd889e7b", (1, 1, 1, 1, 4, 1, 2, 3, 2)),
    "chain": ("48e041f52fbf2ba4", (1, 1, 1, 1, 4, 1, 2, 3, 2)),
    "plan": ("92bc4f20037cad62", (1, 1, 1, 1, 4, 1, 2, 3, 2)),
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
