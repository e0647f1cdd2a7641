"""Where the time of a net goes, layer by layer: torch's profiler, outside every energy window.

It says nothing of joules: those are metered for whole windows, and layers differ in watts.
"""

from __future__ import annotations

import contextlib
import functools
import os
import tempfile
import time
from collections.abc import Callable, Generator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import torch
from torch import profiler

from energy_sweep.meter import open_meter
from energy_sweep.profile.attribution import (
    BETWEEN,
    MICROSECONDS,
    WHOLE,
    TimeAttribution,
    attribute_time,
    leaves,
    named_ranges,
    sizes_of,
)
from energy_sweep.recipe import Recipe, of_one_process
from energy_sweep.record import JsonDict, to_json
from energy_sweep.store import StageStore
from energy_sweep.trial.context import TrialContext

STEPS, TRIES = 3, 4
OPERATORS = 15
HUSH = {"KINETO_LOG_LEVEL": "99", "TORCH_CPP_LOG_LEVEL": "ERROR"}


def profile_in_process(recipe: Recipe) -> JsonDict:
    """`profile` in a process of its own.

    The buffers of torch's profiler stay in its process, where the meter would count them as memory
    of the trials that follow.
    """
    with _silence_warnings(), ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        return process.submit(profile, recipe).result()


@contextlib.contextmanager
def _silence_warnings() -> Generator[None]:
    """Let processes that start now leave out what torch tells its own developers on stderr."""
    before = {name: os.environ.get(name) for name in HUSH}
    os.environ.update({name: text for name, text in HUSH.items() if before[name] is None})
    try:
        yield
    finally:
        for name in (name for name in HUSH if before[name] is None):
            del os.environ[name]


def profile(recipe: Recipe) -> JsonDict:
    """Time of every layer in a few training steps and inference passes, as plain values.

    The net is a fresh dense one, since time does not depend on weights. No window is opened and
    nothing is kept.
    """
    recipe = of_one_process(recipe)
    store = StageStore(Path(tempfile.gettempdir()), meter_id="none")
    context = TrialContext(recipe, meter=open_meter("replay"), store=store)
    with recipe.device.running(levers=False):
        trainee = context.trainer.dense_trainee()
        net, steps = trainee.module, min(STEPS, context.trainer.steps)
        images = _images(context)
        with sizes_of(net, len(images)) as sizes:
            _infer(net, images, 1)
        seen = {name: sizes.get(name) for name in leaves(net)}
        rest = functools.partial(
            context.trainer.steps_at_rest, trainee, context.trainer.resident, steps
        )
        training = _profile_work(context, net, rest, steps)
        passes = functools.partial(_infer, net, images, steps)
        inference = _profile_work(context, net, passes, steps)
    return {
        "model": recipe.model.name,
        "dataset": recipe.dataset.name,
        "precision": recipe.precision,
        "plan": to_json(context.plan),
        "device": context.device,
        "threads": recipe.device.threads,
        "machine": context.machine,
        "training": {"batch": recipe.batch, "steps": steps, **_table(training, seen, steps)},
        "inference": {"batch": len(images), "steps": steps, **_table(inference, seen, steps)},
    }


def _images(context: TrialContext) -> torch.Tensor:
    """A batch as inference would see it, in the arithmetic of the weights."""
    size = min(context.recipe.inference_batch, len(context.trainer.resident))
    batch = next(context.trainer.resident.epoch(size, context.trainer.generator("profile")))
    return batch.images.double() if context.recipe.precision == "float64" else batch.images


def _infer(net: torch.nn.Module, images: torch.Tensor, passes: int) -> None:
    net.eval()
    with torch.no_grad():
        for _ in range(passes):
            net(images)


def _profile_work(
    context: TrialContext, net: torch.nn.Module, work: Callable[[], Any], steps: int
) -> dict[str, Any]:
    """Do the work once to wake it up, then by the clock alone, then under the profiler.

    Of several tries the fastest counts, as a whole: other programs disturbed it least.
    """
    synchronize = context.recipe.device.synchronize or (lambda: None)

    def whole() -> None:
        work()
        synchronize()

    whole()
    seconds, cpu_seconds = min(_time_work(whole) for _ in range(TRIES))
    on_cuda = context.device == "cuda"
    with named_ranges(net):
        tries = [_record_events(whole, steps, on_cuda=on_cuda) for _ in range(TRIES)]
    best = min(tries, key=lambda found: found["account"].whole)
    clock = {
        "plain_step_seconds": seconds / steps,
        "plain_step_cpu_seconds": cpu_seconds / steps,
    }
    return clock | best


def _time_work(work: Callable[[], Any]) -> tuple[float, float]:
    begun, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - begun, time.process_time() - cpu


def _record_events(work: Callable[[], Any], steps: int, *, on_cuda: bool) -> dict[str, Any]:
    if on_cuda:
        torch.cuda.reset_peak_memory_stats()
    activities = [profiler.ProfilerActivity.CPU] + [profiler.ProfilerActivity.CUDA] * on_cuda
    recorder = profiler.profile(activities=activities, profile_memory=True)
    with recorder as found, profiler.record_function(WHOLE):
        work()
    return {
        "account": attribute_time(found.events() or []),
        "peak_memory_bytes": _peak_of_tensors(found),
        "device_peak_memory_bytes": torch.cuda.max_memory_allocated() if on_cuda else None,
        "operators": _operators(found, steps),
    }


def _peak_of_tensors(found: Any) -> int | None:
    """The most that tensors on the CPU held at once, above what they held when it began."""
    held = peak = 0
    events = found.profiler.kineto_results.events()
    changes = [event for event in events if event.name() == "[memory]"]
    for change in sorted(changes, key=lambda event: event.start_ns()):
        if change.device_type().name == "CPU":
            held += change.nbytes()
            peak = max(peak, held)
    return peak if changes else None


def _operators(found: Any, steps: int) -> list[JsonDict]:
    rows = [row for row in found.key_averages() if not row.is_user_annotation]
    rows.sort(key=lambda row: row.self_cpu_time_total + row.self_device_time_total, reverse=True)
    return [
        {
            "name": row.key,
            "calls": row.count / steps,
            "self_seconds": row.self_cpu_time_total * MICROSECONDS / steps,
            "self_device_seconds": row.self_device_time_total * MICROSECONDS / steps,
        }
        for row in rows[:OPERATORS]
    ]


def _table(found: dict[str, Any], sizes: dict[str, JsonDict | None], steps: int) -> JsonDict:
    """What was found, for one step; layers in the order of the net, what is between them last."""
    split: TimeAttribution = found.pop("account")
    between = split.layers[BETWEEN]
    return {
        "step_seconds": split.whole / steps,
        "explained": split.explained / split.whole,
        "parts": {
            "layers": split.explained / steps,
            "between_layers": (between.forward + between.backward) / steps,
            "backward_not_attributed": split.backward_elsewhere / steps,
            "optimizer": split.optimizer / steps,
            "rest": split.rest / steps,
        },
        **found,
        "layers": [
            _row(split, name, sizes[name], steps)
            for name in sizes
            if sizes[name] is not None and name in split.layers
        ]
        + [_row(split, BETWEEN, None, steps)],
    }


def _row(split: TimeAttribution, name: str, sizes: JsonDict | None, steps: int) -> JsonDict:
    spent = split.layers[name]
    none: JsonDict = dict.fromkeys(("kind", "parameters", "macs", "output_bytes"))
    return {
        "layer": name or "(between layers)",
        **none,
        **(sizes or {}),
        "calls": spent.calls / steps if name else None,
        "forward_seconds": spent.forward / steps,
        "backward_seconds": spent.backward / steps,
        "forward_device_seconds": spent.forward_device / steps,
        "backward_device_seconds": spent.backward_device / steps,
        "share": (spent.forward + spent.backward) / split.whole,
    }
