"""int8 in torch's exported programs, by torchao: what torch's compiler has kernels for on x86."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from energy_sweep.record import JsonDict
from energy_sweep.runtime.program import export, load_program, network_of, save_program

if TYPE_CHECKING:
    from torch import nn
    from torch.fx import GraphModule, Node

    from energy_sweep.runtime.base import Images, RuntimeData

BATCH = 64  # images in a batch of calibration
TAIL = 1e-5  # of the values at either end: what `percentile` leaves out, as ONNX Runtime does
LAYERS = (torch.ops.aten.conv2d.default, torch.ops.aten.linear.default)


class CalibratedProgram:
    """A network that can be written in int8, and some images [N, C, H, W] to find ranges on."""

    def __init__(
        self, module: nn.Module, data: RuntimeData, images: Images, *, method: str
    ) -> None:
        # Only a strict export tells two uses of one ReLU apart.
        program = export(network_of(module, data), data, strict=True)
        self._program, self._data, self._images, self._method = program, data, images, method

    @property
    def layers(self) -> dict[str, str]:
        """The layers that can be quantized, by their names in the program."""
        paths = [_path(node) for node in _layers(self._program.module())]
        return {path: path.removeprefix("network.") for path in paths}

    def write(self, target: Path, *, leave: Collection[str] = (), reduce_range: bool) -> None:
        """Write the program in int8, weights per channel, but for the layers to `leave` in float.

        `reduce_range` keeps activations to 7 bits.
        """
        from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_pt2e

        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")
            watched = prepare_pt2e(
                self._program.module(), _quantizer(leave, self._method, reduce_range)
            )
            for start in range(0, len(self._images), BATCH):
                some = np.ascontiguousarray(self._images[start : start + BATCH])
                watched(torch.from_numpy(some))
            converted = convert_pt2e(watched)
        _drop_unused(converted)
        save_program(export(converted, self._data), target)

    def achieved(self, target: Path) -> JsonDict:
        """The share of weight bits that are gone from `target`, and of its layers that are int8."""
        before, after = self._program.module(), load_program(target).module()
        layers = _layers(after)
        whole = [one for one in layers if all(map(_is_dequantized, one.args[:2]))]
        return {
            "removed_weight_bits": 1 - _weight_bytes(after) / _weight_bytes(before),
            "int8_coverage": len(whole) / len(layers) if layers else 0.0,
        }


def is_int8(program: GraphModule) -> bool:
    """Whether any layer of a program computes in int8."""
    return any(map(_is_dequantized, program.graph.nodes))


def _quantizer(leave: Collection[str], method: str, reduce_range: bool) -> Any:
    from torchao.quantization.pt2e.quantizer import x86_inductor_quantizer as x86

    usual: Any = x86.get_default_x86_inductor_quantization_config(reduce_range=reduce_range)
    observer = _observers()[method]
    ranges = dataclasses.replace(usual.input_activation, observer_or_fake_quant_ctr=observer)
    config = dataclasses.replace(usual, input_activation=ranges, output_activation=ranges)
    quantizer = x86.X86InductorQuantizer().set_global(config)
    for name in leave:
        quantizer.set_module_name_qconfig(name, None)
    return quantizer


def _observers() -> dict[str, Any]:
    from torchao.quantization.pt2e import HistogramObserver, MinMaxObserver

    class PercentileObserver(HistogramObserver):
        """All values but a tail at either end."""

        def calculate_qparams(self) -> Any:
            shares = self.histogram.cumsum(0) / self.histogram.sum()
            edges = torch.linspace(float(self.min_val), float(self.max_val), self.bins + 1)
            low = edges[int(torch.searchsorted(shares, TAIL))]
            high = edges[min(int(torch.searchsorted(shares, 1 - TAIL)) + 1, self.bins)]
            return self._calculate_qparams(low, high)

    return {"minmax": MinMaxObserver, "percentile": PercentileObserver}


def _drop_unused(module: GraphModule) -> None:
    """Without the float weights that the integers were made of."""
    used = {node.target for node in module.graph.nodes if node.op == "get_attr"}
    for name in [name for name, _ in _tensors(module) if name not in used]:
        holder, _, leaf = name.rpartition(".")
        delattr(module.get_submodule(holder), leaf)


def _tensors(module: GraphModule) -> Iterator[tuple[str, torch.Tensor]]:
    yield from module.named_parameters()
    yield from module.named_buffers()


def _layers(module: GraphModule) -> list[Node]:
    return [node for node in module.graph.nodes if node.target in LAYERS]


def _path(node: Node) -> str:
    """The name of a node's layer in the network, by where its forward is."""
    path, _ = list(node.meta["nn_module_stack"].values())[-1]
    return path.removeprefix("L['self'].")


def _is_dequantized(node: Any) -> bool:
    return str(getattr(node, "target", "")).startswith("quantized_decomposed.dequantize")


def _weight_bytes(module: GraphModule) -> int:
    """Bytes of what the layers of a program multiply by, in whatever type."""
    stored, total = dict(_tensors(module)), 0
    for layer in _layers(module):
        weight: Any = layer.args[1]
        while weight.op != "get_attr":
            weight = weight.args[0]
        total += stored[weight.target].nbytes
    return total
