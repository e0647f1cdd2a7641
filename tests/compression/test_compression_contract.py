"""What holds for every technique on every family of nets.

`make contracts` runs the full matrix; every day small_cnn and ResNet-18 see all techniques.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from compression.techniques import FAMILIES, TECHNIQUES, USUAL, title
from torch import Tensor, nn

from energy_sweep.compression import Technique
from energy_sweep.dataset.base import Data
from energy_sweep.dataset.digits import Digits
from energy_sweep.model.base import weight_bits, zero_share
from energy_sweep.record import BadInput
from energy_sweep.runtime import Mismatch, OnnxRuntime, OpenVino
from energy_sweep.runtime.int8 import coverage
from energy_sweep.training.loop import network
from energy_sweep.trial import load_data

RUNTIME = OnnxRuntime()
LEVEL = 0.75
CONTRACTS = pytest.mark.contracts
PAIRS = [
    pytest.param(technique, model, marks=marks, id=f"{title(technique)}-{title(model)}")
    for models, marks in ((USUAL, ()), (FAMILIES, CONTRACTS))
    for technique in TECHNIQUES
    for model in models
]
RELOAD = """
import json, pathlib, sys
import numpy as np, onnxruntime
images, found = np.load(pathlib.Path(sys.argv[1]) / "images.npy"), {}
for path in pathlib.Path(sys.argv[1]).glob("*.onnx"):
    session = onnxruntime.InferenceSession(path)
    parts = [session.run(["logits"], {"images": images[a:b]})[0] for a, b in ((0, 1), (1, 4))]
    found[str(path)] = np.concatenate(parts).tolist()
assert not [name for name in sys.modules if name.startswith(("torch", "energy_sweep"))]
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def data() -> Data:
    return load_data(Digits(fraction=0.4))


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def batches(data: Data) -> Iterator[tuple[Tensor, Tensor]]:
    images = torch.from_numpy(data.train.images[:64]).float()
    mean, std = torch.tensor(data.mean).view(-1, 1, 1), torch.tensor(data.std).view(-1, 1, 1)
    yield (images - mean) / std, torch.from_numpy(data.train.labels[:64]).long()


def settled(module: nn.Module, data: Data) -> nn.Module:
    """The net with norms that know its activations, without which deep nets answer nothing."""
    norms = [part for part in module.modules() if isinstance(part, nn.BatchNorm2d)]
    usual = [norm.momentum for norm in norms]
    for norm in norms:
        norm.momentum = 1.0
    with torch.no_grad():
        module.train()(next(batches(data))[0])
    for norm, momentum in zip(norms, usual, strict=True):
        norm.momentum = momentum
    return module.eval()


def compress(technique: Technique, model: Any, level: float, data: Data) -> tuple[nn.Module, Any]:
    """A net that was never trained, compressed round by round, and what the last file is made of.

    Gives the net and (round, facts) pairs; rounds on the file are left to `lowered`.
    """
    module = settled(network(technique.shape(model, level), data, seed=0), data)
    if (during := technique.in_training(level)) is not None:
        during[0].start(module, during[1], torch.Generator().manual_seed(0))
        acting = during[0].acting(during[1], progress=1.0, teacher=torch.zeros(1, 10))
        assert acting is not None
        acting.begin(module)
    found = list[Any]()
    for one in technique.rounds(level):
        if one.technique.when == "export":
            found.append((one, None))
            continue
        before = {name: value.clone() for name, value in module.state_dict().items()}
        module_before, example = module, torch.zeros(1, *data.shape)
        module, facts = one.technique.prepare(
            module, one.level, example=example, batches=lambda: batches(data)
        )
        after = module_before.state_dict()
        assert all(torch.equal(value, after[name]) for name, value in before.items())
        found.append((one, facts))
    return module.eval(), found


def kept_bits(technique: Technique, model: Any, level: float, data: Data) -> float:
    """The share of the dense net's weights that are neither gone nor zero."""
    module, _ = compress(technique, model, level, data)
    dense = weight_bits(network(model, data, seed=0))
    return weight_bits(module) * (1 - zero_share(module)) / dense


def refused(technique: Technique, model: Any, data: Data) -> bool:
    """Whether the technique says that it cannot take so much of this net."""
    net, example = network(technique.shape(model, LEVEL), data, seed=0), torch.zeros(1, *data.shape)
    try:
        technique.check_net(net, LEVEL, example=example)
    except BadInput as line:
        assert re.search(r"type compression\.level=0\.\d+ or less", str(line))
        return True
    return False


def written(
    technique: Technique, model: Any, data: Data, template: Path, path: Path
) -> tuple[nn.Module, Any]:
    """The file of a compressed net at `path`; the net, and what lowering it achieved."""
    module, rounds = compress(technique, model, LEVEL, data)
    try:
        RUNTIME.rewrite(template, module, data, path)
    except Mismatch:
        RUNTIME.export(module, data, path)
    facts, source = None, path.with_suffix(".float")
    here = technique.runtimes is None or RUNTIME.name in technique.runtimes
    for one, found in rounds:
        if found is None:
            path.replace(source)
            facts = one.technique.lower(
                source,
                path,
                one.level,
                module=module,
                data=data,
                runtime=RUNTIME if here else OpenVino(),
            )
    return module, facts


@pytest.mark.parametrize(("technique", "model"), PAIRS)
def test_level_0_is_the_net_as_it_is(technique: Technique, model: Any) -> None:
    technique.check(0.0)
    assert technique.effective_level(0.0) == 0.0
    assert technique.shape(model, 0.0) == model
    assert technique.in_training(0.0) is None
    assert technique.rounds(0.0) == ()


@pytest.mark.parametrize(("technique", "model"), PAIRS)
@pytest.mark.no_cover
def test_more_is_removed_at_higher_levels(technique: Technique, model: Any, data: Data) -> None:
    if technique.when == "export":
        assert (
            technique.effective_level(0.1)
            <= technique.effective_level(LEVEL)
            <= technique.effective_level(0.99)
        )
        return
    levels = (0.0, 0.5, LEVEL)
    kept = [kept_bits(technique, model, level, data) for level in levels]
    assert kept[0] == 1.0 and all(more > less for more, less in pairwise(kept))
    # Distillation has whole channels and narrow layers to choose among, and no second look.
    slack = 0.25 if technique.wants_teacher else 0.06
    if refused(technique, model, data):
        assert kept[2] > 1 - LEVEL + slack
    else:
        assert kept[2] == pytest.approx(1 - LEVEL, abs=slack)


@pytest.mark.parametrize(
    "model",
    [
        pytest.param(model, id=title(model), marks=() if model is USUAL[0] else CONTRACTS)
        for model in (*USUAL, *FAMILIES)
    ],
)
@pytest.mark.timeout(1200)
@pytest.mark.slow
def test_files_compute_what_nets_compute_in_a_fresh_process_too(
    model: Any, data: Data, tmp_path: Path
) -> None:
    images = np.ascontiguousarray(data.validation.images[:4])
    np.save(tmp_path / "images.npy", images)
    expected, template = dict[str, Any](), tmp_path / "template"
    RUNTIME.export(network(model, data, seed=1), data, template)
    for technique in TECHNIQUES:
        path = tmp_path / f"{title(technique)}.onnx"
        module, facts = written(technique, model, data, template, path)
        found = RUNTIME.open(path, 1).predict(images, 3)  # a batch of three, and one of one
        assert found.shape == (4, 10) and np.isfinite(found).all()
        expected[str(path)] = found
        if facts is None:
            RUNTIME.check(path, module, data)
            continue
        assert facts["removed_weight_bits"] == pytest.approx(
            technique.effective_level(LEVEL), abs=0.01
        )
        if "int8_coverage" in facts:
            assert facts["int8_coverage"] == coverage(path) == 1.0
    done = subprocess.run(
        [sys.executable, "-c", RELOAD, tmp_path], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    again = json.loads(done.stdout)
    assert again.keys() == expected.keys()
    for path, logits in again.items():
        scale = np.abs(expected[path]).max()
        assert np.abs(np.array(logits) - expected[path]).max() <= 1e-3 * scale, path
