"""What a runtime is: it writes a trained network to a file and predicts from that file."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from energy_sweep.record import EnergySweepError, JsonDict

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import nn

    Images = NDArray[np.uint8]
    Logits = NDArray[np.float32]


class Mismatch(EnergySweepError):
    """An exported graph does not compute what the network computes."""


class LabelledImages(Protocol):
    """Images to compare a graph with its network on: uint8 [N, C, H, W]."""

    @property
    def images(self) -> Images: ...


class RuntimeData(Protocol):
    """What an export needs of a data set; mean and std are per channel, in pixel units."""

    @property
    def train(self) -> LabelledImages: ...
    @property
    def shape(self) -> tuple[int, int, int]: ...
    @property
    def mean(self) -> tuple[float, ...]: ...
    @property
    def std(self) -> tuple[float, ...]: ...


class InferenceSession(Protocol):
    """A loaded graph, ready to predict."""

    def predict(self, images: Images, batch: int) -> Logits:
        """Logits [N, classes] of uint8 images [N, C, H, W], computed `batch` at a time."""
        ...


class Calibrated(Protocol):
    """A network that can be written in int8, and the ranges that its activations take."""

    @property
    def layers(self) -> Mapping[str, str]:
        """The layers that can be quantized: their names in the network, by those in the file."""
        ...

    def write(self, target: Path, *, leave: Collection[str] = (), reduce_range: bool) -> None:
        """Write the file in int8, weights per channel, but for the layers to `leave` in float."""
        ...

    def achieved(self, target: Path) -> JsonDict:
        """The share of weight bits that are gone from `target`, and of its layers that are int8."""
        ...


class Runtime(Protocol):
    """Exports networks and runs them; the graphs take raw pixels and normalise them inside."""

    @property
    def name(self) -> str: ...
    @property
    def version(self) -> str:
        """Name and version of the library that executes, found without importing it."""
        ...

    @property
    def suffix(self) -> str:
        """How the names of its files end."""
        ...

    @property
    def channel_multiple(self) -> int:
        """The number whose multiples are the channel counts of a layer that run cheapest here."""
        ...

    def check_here(self) -> None:
        """Raise BadInput for what is missing on this machine."""
        ...

    def warm_up(self, module: nn.Module, data: RuntimeData, folder: Path) -> None:
        """Import and compile what exports `module`, once per process, by files in `folder`."""
        ...

    def export(self, module: nn.Module, data: RuntimeData, path: Path) -> None:
        """Write `module` to `path`, checked against it."""
        ...

    def rewrite(self, template: Path, module: nn.Module, data: RuntimeData, path: Path) -> None:
        """Write `module` to `path` as a copy of the exported `template` with other weights.

        Raises Mismatch where the template is not one of the same architecture, or computes
        something else; `path` is then left alone, and a fresh export is due.
        """
        ...

    def check(self, path: Path, module: nn.Module, data: RuntimeData) -> None:
        """Raise Mismatch unless the graph at `path` computes the logits of `module`."""
        ...

    def open(self, path: Path, threads: int) -> InferenceSession:
        """Load the graph at `path`."""
        ...

    def open_quickly(self, path: Path) -> InferenceSession:
        """Load the graph at `path` on one thread, ready soonest: for answers, not for joules."""
        ...

    def graph_key(self, path: Path, threads: int) -> str:
        """Name of the graph as it will be executed here, whatever its weights are."""
        ...
