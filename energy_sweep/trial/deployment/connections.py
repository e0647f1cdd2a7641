"""Which connections of the dense net the deployed one has left."""

from __future__ import annotations

from torch import nn

from energy_sweep.model.base import Model, zero_share
from energy_sweep.model.count import layer_sizes
from energy_sweep.record.connections import Connections, FirstLayer

# A net with a larger share of zeros than chance gives has a mask.
MASKED = 0.01
MOST_PLACES = 20_000  # of a first layer that is kept place by place


def connections_of(
    network: nn.Module, model: Model, shape: tuple[int, int, int], classes: int
) -> Connections | None:
    """What is left of the net that `model` builds for images of `shape`; None where all is.

    What a layer was replaced by counts for it.
    """
    dense = layer_sizes(model, shape, classes)
    layers = _layers(network)
    left = {name: _left_of(name, layers) for name in dense}
    if left == dense:
        return None
    is_masked = zero_share(network) > MASKED
    first = _first(next(iter(layers.values())), shape) if is_masked and layers else None
    return Connections(left=left, dense=dict(dense), first=first)


def _layers(network: nn.Module) -> dict[str, nn.Conv2d | nn.Linear]:
    parts = network.named_modules()
    return {name: part for name, part in parts if isinstance(part, nn.Conv2d | nn.Linear)}


def _left_of(name: str, layers: dict[str, nn.Conv2d | nn.Linear]) -> int:
    """The weights that are not zero of a layer, or of those that stand in its place."""
    found = (one for key, one in layers.items() if key == name or key.startswith(f"{name}."))
    return sum(int((one.weight != 0).sum()) for one in found)


def _first(layer: nn.Conv2d | nn.Linear, shape: tuple[int, int, int]) -> FirstLayer | None:
    """Where the first layer has connections; None where it sees no whole picture, or too large."""
    there = layer.weight.detach() != 0
    if isinstance(layer, nn.Conv2d):
        kind, places, most = "kernels", there.sum(dim=1), there.shape[1]
    else:
        if there.shape[1] != shape[0] * shape[1] * shape[2]:
            return None
        kind, places, most = "pixels", there.sum(dim=0).reshape(shape), there.shape[0]
    if places.numel() > MOST_PLACES:
        return None
    left = tuple(places.flatten().tolist())
    return FirstLayer(kind=kind, shape=tuple(places.shape), left=left, most=most)
