"""Which connections of a net are left: how many of each layer, and where they are in the first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from energy_sweep.record.serialize import from_json

FACT = "connections"  # where records of the stage `evaluate` keep them


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstLayer:
    """How many of `most` connections are left at each place of the layer that sees the pixels.

    Of a convolution, places are those of its kernels, [outputs, height, width], each over all its
    input channels; of a linear layer, the pixels [C, H, W], each over all outputs. `left` is flat.
    """

    kind: str  # kernels or pixels
    shape: tuple[int, ...]
    left: tuple[int, ...]
    most: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Connections:
    """Of each layer of the dense net, in its order, how many weights are `left` of how many there
    were in the `dense` one; `first` where some of its weights are exactly zero."""

    left: Mapping[str, int]
    dense: Mapping[str, int]
    first: FirstLayer | None = None


def connections_in(facts: Mapping[str, Any]) -> Connections | None:
    """Those in the facts of an evaluation; None where it kept none."""
    return None if facts.get(FACT) is None else from_json(Connections, facts[FACT])
