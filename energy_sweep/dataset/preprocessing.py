"""How a data set is to be cut and sized, checked before anything is read."""

from __future__ import annotations

from dataclasses import dataclass

from energy_sweep.record import BadInput


@dataclass(frozen=True, slots=True, kw_only=True)
class Preprocessing:
    """How images are cut and sized: side in pixels (None: as they are) and shares of each class.

    A share of None belongs to a source that brings that split; `fraction` of train is kept.
    Training images move by up to `shift` pixels; with `flip`, half of them are mirrored.
    """

    resolution: int | None
    shift: int
    validation: float | None = None
    test: float | None = None
    fraction: float = 1.0
    flip: bool = False

    def __post_init__(self) -> None:
        if self.resolution is not None and self.resolution < 1:
            raise BadInput(
                f"dataset.resolution={self.resolution}: type a number of pixels, "
                "such as dataset.resolution=8"
            )
        if self.shift < 0:
            raise BadInput(f"dataset.shift={self.shift}: type dataset.shift=0 or more pixels")
        if not 0 < self.fraction <= 1:
            raise BadInput(
                f"dataset.fraction={self.fraction}: type a share of the training images above 0, "
                "such as dataset.fraction=0.5"
            )
        for name, share in (("validation", self.validation), ("test", self.test)):
            if share is not None and not 0 < share < 1:
                raise BadInput(
                    f"dataset.{name}={share}: type a share between 0 and 1, "
                    f"such as dataset.{name}=0.2"
                )
        if (self.validation or 0) + (self.test or 0) >= 1:
            raise BadInput(
                f"dataset.validation={self.validation} and dataset.test={self.test} leave nothing "
                "to train on: type dataset.validation=0.2 dataset.test=0.2"
            )
