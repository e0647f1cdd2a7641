"""Static int8: weights and activations are int8 in the deployed file, and so are its kernels."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from energy_sweep.compression.base import Technique, When
from energy_sweep.compression.checks import check_choice
from energy_sweep.record import BadInput, JsonDict
from energy_sweep.record.bounds import check_count

if TYPE_CHECKING:
    from torch import nn

    from energy_sweep.runtime.base import Calibrated

METHODS = ("minmax", "percentile", "entropy")
LEVEL = 0.75  # of 32 bits, 8 are left
BATCH = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantize(Technique):
    """Makes weights int8 per channel and activations uint8: ONNX Runtime does, or torchao.

    Ranges of activations come from `images` training images. While more than the share `tolerance`
    of them change class, the layers that hurt most stay in float. `reduce_range` keeps weights
    (under inductor, activations) to 7 bits: processors without VNNI saturate at 8, and the file is
    to be right on any.
    """

    when: ClassVar[When] = "export"
    runtimes: ClassVar[tuple[str, ...] | None] = ("onnxruntime", "openvino", "inductor")
    calibration: Literal["minmax", "percentile", "entropy"] = "percentile"
    images: int = 256
    tolerance: float = 0.02
    reduce_range: bool = True
    name: str = "quantize"

    def __post_init__(self) -> None:
        check_choice("compression.calibration", self.calibration, METHODS)
        check_count("compression.images", self.images, example=256)
        if not (0 <= self.tolerance <= 1 and math.isfinite(self.tolerance)):
            raise BadInput(
                f"compression.tolerance={self.tolerance:g}: type the share of images that may"
                " change class, such as compression.tolerance=0.02"
            )

    def check_where(self, runtime: Any, device_name: str) -> None:
        # The zero-argument super() does not survive the class that slots=True builds anew.
        Technique.check_where(self, runtime, device_name)
        runtime.check_int8(self.calibration)

    def effective_level(self, level: float, model: Any = None) -> float:
        """int8 is the one level there is."""
        return LEVEL if level else 0.0

    def lower(
        self,
        source: Path,
        target: Path,
        level: float,
        *,
        module: nn.Module,
        data: Any,
        runtime: Any,
    ) -> JsonDict:
        """Write the int8 file, and say which share of its layers is int8 and which are not."""
        images = data.train.images[: self.images]

        def classes(path: Path) -> Any:
            return runtime.open_quickly(path).predict(images, BATCH).argmax(axis=1)

        truth = classes(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        # Beside the target, so that it gets its name in one step.
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".part-") as name:
            folder = Path(name)
            calibrated = runtime.calibrate(
                source, images, folder, method=self.calibration, module=module, data=data
            )
            nodes, kept, agreement = calibrated.layers, list[str](), 0.0
            made = folder / f"int8{runtime.suffix}"
            for kept in self._float_layer_choices(calibrated, made, classes, truth):
                calibrated.write(made, leave=kept, **self._write_options)
                agreement = float((classes(made) == truth).mean())
                if agreement >= 1 - self.tolerance:
                    break
            made.replace(target)
        return {
            **calibrated.achieved(target),
            "float_layers": sorted(nodes[name] for name in kept),
            "agreement_with_float": agreement,
        }

    @property
    def _write_options(self) -> dict[str, bool]:
        return {"reduce_range": self.reduce_range}

    def _float_layer_choices(
        self,
        calibrated: Calibrated,
        made: Path,
        classes: Callable[[Path], Any],
        truth: Any,
    ) -> Iterator[list[str]]:
        """None, then the worst 1, 2, 4, ... layers, and at last all: ranked once that is needed."""
        yield []
        alone = made.with_stem("alone")
        nodes, harm = list(calibrated.layers), dict[str, float]()
        for node in nodes:
            others = [name for name in nodes if name != node]
            calibrated.write(alone, leave=others, **self._write_options)
            harm[node] = float((classes(alone) != truth).mean())
        ranked = sorted(nodes, key=lambda node: -harm[node])
        count = 1
        while count < len(ranked):
            yield ranked[:count]
            count *= 2
        yield ranked
