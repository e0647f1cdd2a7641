"""Images with labels of two kinds, for nets of two heads: each image is asked two questions."""

from __future__ import annotations

import zipfile
import zlib
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from energy_sweep.dataset.arrays import Arrays
from energy_sweep.dataset.base import Data, fingerprint
from energy_sweep.dataset.digits import Digits
from energy_sweep.dataset.labels import as_classes
from energy_sweep.dataset.split import TEST, TRAIN, VALIDATION, Labels, Split
from energy_sweep.record import BadInput, JsonDict
from energy_sweep.record.bounds import check_positive

DIGIT, PARITY = "digit", "parity"
TASKS = (DIGIT, PARITY, f"{DIGIT}+{PARITY}", f"{PARITY}+{DIGIT}")
SIDES = (TRAIN, VALIDATION, TEST)


@dataclass(frozen=True, slots=True, kw_only=True)
class DigitTasks(Digits):
    """The same digits in the same splits, asked which digit they are, whether it is odd, or both.

    Of two tasks the first is the one whose accuracy is shown; the loss of the second counts
    `second_weight` times.
    """

    name: str = "digit_tasks"
    tasks: str = TASKS[2]
    second_weight: float = 1.0

    def __post_init__(self) -> None:
        if self.tasks not in TASKS:
            raise BadInput(f"dataset.tasks={self.tasks}: type dataset.tasks={'|'.join(TASKS)}")
        check_positive("dataset.second_weight", self.second_weight, example=0.5)

    def load(self) -> Data:
        """The digits with the labels of the tasks."""
        data = Digits.load(self)
        kinds = {
            DIGIT: (np.arange(len(data.classes)), data.classes),
            PARITY: (np.arange(len(data.classes)) % 2, ("even", "odd")),
        }
        (first, classes), *others = (kinds[task] for task in self.tasks.split("+"))
        second, second_classes = others[0] if others else (None, ())
        splits = {side: _asked(getattr(data, side), first, second) for side in SIDES}
        return replace(
            data,
            **splits,
            classes=classes,
            second_classes=second_classes,
            second_weight=self.second_weight,
            fingerprint=fingerprint(splits, classes + second_classes),
        )


def _asked(split: Split, first: Labels, second: Labels | None) -> Split:
    """The images of a split with the label that each class has in each task."""
    return Split(
        split.images, first[split.labels], None if second is None else second[split.labels]
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrayTasks(Arrays):
    """Arrays of a `file` that has labels of a second kind too: `second`, and perhaps
    `second_classes`, their names."""

    name: str = "array_tasks"
    second_weight: float = 1.0

    def __post_init__(self) -> None:
        Arrays.__post_init__(self)
        check_positive("dataset.second_weight", self.second_weight, example=0.5)

    def load(self) -> Data:
        """The arrays, whose second labels are cut as the images are."""
        if self.file is None:
            raise BadInput("dataset=array_tasks reads a file: type dataset.file=FILE.npz")
        return replace(Arrays.load(self), second_weight=self.second_weight)

    def second_labels(self, count: int, where: str) -> JsonDict:
        """The labels in `second` as `assemble` takes them; BadInput where there are none."""
        try:
            with np.load(Path(str(self.file)).expanduser(), allow_pickle=False) as archive:
                if "second" not in archive:
                    raise BadInput(
                        f"{where} has no second: write it with numpy.savez(FILE, images=images,"
                        " labels=labels, second=others)"
                    )
                labels = archive["second"]
                names = archive.get("second_classes")
        except (OSError, EOFError, ValueError, zipfile.BadZipFile, zlib.error) as error:
            why = " ".join(str(error).split())[:150]
            raise BadInput(f"{where}: second cannot be read ({why}): write it anew") from error
        found = as_classes(labels, names, count, f"{where}: second")
        return {"second": found.labels, "second_classes": found.classes}
