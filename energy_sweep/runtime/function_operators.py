"""The ONNX operators of common functions and methods, as torch's exporter writes them."""

from __future__ import annotations

import inspect
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import fx
from torch.nn import functional

from energy_sweep.runtime.graph_writer import GraphWriter, Unknown
from energy_sweep.runtime.layer_operators import input_of, pair, pooled_to


def _to_float(writer: GraphWriter, node: fx.Node, values: dict[fx.Node, str]) -> str:
    if node.args[1:] != (torch.float32,) or node.kwargs:
        raise Unknown("the network changes the type or place of a value")
    return writer.add("Cast", values[input_of(node)], to=1)


def _of_one(operation: str) -> Callable[[GraphWriter, fx.Node, dict[fx.Node, str]], str]:
    return lambda writer, node, values: writer.add(operation, values[input_of(node)])


def _of_two(operation: str) -> Callable[[GraphWriter, fx.Node, dict[fx.Node, str]], str]:
    def write(writer: GraphWriter, node: fx.Node, values: dict[fx.Node, str]) -> str:
        if len(node.args) != 2 or node.kwargs:
            raise Unknown(f"{node.target} with settings")
        names = [
            values[one] if isinstance(one, fx.Node) else writer.constant(one) for one in node.args
        ]
        return writer.add(operation, *names)

    return write


def _concatenated(writer: GraphWriter, node: fx.Node, values: dict[fx.Node, str]) -> str:
    parts, *rest = node.args
    if not isinstance(parts, list | tuple):
        raise Unknown("what is put together is not known")
    axis = {**dict(zip(("dim",), rest, strict=False)), **node.kwargs}.get("dim", 0)
    names = [values[part] for part in parts if isinstance(part, fx.Node)]
    return writer.add("Concat", *names, axis=axis)


def _flattened(writer: GraphWriter, node: fx.Node, values: dict[fx.Node, str]) -> str:
    if node.args[1:] not in ((1,), (1, -1)) or node.kwargs:
        raise Unknown("flatten leaves dimensions")
    return writer.add("Flatten", values[input_of(node)], axis=1)


def _averaged(writer: GraphWriter, node: fx.Node, values: dict[fx.Node, str]) -> str:
    if len(node.args) != 2 or node.kwargs:
        raise Unknown("mean with settings")
    axes = writer.constant(list(pair(node.args[1])), np.int64)
    return writer.add(
        "ReduceMean", values[input_of(node)], axes, keepdims=0, noop_with_empty_axes=0
    )


def _group_norm(writer: GraphWriter, node: fx.Node, values: dict[fx.Node, str]) -> str:
    """Normalise groups of channels, then scale each channel."""
    settings = inspect.signature(functional.group_norm).bind(*node.args, **node.kwargs)
    settings.apply_defaults()
    value, groups, weight, bias, epsilon = settings.arguments.values()
    if weight is None or bias is None:
        raise Unknown("groups whose channels are not scaled")
    parted = writer.add(
        "Reshape", values[value], writer.constant([0, groups, -1], np.int64), allowzero=0
    )
    # As nodes, since numbers of the graph are taken for the weights of a layer.
    ones, zeros = (writer.node_constant(np.full(groups, one, np.float32)) for one in (1, 0))
    normal = writer.add("InstanceNormalization", parted, ones, zeros, epsilon=epsilon)
    whole = writer.add("Reshape", normal, writer.add("Shape", values[value], start=0), allowzero=0)
    column = writer.constant([-1, 1, 1], np.int64)
    scale, shift = (
        writer.add("Reshape", values[part], column, allowzero=0) for part in (weight, bias)
    )
    return writer.add("Add", writer.add("Mul", whole, scale), shift)


def _pooled(writer: GraphWriter, node: fx.Node, values: dict[fx.Node, str]) -> str:
    if len(node.args) != 2 or node.kwargs:
        raise Unknown("a pool with settings")
    return pooled_to(writer, node, node.args[1], values[input_of(node)])


def _unchanged(writer: GraphWriter, node: fx.Node, values: dict[fx.Node, str]) -> str:
    return values[input_of(node)]


Call = Callable[[GraphWriter, fx.Node, dict[fx.Node, str]], str]

FUNCTIONS: dict[Any, Call] = {
    "to": _to_float,
    operator.sub: _of_two("Sub"),
    operator.truediv: _of_two("Div"),
    operator.add: _of_two("Add"),
    operator.iadd: _of_two("Add"),
    torch.add: _of_two("Add"),
    operator.mul: _of_two("Mul"),
    torch.mul: _of_two("Mul"),
    torch.cat: _concatenated,
    torch.flatten: _flattened,
    "flatten": _flattened,
    "mean": _averaged,
    functional.relu: _of_one("Relu"),
    torch.relu: _of_one("Relu"),
    functional.adaptive_avg_pool2d: _pooled,
    functional.group_norm: _group_norm,
}
# Of torchvision, which is not imported for this: what it does in training alone.
BY_NAME: dict[str, Call] = {"stochastic_depth": _unchanged}
