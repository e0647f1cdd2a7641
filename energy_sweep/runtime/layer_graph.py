"""ONNX graphs written layer by layer, for networks of common layers: what takes torch's exporter
seconds of a processor takes milliseconds here.

The operators are those that the exporter would write for the same layers. A network with any other
layer, or that fx cannot trace, is none for this; and whoever writes a graph compares its answers
with those of the network.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import fx, nn
from torch.fx.passes.shape_prop import ShapeProp

from energy_sweep.runtime.function_operators import BY_NAME, FUNCTIONS
from energy_sweep.runtime.graph import BATCH
from energy_sweep.runtime.graph_writer import GraphWriter, Unknown
from energy_sweep.runtime.layer_operators import LAYERS, input_of, shape_of

if TYPE_CHECKING:
    import onnx

OPSET, IR_VERSION = 20, 10


def write_layers(network: nn.Module, shape: Sequence[int]) -> onnx.ModelProto | None:
    """The graph of a network of uint8 images, of which one has `shape`; None where it has a layer
    that is not known here."""
    try:
        return _written(network, shape)
    except Unknown:
        return None


def _written(network: nn.Module, shape: Sequence[int]) -> onnx.ModelProto:
    try:
        traced = fx.symbolic_trace(network)
        with torch.no_grad():
            ShapeProp(traced).propagate(torch.zeros((2, *shape), dtype=torch.uint8))
    except MemoryError:
        raise
    except Exception as error:  # tracing runs code of others, which may raise anything
        raise Unknown(f"fx cannot trace the network: {error}") from error
    writer, values = GraphWriter(), dict[fx.Node, str]()
    for node in traced.graph.nodes:
        if node.op == "output":
            return _model(writer, values, node.args[0], shape)
        values[node] = _value(writer, node, values, traced)
    raise Unknown("the network has no output")


def _value(
    writer: GraphWriter, node: fx.Node, values: dict[fx.Node, str], traced: fx.GraphModule
) -> str:
    """Write what a node of the trace does; gives the name of its value."""
    if node.op == "placeholder":
        return "images"
    if node.op == "get_attr":
        tensor = operator.attrgetter(str(node.target))(traced)
        return writer.number(str(node.target), tensor.detach().numpy())
    if node.op == "call_module":
        module = traced.get_submodule(str(node.target))
        write = LAYERS.get(type(module))
        if write is None or len(node.args) != 1 or node.kwargs:
            raise Unknown(f"{node.target} is a {type(module).__name__}")
        return write(writer, node, module, values[input_of(node)])
    name = str(getattr(node.target, "__name__", node.target))
    write_call = FUNCTIONS.get(node.target) or BY_NAME.get(name)
    if write_call is None:
        raise Unknown(f"the network calls {name}")
    return write_call(writer, node, values)


def _model(
    writer: GraphWriter, values: dict[fx.Node, str], last: Any, shape: Sequence[int]
) -> onnx.ModelProto:
    """The whole graph, whose last node gives the logits."""
    import onnx

    if not isinstance(last, fx.Node) or len(shape_of(last)) != 2 or not writer.nodes:
        raise Unknown("the network gives something else than logits")
    writer.nodes[-1].output[0] = "logits"
    if values[last] != f"value_{len(writer.nodes) - 1}":
        raise Unknown("the network does not end with its logits")
    kinds, make = onnx.TensorProto, onnx.helper
    graph = make.make_graph(
        writer.nodes,
        "main_graph",
        [make.make_tensor_value_info("images", kinds.UINT8, [BATCH, *shape])],
        [make.make_tensor_value_info("logits", kinds.FLOAT, [BATCH, shape_of(last)[1]])],
        [onnx.numpy_helper.from_array(value, name) for name, value in writer.numbers.items()],
    )
    opsets = [make.make_opsetid("", OPSET)]
    return make.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION)
