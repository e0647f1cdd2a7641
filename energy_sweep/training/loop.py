"""The only training loop, one epoch at a time.

All randomness is handed in as a generator made from an indexed seed, so an epoch gives the same
weights whether its start was trained just now or loaded from a file.
"""

from __future__ import annotations

import contextlib
import itertools
import math
from collections.abc import Callable, Iterator
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional

from energy_sweep.compression.hooks import TrainingHook
from energy_sweep.dataset.base import Data
from energy_sweep.dataset.on_device import Batch, OnDeviceDataset
from energy_sweep.model.base import Model
from energy_sweep.model.state import DamagedFile, Trainee, load, load_whole, restore, save
from energy_sweep.recipe import GPU_PRECISIONS, indexed_seed
from energy_sweep.record import BadInput, Infeasible

__all__ = [
    "LAYOUTS",
    "Batch",
    "DamagedFile",
    "OnDeviceDataset",
    "Peers",
    "Trainee",
    "TrainingHook",
    "compile_in_place",
    "load",
    "load_whole",
    "network",
    "restore",
    "save",
    "train_epoch",
    "updates",
    "whole_groups",
]

LAYOUTS = {"channels_last": torch.channels_last, "contiguous": torch.contiguous_format}
# Compiled nets and shapes of batches in one process; beyond its limit torch would not compile.
COMPILED_KINDS = 256
# A constant and no GradScaler: its moving scale would be one more state that a branch must carry.
FP16_LOSS_SCALE = 1024.0
_AUTOCAST = {"bf16": torch.bfloat16, "fp16": torch.float16}


class Peers(Protocol):
    """The processes that train one net together, each on its part of every batch."""

    rank: int

    def average(self, value: Tensor) -> Tensor:
        """The mean of a tensor over all of them."""
        ...


def network(
    model: Model,
    data: Data,
    *,
    seed: int,
    device: torch.device | str = "cpu",
    precision: str = "fp32",
    memory_format: torch.memory_format = torch.channels_last,
) -> nn.Module:
    """A fresh network, initialised on the CPU from (seed, "init") alone."""
    with _seed_globals(indexed_seed(seed, "init")):
        module = model.build(data.shape, data.outputs)
    dtype = torch.float64 if precision == "float64" else torch.float32
    return module.to(device=device, dtype=dtype).to(memory_format=memory_format)


def compile_in_place(module: nn.Module) -> None:
    """Let a net be compiled at its first step, for the one shape of its batches.

    Its weights keep their names.
    """
    import torch._dynamo

    torch._dynamo.config.recompile_limit = COMPILED_KINDS
    module.compile(dynamic=False)


def train_epoch(
    trainee: Trainee,
    resident: OnDeviceDataset,
    *,
    batch: int,
    lr_at: Callable[[int], float],
    generator: torch.Generator,
    precision: str = "fp32",
    accumulate: int = 1,
    label_smoothing: float = 0.1,
    acting: TrainingHook | None = None,
    limit: int | None = None,
    peers: Peers | None = None,
) -> float:
    """Train for one epoch and give its mean loss, read from the device once, at the end.

    A step updates the weights by the gradients of `accumulate` batches. `lr_at` maps the step
    within this epoch to the learning rate; `limit` is the most steps to take; `acting` is what a
    compression does meanwhile; `peers` take their parts of the same batches. Infeasible where the
    loss or the weights are no longer finite.
    """
    module, optimizer = trainee.module.train(), trainee.optimizer
    device, steps = resident.labels.device, updates(resident, batch, accumulate)
    steps = steps if limit is None else min(limit, steps)
    scale = FP16_LOSS_SCALE if precision == "fp16" else 1.0
    factor = scale / accumulate
    total = torch.zeros((), device=device)
    dropout_seed = int(torch.randint(2**62, (), generator=generator)) + (peers.rank if peers else 0)
    if acting is not None:
        acting.begin(module)
    with _seed_globals(dropout_seed, device), _set_matmul_precision(precision, device):
        batches = resident.epoch(batch, generator)
        for step in range(steps):
            optimizer.zero_grad(set_to_none=True)
            for images, labels, index in itertools.islice(batches, accumulate):
                with _arithmetic(precision, device):
                    images = images.double() if precision == "float64" else images
                    outputs = _outputs(acting, module, images)
                    loss = _loss(acting, outputs, labels, index, label_smoothing, resident)
                (loss if factor == 1 else loss * factor).backward()
                total += loss.detach()
            _update(optimizer, lr=lr_at(step), scale=scale)
            if acting is not None:
                acting.after_step(module)
    total = peers.average(total) if peers else total
    norm = nn.utils.get_total_norm(list(module.parameters()))
    mean_loss, size = torch.stack((total / (steps * accumulate), norm.to(total.dtype))).tolist()
    if not (math.isfinite(mean_loss) and math.isfinite(size)):
        raise Infeasible("the loss diverged: a smaller lr may help")
    return mean_loss


def updates(resident: OnDeviceDataset, batch: int, accumulate: int = 1) -> int:
    """Updates of the weights in an epoch; BadInput where there is none."""
    return whole_groups(resident.steps(batch), batch, accumulate)


def whole_groups(batches: int, batch: int, accumulate: int) -> int:
    """How often `accumulate` batches fit into an epoch; BadInput where they do not."""
    if batches < accumulate:
        raise BadInput(
            f"accumulate={accumulate}: an epoch has {batches} batches of {batch}; "
            f"type accumulate={batches} or less"
        )
    return batches // accumulate


def _outputs(acting: TrainingHook | None, module: nn.Module, images: Tensor) -> Tensor:
    own = None if acting is None else acting.forward(module, images)
    return module(images) if own is None else own


def _loss(
    acting: TrainingHook | None,
    outputs: Tensor,
    labels: Tensor,
    index: Tensor,
    smoothing: float,
    of: OnDeviceDataset,
) -> Tensor:
    if labels.ndim == 2:  # two kinds: two heads, whose losses are added up
        parts = outputs[:, : of.classes], outputs[:, of.classes :]
        first, second = (
            functional.cross_entropy(part, labels[:, kind], label_smoothing=smoothing)
            for kind, part in enumerate(parts)
        )
        return first + of.second_weight * second
    own = None if acting is None else acting.loss(outputs, labels, index)
    if own is not None:
        return own
    return functional.cross_entropy(outputs, labels, label_smoothing=smoothing)


def _update(optimizer: torch.optim.Optimizer, *, lr: float, scale: float) -> None:
    """One step down the gradients that were gathered, which are `scale` times too large."""
    for group in optimizer.param_groups:
        group["lr"] = lr
    if scale != 1.0:
        parameters = [p for group in optimizer.param_groups for p in group["params"]]
        for gradient in (p.grad for p in parameters if p.grad is not None):
            gradient.div_(scale)
    optimizer.step()


@contextlib.contextmanager
def _seed_globals(seed: int, device: torch.device | None = None) -> Iterator[None]:
    """Run with the global generators of the CPU and of `device` at `seed`, then put them back."""
    on_cuda = device is not None and device.type == "cuda"
    with torch.random.fork_rng(devices=[device] if on_cuda else []):
        torch.default_generator.manual_seed(seed)
        if on_cuda:
            torch.cuda.manual_seed(seed)
        yield


@contextlib.contextmanager
def _set_matmul_precision(precision: str, device: torch.device) -> Iterator[None]:
    """On CUDA, products of float32 in full or, for tf32, rounded; then as they were.

    Convolutions of float32 round by default there, so that fp32 has to be asked for as well.
    """
    backends = (torch.backends.cuda.matmul, torch.backends.cudnn.conv)  # type: ignore[attr-defined]
    before = [backend.fp32_precision for backend in backends]
    try:
        for backend in backends if device.type == "cuda" else ():
            backend.fp32_precision = "tf32" if precision == "tf32" else "ieee"
        yield
    finally:
        for backend, value in zip(backends, before, strict=True):
            backend.fp32_precision = value


def _arithmetic(precision: str, device: torch.device) -> contextlib.AbstractContextManager[Any]:
    """Autocast for bf16 and fp16; BadInput for what the device cannot train in."""
    if precision in GPU_PRECISIONS and device.type != "cuda":
        raise BadInput(
            f"precision={precision} trains on CUDA only: type precision=bf16 or device=cuda"
        )
    if precision in _AUTOCAST:
        return torch.autocast(device.type, dtype=_AUTOCAST[precision])
    return contextlib.nullcontext()
