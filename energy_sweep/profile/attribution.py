"""Whose time an event of torch's profiler is: the layer's, the optimizer's, or nobody's.

A layer's forward time is that of a named range around its call. Backward runs without the module,
so its time is traced by sequence number: every autograd node carries that of the forward operation
that made it. What cannot be traced (gradients written into parameters) is left unattributed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn
from torch.profiler import record_function

from energy_sweep.model.count import macs_of
from energy_sweep.record import JsonDict

LAYER, NET, WHOLE = "energy_sweep.layer.", "energy_sweep.net", "energy_sweep.whole"
BACKWARD, OPTIMIZER = "autograd::engine::evaluate_function", "Optimizer."
# The net itself, for what it does between its layers: additions, concatenations, flattening.
BETWEEN = ""
MICROSECONDS = 1e-6


@dataclass(slots=True)
class TimeSpent:
    """Seconds on the thread that calls, and on the GPU; `calls` of a layer's forward."""

    calls: int = 0
    forward: float = 0.0
    backward: float = 0.0
    forward_device: float = 0.0
    backward_device: float = 0.0


@dataclass(slots=True)
class TimeAttribution:
    """All time of the events, split so that the parts add up to `whole`.

    `layers` has BETWEEN too; `backward_elsewhere` is backward that belongs to no part of the net
    or cannot be traced; `rest` is batches, loss, and the loop itself.
    """

    whole: float = 0.0
    optimizer: float = 0.0
    backward_elsewhere: float = 0.0
    layers: defaultdict[str, TimeSpent] = field(
        default_factory=lambda: defaultdict[str, TimeSpent](TimeSpent)
    )

    @property
    def explained(self) -> float:
        """Seconds of layers, forward and backward."""
        named = (spent for name, spent in self.layers.items() if name != BETWEEN)
        return sum(spent.forward + spent.backward for spent in named)

    @property
    def rest(self) -> float:
        between = self.layers[BETWEEN]
        known = self.explained + between.forward + between.backward
        return self.whole - known - self.optimizer - self.backward_elsewhere


def leaves(net: nn.Module) -> dict[str, nn.Module]:
    """The layers by name: modules that hold no others."""
    return {name: part for name, part in net.named_modules() if name and not [*part.children()]}


@contextmanager
def named_ranges(net: nn.Module) -> Generator[None]:
    """Put a range of the profiler around every call of the net and of its layers."""
    handles: list[Any] = []
    for name, part in [(NET, net), *((LAYER + n, part) for n, part in leaves(net).items())]:
        opened: list[record_function] = []

        def enter(_: Any, __: Any, name: str = name, opened: Any = opened) -> None:
            opened.append(record_function(name))
            opened[-1].__enter__()

        def leave(_: Any, __: Any, ___: Any, opened: Any = opened) -> None:
            opened.pop().__exit__(None, None, None)

        handles.append(part.register_forward_pre_hook(enter))
        handles.append(part.register_forward_hook(leave, always_call=True))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


@contextmanager
def sizes_of(net: nn.Module, images: int) -> Generator[dict[str, JsonDict]]:
    """Kind, parameters, and what one of `images` costs each layer, once the net has been called."""
    sizes: dict[str, JsonDict] = {}
    handles: list[Any] = []
    for name, part in leaves(net).items():

        def note(part: nn.Module, _: Any, output: Tensor, name: str = name) -> None:
            known = sizes.get(name, {"macs": 0, "output_bytes": 0})
            sizes[name] = {
                "kind": type(part).__name__,
                "parameters": sum(p.numel() for p in part.parameters()),
                "macs": known["macs"] + macs_of(part, output) // images,
                "output_bytes": known["output_bytes"] + output.nbytes // images,
            }

        handles.append(part.register_forward_hook(note))
    try:
        yield sizes
    finally:
        for handle in handles:
            handle.remove()


def attribute_time(events: Iterable[Any]) -> TimeAttribution:
    """Split the time of the profiler's function events; the work ran within one WHOLE range."""
    own = [event for event in events if event.device_type.name == "CPU"]
    makers = _layers_by_node(own)
    found = TimeAttribution()
    net = 0.0
    for event in own:
        seconds = event.time_range.elapsed_us() * MICROSECONDS
        if event.name == WHOLE:
            found.whole += seconds
        elif event.name == NET:
            net += seconds
        elif event.name.startswith(LAYER):
            spent = found.layers[event.name.removeprefix(LAYER)]
            spent.calls, spent.forward = spent.calls + 1, spent.forward + seconds
        elif event.name.startswith(OPTIMIZER):
            found.optimizer += seconds
        elif event.name.startswith(BACKWARD):
            home = makers.get((event.fwd_thread, event.sequence_nr))
            if home is None:
                found.backward_elsewhere += seconds
            else:
                found.layers[home].backward += seconds
    named = sum(spent.forward for name, spent in found.layers.items() if name != BETWEEN)
    found.layers[BETWEEN].forward = net - named
    _add_device(found, own, makers)
    return found


def _layers_by_node(events: Iterable[Any]) -> dict[tuple[int, int], str | None]:
    """Which layer made each autograd node, by (thread, sequence number); None for the loss.

    Operations that make no node carry the number of the next one that does, so of all that carry
    a number the last to start is its maker.
    """
    forward = (e for e in events if e.sequence_nr >= 0 and not _within_backward(e))
    ordered = sorted(forward, key=lambda event: event.time_range.start)
    return {(event.thread, event.sequence_nr): _layer_of(event) for event in ordered}


def _ancestry(event: Any) -> Iterable[Any]:
    while event is not None:
        yield event
        event = event.cpu_parent


def _within_backward(event: Any) -> bool:
    return any(e.name.startswith(BACKWARD) for e in _ancestry(event))


def _layer_of(event: Any) -> str | None:
    """The layer whose range an event is in; BETWEEN in the net alone, None outside of it."""
    for outer in _ancestry(event):
        if outer.name.startswith(LAYER):
            return outer.name.removeprefix(LAYER)
        if outer.name == NET:
            return BETWEEN
    return None


def _add_device(found: TimeAttribution, events: Iterable[Any], makers: Any) -> None:
    """Time of the GPU's kernels, told by the operation that launched them."""
    for event in (e for e in events if e.kernels and not e.is_user_annotation):
        seconds = sum(kernel.duration for kernel in event.kernels) * MICROSECONDS
        root = next((e for e in _ancestry(event) if e.name.startswith(BACKWARD)), None)
        if root is None:
            home = _layer_of(event)
            if home is not None:
                found.layers[home].forward_device += seconds
        else:
            home = makers.get((root.fwd_thread, root.sequence_nr))
            if home is not None:
                found.layers[home].backward_device += seconds
