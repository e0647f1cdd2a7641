"""The sides of `benchmarks.loop`, each in a process of its own, which keeps its nets warm.

Each function times one epoch on one thread and gives its CPU seconds.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from typing import Any

import torch
from torch.nn import functional

from benchmarks.loop_cases import SHIFT, Case
from energy_sweep.device.allocator import keep_freed_memory
from energy_sweep.optimizer import SGD
from energy_sweep.training.loop import OnDeviceDataset, Trainee, network, train_epoch

LR = 0.01
LAYOUTS = {"channels_last": torch.channels_last, "contiguous": torch.contiguous_format}
PLANS = tuple((precision, layout) for precision in ("fp32", "bf16") for layout in LAYOUTS)
EQUAL = ("fp32", "channels_last")
Plan = tuple[str, str]
_sides: dict[str, Callable[[], float]] = {}
_held = contextlib.ExitStack()  # for as long as this process lives


def start_ours(case: Case) -> dict[str, Any]:
    """Find the cheapest plan and get its sides ready; gives the plan and what each plan took."""
    torch.set_num_threads(1)
    _held.enter_context(keep_freed_memory())  # as a trial does
    data = case.load()
    found: dict[Plan, float] = {}
    for plan in PLANS:
        run = _Loop(case, data, plan)
        run(limit=1)
        found[plan] = min(run(limit=max(1, case.steps // 6)) for _ in range(2))
    best = min(found, key=lambda plan: found[plan])
    _sides["loop"] = run = _Loop(case, data, best)
    _sides["limit"] = _constant(run.trainee, run.resident, case, best[0])
    _sides["fp32"] = run
    if best != EQUAL:
        _sides["fp32"] = equal = _Loop(case, data, EQUAL)
        equal()
    run()
    _sides["limit"]()
    return {"plan": best, "seconds": {" ".join(plan): value for plan, value in found.items()}}


def start_people(case: Case, lightning: bool) -> dict[str, Any]:
    """Get the usual loop ready and, where it is asked for and installed, Lightning's."""
    torch.set_num_threads(1)
    _sides["people"] = _usual(case)
    _sides["people"]()
    if not lightning:
        return {}
    from benchmarks.loop_lightning import lightning_side

    _sides["lightning"] = lightning_side(_loader(case), _plain_net(case))
    _sides["lightning"]()
    return {}


def time_side(name: str) -> float:
    """CPU seconds of one epoch of a side."""
    return _sides[name]()


class _Loop:
    """Our loop under a plan: real batches, moved, in a new order each epoch."""

    def __init__(self, case: Case, data: Any, plan: Plan) -> None:
        self.precision, layout = plan
        module = network(
            case.build(), data, seed=0, precision=self.precision, memory_format=LAYOUTS[layout]
        )
        self.trainee = Trainee(module, SGD().build(module, LR))
        self.resident = OnDeviceDataset(data.train, data, "cpu", LAYOUTS[layout])
        self.batch, self.epoch = case.batch, 0

    def __call__(self, limit: int | None = None) -> float:
        self.epoch += 1
        begun = time.process_time()
        train_epoch(
            self.trainee,
            self.resident,
            batch=self.batch,
            lr_at=lambda _: LR,
            generator=torch.Generator().manual_seed(self.epoch),
            precision=self.precision,
            limit=limit,
        )
        return time.process_time() - begun


def _constant(trainee: Trainee, resident: OnDeviceDataset, case: Case, precision: str) -> Any:
    """The limit: the same net, optimizer and arithmetic on one batch that is at hand already."""
    module, optimizer = trainee.module, trainee.optimizer
    images, labels, _ = next(resident.epoch(case.batch, torch.Generator()))

    def run() -> float:
        module.train()
        begun = time.process_time()
        for _ in range(case.steps):
            optimizer.zero_grad(set_to_none=True)
            bf16 = precision == "bf16"
            with torch.autocast("cpu", torch.bfloat16) if bf16 else contextlib.nullcontext():
                loss = functional.cross_entropy(module(images), labels, label_smoothing=0.1)
            loss.backward()
            optimizer.step()
        return time.process_time() - begun

    return run


class Pictures(torch.utils.data.Dataset[Any]):
    """Images as torchvision's data sets give them: one PIL image at a time, then transforms."""

    def __init__(self, case: Case) -> None:
        from torchvision import transforms

        data = case.load()
        images = data.train.images
        self.images = images[:, 0] if case.shape[0] == 1 else images.transpose(0, 2, 3, 1)
        self.labels = data.train.labels.tolist()
        self.transform = transforms.Compose(
            [
                transforms.RandomCrop(case.shape[1:], padding=SHIFT),
                transforms.ToTensor(),
                transforms.Normalize([m / 255 for m in data.mean], [s / 255 for s in data.std]),
            ]
        )

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Any, int]:
        from PIL import Image

        return self.transform(Image.fromarray(self.images[index])), self.labels[index]


def _loader(case: Case) -> Any:
    return torch.utils.data.DataLoader(Pictures(case), batch_size=case.batch, shuffle=True)


def _plain_net(case: Case) -> torch.nn.Module:
    torch.manual_seed(0)
    return case.build().build(case.shape, 10)


def _usual(case: Case) -> Callable[[], float]:
    """What people write: a DataLoader of PIL images, fp32 as it comes, two `.item()` each step."""
    net, loader, part = _plain_net(case), _loader(case), SGD()
    optimizer = torch.optim.SGD(
        net.parameters(),
        lr=LR,
        momentum=part.momentum,
        nesterov=part.nesterov,
        weight_decay=part.weight_decay,
    )
    criterion = torch.nn.CrossEntropyLoss()

    def run() -> float:
        net.train()
        losses = accuracies = 0.0
        begun = time.process_time()
        for images, labels in loader:
            optimizer.zero_grad()
            outputs = net(images)
            loss = criterion(outputs, labels)
            loss.backward()
            optimizer.step()
            losses += loss.item()
            accuracies += (outputs.argmax(1) == labels).float().mean().item()
        return time.process_time() - begun

    return run
