"""Integers in ONNX files: static quantization by ONNX Runtime, storage of weights, and counts."""

from __future__ import annotations

import contextlib
import io
import logging
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from energy_sweep.record import Infeasible, JsonDict
from energy_sweep.record.files import write_whole

if TYPE_CHECKING:
    import onnx

    from energy_sweep.runtime.base import Images

BATCH = 64  # images in a batch of calibration
LAYERS = ("Conv", "Gemm", "MatMul")
INTEGERS = ("INT8", "UINT8", "INT4", "UINT4")


class CalibratedGraph:
    """An ONNX file with the ranges that its activations take on some images [N, C, H, W].

    Ranges are found once, by the `method` minmax, percentile or entropy, and kept in `folder`.
    """

    def __init__(self, source: Path, images: Images, folder: Path, *, method: str) -> None:
        from onnxruntime.quantization.shape_inference import quant_pre_process

        self._source, self._images, self._method = source, images, method
        self._prepared, self._ranges = folder / "prepared.onnx", folder / "ranges.json"
        with _quiet():
            quant_pre_process(str(source), str(self._prepared), skip_symbolic_shape=True)

    @property
    def layers(self) -> dict[str, str]:
        """The layers that can be quantized, by the names of their nodes in the graph."""
        import onnx

        graph = onnx.load(self._prepared).graph
        return {node.name: layer_name(node) for node in graph.node if node.op_type in LAYERS}

    def write(self, target: Path, *, leave: Collection[str] = (), reduce_range: bool) -> None:
        """Write the file in int8, weights per channel, but for the nodes to `leave` in float."""
        from onnxruntime.quantization import (
            CalibrationDataReader,
            CalibrationMethod,
            QuantFormat,
            QuantType,
            quantize_static,
        )

        class CalibrationReader(CalibrationDataReader):  # type: ignore[misc]
            def __init__(self, images: Images) -> None:
                starts = range(0, len(images), BATCH)
                self._batches = iter([{"images": images[i : i + BATCH]} for i in starts])

            def get_next(self) -> Any:
                return next(self._batches, None)

        methods = {name.lower(): method for name, method in CalibrationMethod.__members__.items()}
        with _quiet(), self._infeasible_without_ranges():
            quantize_static(
                str(self._prepared),
                str(target),
                CalibrationReader(np.ascontiguousarray(self._images)),
                quant_format=QuantFormat.QDQ,
                per_channel=True,
                reduce_range=reduce_range,
                # U8S8: kernels for signed activations are slower than float ones on x86.
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
                nodes_to_exclude=list(leave),
                calibrate_method=methods[self._method],
                calibration_cache_path=self._ranges,
            )

    @contextlib.contextmanager
    def _infeasible_without_ranges(self) -> Iterator[None]:
        """Activations of one value have no histogram."""
        try:
            yield
        except ValueError as error:
            raise Infeasible(f"calibration={self._method} finds no range: {error}") from error

    def achieved(self, target: Path) -> JsonDict:
        """The share of weight bits that are gone from `target`, and of its layers that are int8."""
        return {
            "removed_weight_bits": 1 - weight_bytes(target) / weight_bytes(self._source),
            "int8_coverage": coverage(target),
        }


def layer_name(node: onnx.NodeProto) -> str:
    """The name of a node's layer in the network, by its weights."""
    weight = node.input[1].removeprefix("network.")
    return weight.partition(".weight")[0]


def coverage(path: Path) -> float:
    """The share of the layers of a file that multiply int8 by int8.

    Those are layers that read both their weights and their inputs from integers.
    """
    import onnx

    graph = onnx.load(path).graph
    made = {name: node for node in graph.node for name in node.output}
    layers = [node for node in graph.node if node.op_type in LAYERS]
    whole = [n for n in layers if all(_is_dequantized(made.get(name)) for name in n.input[:2])]
    return len(whole) / len(layers) if layers else 0.0


def _is_dequantized(node: onnx.NodeProto | None) -> bool:
    return node is not None and node.op_type == "DequantizeLinear"


def weight_bytes(path: Path) -> int:
    """Bytes of what the layers of a file multiply by: their weights, in whatever type."""
    import onnx

    graph = onnx.load(path).graph
    made = {name: node for node in graph.node for name in node.output}
    stored = {tensor.name: tensor for tensor in graph.initializer}
    names = [_stored_name(node.input[1], made) for node in graph.node if node.op_type in LAYERS]
    return sum(_bytes(stored[name]) for name in set(names) if name in stored)


def _stored_name(name: str, made: dict[str, onnx.NodeProto]) -> str:
    """The initializer that a value is dequantized, cast or reshaped from."""
    while name in made and made[name].op_type in ("DequantizeLinear", "Cast", "Mul"):
        name = made[name].input[0]
    return name


def _bytes(tensor: onnx.TensorProto) -> int:
    import onnx

    bits = {"INT4": 4, "UINT4": 4}.get(onnx.TensorProto.DataType.Name(tensor.data_type))
    count = int(np.prod(tensor.dims))
    if bits is not None:
        return -(-count * bits // 8)
    return count * onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type).itemsize


def store_weights(source: Path, target: Path, *, bits: int) -> None:
    """Write the file with its weights as integers of 8 or 4 bits, one scale for each channel.

    They are turned back into floats where the file is loaded, so that only the file is smaller.
    """
    import onnx

    model = onnx.load(source)
    stored = {tensor.name: tensor for tensor in model.graph.initializer}
    nodes = [node for node in model.graph.node if node.op_type in LAYERS]
    new = list[Any]()
    for node in nodes:
        if (tensor := stored.get(node.input[1])) is None:
            continue
        # The outputs are the first axis of convolutions and of transposed Gemms, as torch has them.
        transposed = any(a.name == "transB" and a.i for a in node.attribute)
        axis = 0 if node.op_type == "Conv" or transposed else len(tensor.dims) - 1
        values, scales = _round_weights(onnx.numpy_helper.to_array(tensor), axis, bits)
        name = tensor.name
        tensor.CopyFrom(_integers(f"{name}_integers", values, bits))
        model.graph.initializer.append(onnx.numpy_helper.from_array(scales, f"{name}_scale"))
        new += _dequantize_nodes(name)
        del stored[name]
    ours = [*new, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(ours)
    if bits == 4:
        _raise_opset(model, 21)
    write_whole(target, model.SerializeToString(deterministic=True))


def _dequantize_nodes(name: str) -> list[onnx.NodeProto]:
    """The nodes that make floats of a weight's integers.

    A DequantizeLinear would say the same, but ONNX Runtime keeps that for every image.
    """
    import onnx

    make = onnx.helper.make_node
    cast = make("Cast", [f"{name}_integers"], [f"{name}_cast"], to=onnx.TensorProto.FLOAT)
    return [cast, make("Mul", [f"{name}_cast", f"{name}_scale"], [name])]


def _round_weights(weights: Any, axis: int, bits: int) -> tuple[Any, Any]:
    """Symmetric integers, and the scale of each channel along `axis`, shaped to broadcast."""
    most = 2 ** (bits - 1) - 1
    others = tuple(i for i in range(weights.ndim) if i != axis)
    largest = np.abs(weights).max(axis=others, keepdims=True)
    scales = np.where(largest > 0, largest / most, 1.0).astype(np.float32)
    return np.rint(weights / scales).astype(np.int8), scales


def _integers(name: str, values: Any, bits: int) -> onnx.TensorProto:
    import onnx

    if bits == 8:
        return onnx.numpy_helper.from_array(values, name)
    kind = onnx.TensorProto.INT4
    return onnx.helper.make_tensor(name, kind, values.shape, values.reshape(-1).tolist())


def _raise_opset(model: onnx.ModelProto, least: int) -> None:
    for entry in model.opset_import:
        if entry.domain in ("", "ai.onnx"):
            entry.version = max(entry.version, least)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without the lines that ONNX Runtime prints, and its advice to prepare a prepared file."""
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.ERROR)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        root.setLevel(level)
