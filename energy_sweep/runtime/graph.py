"""Edits and the key of ONNX graphs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from energy_sweep.record import digest
from energy_sweep.runtime.base import Mismatch

if TYPE_CHECKING:
    import onnx

BATCH = "batch"  # the name of the free dimension


def free_widths(model: onnx.ModelProto) -> None:
    """Leave no width in the graph but in its weights, so that it serves narrower networks too.

    Reshapes that flatten become Flatten; inner shapes go, ONNX Runtime infers them itself.
    """
    import onnx

    graph = model.graph
    shapes = {
        value.name: [part.dim_param or part.dim_value for part in value.type.tensor_type.shape.dim]
        for value in (*graph.input, *graph.value_info, *graph.output)
    }
    for node in graph.node:
        before, after = shapes.get(node.input[0], []), shapes.get(node.output[0], [])
        flattens = before[:1] == after[:1] == [BATCH] and len(after) == 2
        if node.op_type == "Reshape" and flattens:
            node.CopyFrom(
                onnx.helper.make_node(
                    "Flatten", node.input[:1], node.output, name=node.name, axis=1
                )
            )
    used = {name for node in graph.node for name in node.input}
    kept = [tensor for tensor in graph.initializer if tensor.name in used]
    del graph.initializer[:], graph.value_info[:]
    graph.initializer.extend(kept)


def drop_notes(model: onnx.ModelProto) -> None:
    """Drop what the exporter wrote about itself, which holds paths of this machine."""
    graph = model.graph
    for noted in (model, graph, *graph.node, *graph.initializer, *graph.input, *graph.output):
        del noted.metadata_props[:]
        noted.ClearField("doc_string")


def swap_weights(model: onnx.ModelProto, weights: Mapping[str, npt.NDArray[np.float32]]) -> None:
    """Give every float initializer the value of its name; Mismatch where the names differ.

    Single numbers that the network has no name for, such as the 6 of a ReLU6, stay as they are.
    """
    import onnx

    floats = {
        tensor.name
        for tensor in model.graph.initializer
        if tensor.data_type == onnx.TensorProto.FLOAT and (tensor.dims or tensor.name in weights)
    }
    if odd := floats ^ weights.keys():
        raise Mismatch(f"only the graph or only the network has {', '.join(sorted(odd))}")
    for tensor in model.graph.initializer:
        if tensor.name in floats:
            value = weights[tensor.name]
            tensor.ClearField("float_data")
            tensor.dims[:] = value.shape
            tensor.raw_data = value.tobytes()


def graph_digest(graph: onnx.GraphProto) -> str:
    """Hash of a graph without the values of its weights and without any names."""
    import onnx

    numbers: dict[str, int] = {}

    def number(name: str) -> int:
        return numbers.setdefault(name, len(numbers))

    nodes = [
        [
            node.domain,
            node.op_type,
            [number(name) for name in node.input],
            [number(name) for name in node.output],
            sorted(part.SerializeToString(deterministic=True).hex() for part in node.attribute),
        ]
        for node in graph.node
    ]
    # 64-bit integers are shapes and axes, part of the structure; other constants are weights.
    constants: list[list[Any]] = [
        [
            number(tensor.name),
            tensor.data_type,
            list(tensor.dims),
            onnx.numpy_helper.to_array(tensor).tolist()
            if tensor.data_type == onnx.TensorProto.INT64
            else None,
        ]
        for tensor in graph.initializer
    ]
    return digest([nodes, sorted(constants, key=lambda constant: constant[0])])
