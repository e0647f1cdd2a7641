"""The ONNX operators of common layers, as torch's exporter writes them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from torch import fx, nn

from energy_sweep.runtime.graph_writer import GraphWriter, Unknown


def shape_of(node: fx.Node) -> tuple[int, ...]:
    """What shape the value of a node had when the net was traced."""
    return tuple(node.meta["tensor_meta"].shape)


def pair(value: Any) -> list[int]:
    """Two sizes from one number or two."""
    return [value, value] if isinstance(value, int) else list(value)


def input_of(node: fx.Node) -> fx.Node:
    """The node whose value a node reads first."""
    source = node.args[0]
    if not isinstance(source, fx.Node):
        raise Unknown(f"{node.target} of something else than a value")
    return source


def _convolution(writer: GraphWriter, node: fx.Node, module: Any, value: str) -> str:
    if isinstance(module.padding, str) or module.padding_mode != "zeros":
        raise Unknown(f"{node.target} is padded with something else than so many zeros")
    layer = str(node.target)
    weights = [writer.weight(layer, module, "weight")]
    if module.bias is not None:
        weights.append(writer.weight(layer, module, "bias"))
    return writer.add(
        "Conv",
        value,
        *weights,
        auto_pad="NOTSET",
        dilations=list(module.dilation),
        group=module.groups,
        kernel_shape=list(module.kernel_size),
        pads=[*module.padding, *module.padding],
        strides=list(module.stride),
    )


def _norm(writer: GraphWriter, node: fx.Node, module: Any, value: str) -> str:
    parts = ("weight", "bias", "running_mean", "running_var")
    weights = [writer.weight(str(node.target), module, part) for part in parts]
    return writer.add("BatchNormalization", value, *weights, epsilon=module.eps)


def _linear(writer: GraphWriter, node: fx.Node, module: Any, value: str) -> str:
    if len(shape_of(input_of(node))) != 2:
        raise Unknown(f"{node.target} reads more than a list of numbers an image")
    layer = str(node.target)
    weights = [writer.weight(layer, module, part) for part in ("weight", "bias")]
    return writer.add("Gemm", value, *weights, alpha=1.0, beta=1.0, transA=0, transB=1)


def _max_pool(writer: GraphWriter, node: fx.Node, module: Any, value: str) -> str:
    if module.return_indices:
        raise Unknown(f"{node.target} gives indices")
    padding = pair(module.padding)
    return writer.add(
        "MaxPool",
        value,
        auto_pad="NOTSET",
        ceil_mode=int(module.ceil_mode),
        dilations=pair(module.dilation),
        kernel_shape=pair(module.kernel_size),
        pads=[*padding, *padding],
        storage_order=0,
        strides=pair(module.stride),
    )


def _global_pool(writer: GraphWriter, node: fx.Node, module: Any, value: str) -> str:
    return pooled_to(writer, node, module.output_size, value)


def pooled_to(writer: GraphWriter, node: fx.Node, size: Any, value: str) -> str:
    """Write an average over whole channels."""
    if pair(size) != [1, 1]:
        raise Unknown(f"{node.target} averages to more than one pixel")
    return writer.add(
        "ReduceMean", value, writer.constant([-1, -2], np.int64), keepdims=1, noop_with_empty_axes=0
    )


def _flat(writer: GraphWriter, node: fx.Node, module: Any, value: str) -> str:
    if module.start_dim != 1 or module.end_dim != -1:
        raise Unknown(f"{node.target} leaves dimensions")
    return writer.add("Flatten", value, axis=1)


def _gelu(writer: GraphWriter, node: fx.Node, module: Any, value: str) -> str:
    if module.approximate != "none":
        raise Unknown(f"{node.target} is approximate")
    return writer.add("Gelu", value, approximate="none")


def _silu(writer: GraphWriter, node: fx.Node, module: Any, value: str) -> str:
    return writer.add("Mul", value, writer.add("Sigmoid", value))


def _relu6(writer: GraphWriter, node: fx.Node, module: Any, value: str) -> str:
    return writer.add("Clip", value, writer.constant(0.0), writer.constant(6.0))


def _leaky_relu(writer: GraphWriter, node: fx.Node, module: Any, value: str) -> str:
    return writer.add("LeakyRelu", value, alpha=module.negative_slope)


def _same(writer: GraphWriter, node: fx.Node, module: Any, value: str) -> str:
    return value


def _plain(operation: str, **attributes: Any) -> Callable[..., str]:
    return lambda writer, node, module, value: writer.add(operation, value, **attributes)


LAYERS: dict[type, Callable[[GraphWriter, fx.Node, Any, str], str]] = {
    nn.Conv2d: _convolution,
    nn.BatchNorm2d: _norm,
    nn.Linear: _linear,
    nn.MaxPool2d: _max_pool,
    nn.AdaptiveAvgPool2d: _global_pool,
    nn.Flatten: _flat,
    nn.GELU: _gelu,
    nn.SiLU: _silu,
    nn.ReLU6: _relu6,
    nn.LeakyReLU: _leaky_relu,
    nn.ReLU: _plain("Relu"),
    nn.Tanh: _plain("Tanh"),
    nn.Sigmoid: _plain("Sigmoid"),
    nn.Hardswish: _plain("HardSwish"),
    nn.Hardsigmoid: _plain("HardSigmoid", alpha=1 / 6, beta=0.5),
    nn.Identity: _same,
    nn.Dropout: _same,
    nn.Dropout2d: _same,
}
