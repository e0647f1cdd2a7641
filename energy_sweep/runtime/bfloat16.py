"""ONNX files whose weights are numbers of 16 bits (bf16)."""

from __future__ import annotations

from pathlib import Path

import onnx

from energy_sweep.runtime.int8 import LAYERS


def to_bf16(source: Path) -> bytes:
    """The file at `source` with the weights of its layers in bf16.

    They are cast to floats in the graph, so that every runtime reads them; one that computes in
    bf16 leaves the casts out.
    """
    model = onnx.load(source)
    stored = {tensor.name: tensor for tensor in model.graph.initializer}
    names = {node.input[1] for node in model.graph.node if node.op_type in LAYERS}
    number = onnx.helper.tensor_dtype_to_np_dtype(onnx.TensorProto.BFLOAT16)
    casts = list[onnx.NodeProto]()
    for name in sorted(names & stored.keys()):
        values = onnx.numpy_helper.to_array(stored[name])
        # As raw bytes: OpenVINO misreads bf16 in the field that is meant for it.
        half = onnx.numpy_helper.from_array(values.astype(number), f"{name}_half")
        stored[name].CopyFrom(half)
        casts.append(onnx.helper.make_node("Cast", [half.name], [name], to=onnx.TensorProto.FLOAT))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    return model.SerializeToString(deterministic=True)


def is_half(graph: str | bytes) -> bool:
    """Whether a file, by its name or its bytes, has weights of bf16."""
    model = onnx.load_from_string(graph) if isinstance(graph, bytes) else onnx.load(graph)
    return any(t.data_type == onnx.TensorProto.BFLOAT16 for t in model.graph.initializer)
