"""Writes the nodes and numbers of an ONNX graph, one by one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from torch import nn

from energy_sweep.record import EnergySweepError


class Unknown(EnergySweepError):
    """A network with something in it that has no operator here."""


@dataclass(frozen=True, slots=True)
class GraphWriter:
    """The nodes and numbers of a graph as far as it is written; values have names."""

    nodes: list[Any] = field(default_factory=list[Any])
    numbers: dict[str, Any] = field(default_factory=dict[str, Any])

    def add(self, operation: str, *inputs: str, **attributes: Any) -> str:
        """Add a node; gives the name of its value."""
        import onnx

        count = len(self.nodes)
        node = onnx.helper.make_node(
            operation, inputs, [f"value_{count}"], name=f"node_{operation}_{count}", **attributes
        )
        self.nodes.append(node)
        return node.output[0]

    def number(self, name: str, value: Any, kind: type = np.float32) -> str:
        """Add numbers to the graph under a name; gives that name."""
        self.numbers[name] = np.array(value, kind)
        return name

    def constant(self, value: Any, kind: type = np.float32) -> str:
        """Add numbers that are no weights of the network, equal ones once."""
        array = np.array(value, kind)
        name = f"constant_{array.dtype}_{'_'.join(map(str, array.ravel().tolist()))}"
        return self.number(name, array, kind)

    def node_constant(self, value: Any) -> str:
        """Add numbers as a node of the graph."""
        import onnx

        return self.add("Constant", value=onnx.numpy_helper.from_array(value))

    def weight(self, layer: str, module: nn.Module, part: str) -> str:
        """Add a tensor of a layer under its name in the network."""
        value = getattr(module, part)
        if value is None:
            raise Unknown(f"{layer} has no {part}")
        return self.number(f"{layer}.{part}", value.detach().numpy())
