"""How far a segment of epochs is, and the files that hold it together with its weights."""

from __future__ import annotations

import logging
import time
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from energy_sweep.record import JsonDict, Mark, to_json
from energy_sweep.record.mark_log import MarkLog
from energy_sweep.record.notice import Notice
from energy_sweep.training.loop import Trainee, save

log = logging.getLogger(__name__)

# States up to this size are saved with every epoch, larger ones every SAVE_SECONDS: by size and
# not by speed, so that what a kill can cost does not depend on how busy the machine was.
SMALL_STATE_BYTES = 16 * 2**20
SAVE_SECONDS = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentProgress:
    """How far the weights are (`epoch`), all marks of the key so far, and what epochs gave.

    By epoch, `hashes` are of the weights that are kept, `losses` means over its training images.
    """

    epoch: int = 0
    marks: tuple[Mark, ...] = ()
    lost: tuple[Mark, ...] = ()
    hashes: JsonDict = field(default_factory=dict[str, Any])
    losses: JsonDict = field(default_factory=dict[str, Any])

    def after(self, mark: Mark, loss: float | None = None) -> SegmentProgress:
        """One epoch on: an epoch measured before keeps its first mark, the new one is lost work."""
        found = {} if loss is None else {str(self.epoch + 1): loss}
        on = replace(self, epoch=self.epoch + 1, losses={**self.losses, **found})
        if self.epoch < len(self.marks):
            return replace(on, lost=(*self.lost, mark))
        return replace(on, marks=(*self.marks, mark))


class EpochSaver:
    """Saves states: kept epochs under their own name, others in one rolling file.

    What is not due is saved all the same where `notice` asks the program to end.
    """

    def __init__(self, folder: Path, kept: Collection[int], notice: Notice):
        self.folder, self.kept, self.notice = folder, kept, notice
        self.rolling = folder / "state.safetensors"
        self.journal = MarkLog(folder)
        self.last = time.monotonic()
        self.small: bool | None = None

    def save(self, trainee: Trainee, progress: SegmentProgress, mark: Mark) -> SegmentProgress:
        """Save the state of the epoch just trained, or only its mark where that is not due."""
        kept = progress.epoch in self.kept
        if self.small is None:
            self.small = trainee.state_bytes() <= SMALL_STATE_BYTES
        due = self.small or time.monotonic() - self.last > SAVE_SECONDS
        if not (kept or due or self.notice.number is not None):
            self.journal.append(progress.epoch, mark)
            return progress
        path = self.rolling
        if kept:
            path = self.folder / f"epoch-{progress.epoch:05d}.safetensors"
            progress = self._with_hash(progress, trainee)
        save(path, trainee, to_json(progress))
        self.last = time.monotonic()
        self.journal.clear()
        return progress

    @staticmethod
    def _with_hash(progress: SegmentProgress, trainee: Trainee) -> SegmentProgress:
        outcome, epoch = trainee.fingerprint(), str(progress.epoch)
        before = progress.hashes.get(epoch, outcome)
        if before != outcome:
            log.warning(
                "epoch %s gave other weights (%s) than before (%s): this machine does not "
                "repeat itself bit for bit",
                epoch,
                outcome[:12],
                before[:12],
            )
        return replace(progress, hashes={**progress.hashes, epoch: outcome})

    def clean(self) -> None:
        """Remove what only an unfinished segment needs."""
        self.rolling.unlink(missing_ok=True)
        self.journal.clear()
