"""What compression saves on the runtime that serves the model: dense fp32 joules over compressed.

    python -m benchmarks.compression [--runtime openvino] [--only "small_cnn int8"]

One thread, one process; the nets of a row are measured in turn, and a ratio is the median over
turns. Weights are untrained, which changes no kernel; images are those of mnist5k.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import statistics
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn

from energy_sweep.compression import Magnitude, Prune, Quantize
from energy_sweep.dataset.base import Data
from energy_sweep.dataset.mnist5k import Mnist5k
from energy_sweep.meter import open_meter
from energy_sweep.meter.base import Meter, Work
from energy_sweep.model.mobilenet import MobileNet
from energy_sweep.model.resnet import ResNet
from energy_sweep.model.small_cnn import SmallCNN
from energy_sweep.runtime import Inductor, OnnxRuntime, OpenVino
from energy_sweep.training.loop import network

RUNTIMES: Mapping[str, Any] = {
    one.name: one for one in (OnnxRuntime(), OpenVino(), Inductor(device="cpu"))
}
LEAST_SECONDS = 0.25  # of each reading


@dataclass(frozen=True, kw_only=True)
class Case:
    """A net at a level of pruning, of zeros, and of int8 or not; the ratios that are wanted."""

    name: str
    model: Any
    resolution: int | None = None
    pruned: float = 0.0
    zeroed: float = 0.0
    int8: bool = False
    least: Mapping[int, float] = field(default_factory=dict[int, float])  # by batch
    most: Mapping[int, float] = field(default_factory=dict[int, float])


def cases() -> list[Case]:
    """The rows of the benchmark."""
    resnet, mobile = ResNet(name="resnet18"), MobileNet()
    small, narrow = SmallCNN(width=32), SmallCNN(width=16)
    return [
        Case(name="resnet18 int8", model=resnet, resolution=32, int8=True, least={64: 3.0}),
        Case(name="small_cnn int8", model=small, int8=True, least={64: 1.8}),
        Case(name="small_cnn width 16 int8", model=narrow, int8=True),
        Case(name="mobilenet_v2 int8", model=mobile, resolution=32, int8=True, least={64: 1.5}),
        Case(name="resnet18 prune .75", model=resnet, resolution=32, pruned=0.75),
        Case(
            name="resnet18 prune .75 + int8",
            model=resnet,
            resolution=32,
            pruned=0.75,
            int8=True,
            least={1: 8.0},
        ),
        Case(name="small_cnn prune .75", model=small, pruned=0.75),
        Case(name="small_cnn prune .75 + int8", model=small, pruned=0.75, int8=True),
        Case(
            name="resnet18 zeros .8",
            model=resnet,
            resolution=32,
            zeroed=0.8,
            least={1: 0.9, 64: 0.9},
            most={1: 1.1, 64: 1.1},
        ),
    ]


def main() -> None:
    """Measure side by side, print a table, and last one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--runtime", choices=RUNTIMES, default="onnxruntime")
    parser.add_argument(
        "--only", choices=[case.name for case in cases()], help="the name of one case"
    )
    options = parser.parse_args()
    runtime = RUNTIMES[options.runtime]
    torch.set_num_threads(1)
    rows = list[dict[str, Any]]()
    with contextlib.closing(open_meter("estimate", threads=1)) as meter:
        for case in (one for one in cases() if options.only in (None, one.name)):
            rows += measured(case, runtime, meter, options.repeats)
    for row in rows:
        print(
            f"{row['case']:28} batch {row['batch']:2}  dense {row['dense_joules_per_1000']:8.4f} J"
            f"  compressed {row['joules_per_1000']:8.4f} J per 1,000 images  {row['ratio']:6.2f}x"
            + ("" if row["holds"] is None else f"  {'holds' if row['holds'] else 'MISSES'}")
        )
    facts = {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "vnni": _has_vnni(),
        "runtime": runtime.version,
        "quality": "estimated",
    }
    print(json.dumps({"benchmark": "compression", **facts, "rows": rows}))


def measured(case: Case, runtime: Any, meter: Meter, repeats: int) -> list[dict[str, Any]]:
    """The two nets of a case in turn, at batch 1 and 64."""
    data = Mnist5k(resolution=case.resolution).load()
    dense = network(case.model, data, seed=0).eval()
    rows = list[dict[str, Any]]()
    with tempfile.TemporaryDirectory() as name:
        folder, suffix = Path(name), runtime.suffix
        runtime.export(dense, data, folder / f"dense{suffix}")
        facts = compressed(case, dense, data, folder, runtime)
        sessions = [runtime.open(folder / f"{side}{suffix}", 1) for side in ("dense", "small")]
        for batch in (1, 64):
            pairs = in_turn(sessions, data.validation.images[:64], batch, meter, repeats)
            ratio = statistics.median(dense / small for dense, small in pairs)
            low, high = case.least.get(batch), case.most.get(batch)
            wanted = low is not None or high is not None
            holds = (low or 0.0) <= ratio <= (high or float("inf"))
            rows.append(
                {
                    "case": case.name,
                    "batch": batch,
                    "dense_joules_per_1000": 1e3 * statistics.median(pair[0] for pair in pairs),
                    "joules_per_1000": 1e3 * statistics.median(pair[1] for pair in pairs),
                    "ratio": ratio,
                    "ratios": [dense / small for dense, small in pairs],
                    "least": low,
                    "most": high,
                    "holds": holds if wanted else None,
                    **facts,
                }
            )
    return rows


def compressed(
    case: Case, dense: nn.Module, data: Data, folder: Path, runtime: Any
) -> dict[str, Any]:
    """Write the compressed file; gives what it achieved."""
    module, example, facts = dense, torch.zeros(1, *data.shape), dict[str, Any]()
    pruning = Prune().suited(runtime.channel_multiple)
    for technique, level in ((pruning, case.pruned), (Magnitude(), case.zeroed)):
        if level:
            module, found = technique.prepare(module, level, example=example)
            facts |= {
                key: found[key] for key in ("removed_weight_bits", "sparsity") if key in found
            }
    target = folder / f"small{runtime.suffix}"
    runtime.export(module.eval(), data, target)
    if case.int8:
        # Untrained nets change class at a breath: the tolerance is for trained ones.
        quantize = Quantize(calibration="minmax", tolerance=1.0)
        source = folder / f"float{runtime.suffix}"
        target.replace(source)
        found = quantize.lower(source, target, 0.75, module=module, data=data, runtime=runtime)
        facts |= {"int8_coverage": found["int8_coverage"]}
    return {**facts, "bytes": target.stat().st_size}


def in_turn(
    sessions: list[Any], images: Any, batch: int, meter: Meter, repeats: int
) -> list[tuple[float, float]]:
    """Joules per image of each session, turn by turn."""
    passes = [_passes(session, images, batch, meter) for session in sessions]
    turns = list[tuple[float, float]]()
    for _ in range(repeats):
        found = [
            _joules(session, images, batch, meter, count)[0] / (count * len(images))
            for session, count in zip(sessions, passes, strict=True)
        ]
        turns.append((found[0], found[1]))
    return turns


def _passes(session: Any, images: Any, batch: int, meter: Meter) -> int:
    count = 1
    while (seconds := _joules(session, images, batch, meter, count)[1]) < LEAST_SECONDS:
        count = max(2 * count, int(count * LEAST_SECONDS / max(seconds, 1e-6)))
    return count


def _joules(
    session: Any, images: Any, batch: int, meter: Meter, passes: int
) -> tuple[float, float]:
    work = Work(stage="infer", images=passes * len(images), parameters=0, label="infer")
    with meter.window(work) as window:
        for _ in range(passes):
            session.predict(images, batch)
        reading = window.mark(units=passes, images=passes * len(images)).reading
    return reading.joules, reading.seconds


def _has_vnni() -> bool | None:
    """Whether the processor multiplies int8 in one instruction; None where nobody says."""
    try:
        return "vnni" in Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return None


if __name__ == "__main__":
    main()
