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

from energy_sweep.dataset.base import Data
from energy_sweep.dataset.resident import Batch, Resident
from energy_sweep.model.base import Model
from energy_sweep.model.state import DamagedFile, Trainee, load, restore, save
from energy_sweep.recipe import indexed_seed
from energy_sweep.record import BadInput, Infeasible

__all__ = [
    "LAYOUTS",
    "Batch",
    "DamagedFile",
    "Peers",
    "Resident",
    "Technique",
    "Trainee",
    "load",
    "network",
    "recalibrate",
    "restore",
    "save",
    "train_epoch",
]

LAYOUTS = {"channels_last": torch.channels_last, "contiguous": torch.contiguous_format}
LABEL_SMOOTHING = 0.1
# A constant and no GradScaler: its moving scale would be one more state that a branch must carry.
FP16_LOSS_SCALE = 1024.0
_AUTOCAST = {"bf16": torch.bfloat16, "fp16": torch.float16}


class Technique(Protocol):
    """What a compression that acts during training adds to it."""

    def loss(self, outputs: Tensor, targets: Tensor, index: Tensor) -> Tensor | None:
        """The loss of a batch, or None for the loop's own; `index` are positions in the split."""
        ...

    def after_step(self, module: nn.Module, progress: float) -> None:
        """Act on the weights; `progress` is the share of this epoch's steps that are done."""
        ...


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
    with _seeded(indexed_seed(seed, "init")):
        module = model.build(data.shape, len(data.classes))
    dtype = torch.float64 if precision == "float64" else torch.float32
    return module.to(device=device, dtype=dtype).to(memory_format=memory_format)


def train_epoch(
    trainee: Trainee,
    resident: Resident,
    *,
    batch: int,
    lr_at: Callable[[int], float],
    generator: torch.Generator,
    precision: str = "fp32",
    technique: Technique | None = None,
    limit: int | None = None,
    peers: Peers | None = None,
) -> float:
    """Train for one epoch and give its mean loss, read from the device once, at the end.

    `lr_at` maps the step within this epoch to the learning rate; `limit` is the most steps to
    take; `peers` take their parts of the same batches. Infeasible where the loss or the weights
    are no longer finite.
    """
    module, optimizer = trainee.module.train(), trainee.optimizer
    device, steps = resident.labels.device, resident.steps(batch)
    steps = steps if limit is None else min(limit, steps)
    scale = FP16_LOSS_SCALE if precision == "fp16" else 1.0
    total = torch.zeros((), device=device)
    dropout_seed = int(torch.randint(2**62, (), generator=generator)) + (peers.rank if peers else 0)
    with _seeded(dropout_seed, device):
        batches = itertools.islice(resident.epoch(batch, generator), steps)
        for step, (images, labels, index) in enumerate(batches):
            with _arithmetic(precision, device):
                outputs = module(images.double() if precision == "float64" else images)
                loss = _loss(technique, outputs, labels, index)
            _step(optimizer, loss, lr=lr_at(step), scale=scale)
            if technique is not None:
                technique.after_step(module, (step + 1) / steps)
            total += loss.detach()
    total = peers.average(total) if peers else total
    norm = nn.utils.get_total_norm(list(module.parameters()))
    mean_loss, size = torch.stack((total / steps, norm.to(total.dtype))).tolist()
    if not (math.isfinite(mean_loss) and math.isfinite(size)):
        raise Infeasible("the loss diverged: a smaller lr may help")
    return mean_loss


def recalibrate(
    module: nn.Module, resident: Resident, generator: torch.Generator, images: int = 1024
) -> None:
    """Set the statistics of batch norms anew, as plain means over about `images` images.

    Nothing else changes, and nothing at all where there is no batch norm.
    """
    norms = [part for part in module.modules() if isinstance(part, nn.modules.batchnorm._BatchNorm)]
    norms = [norm for norm in norms if norm.track_running_stats]
    if not norms:
        return
    batch = min(128, images, len(resident))
    dtype = next(module.parameters()).dtype
    modes = {part: part.training for part in module.modules()}
    momenta = {norm: norm.momentum for norm in norms}
    module.eval()
    try:
        for norm in norms:
            norm.reset_running_stats()
            norm.momentum = None
            norm.train()
        with torch.no_grad():
            for part in itertools.islice(resident.epoch(batch, generator), images // batch):
                module(part.images.to(dtype))
    finally:
        for norm, momentum in momenta.items():
            norm.momentum = momentum
        for part, mode in modes.items():
            part.training = mode


def _loss(technique: Technique | None, outputs: Tensor, labels: Tensor, index: Tensor) -> Tensor:
    own = None if technique is None else technique.loss(outputs, labels, index)
    if own is not None:
        return own
    return functional.cross_entropy(outputs, labels, label_smoothing=LABEL_SMOOTHING)


def _step(optimizer: torch.optim.Optimizer, loss: Tensor, *, lr: float, scale: float) -> None:
    """One optimizer step down the gradient of `loss`, which is scaled up on the way."""
    for group in optimizer.param_groups:
        group["lr"] = lr
    optimizer.zero_grad(set_to_none=True)
    (loss * scale).backward()
    if scale != 1.0:
        parameters = [p for group in optimizer.param_groups for p in group["params"]]
        for gradient in (p.grad for p in parameters if p.grad is not None):
            gradient.div_(scale)
    optimizer.step()


@contextlib.contextmanager
def _seeded(seed: int, device: torch.device | None = None) -> Iterator[None]:
    """Run with the global generators of the CPU and of `device` at `seed`, then put them back."""
    on_cuda = device is not None and device.type == "cuda"
    with torch.random.fork_rng(devices=[device] if on_cuda else []):
        torch.default_generator.manual_seed(seed)
        if on_cuda:
            torch.cuda.manual_seed(seed)
        yield


def _arithmetic(precision: str, device: torch.device) -> contextlib.AbstractContextManager[Any]:
    """Autocast for bf16 and fp16; BadInput for what the device cannot train in."""
    if precision == "fp16" and device.type != "cuda":
        raise BadInput("precision=fp16 trains on CUDA only: type precision=bf16 or device=cuda")
    if precision in _AUTOCAST:
        return torch.autocast(device.type, dtype=_AUTOCAST[precision])
    return contextlib.nullcontext()
