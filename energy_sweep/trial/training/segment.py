"""A segment: consecutive epochs of one net (a trunk, a cooldown, a recovery), resumable.

Weights and readings of an epoch are saved as one file, hence both or neither survive a kill.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from torch import Tensor

from energy_sweep.device import OutOfMemory
from energy_sweep.meter.base import Meter, Window, Work
from energy_sweep.record import (
    EnergySweepError,
    Infeasible,
    JsonDict,
    Mark,
    StageRecord,
    StageUse,
    from_json,
)
from energy_sweep.record.mark_log import MarkLog
from energy_sweep.store import StageStore
from energy_sweep.training.loop import DamagedFile, Trainee, load, restore
from energy_sweep.trial.training.progress import EpochSaver, SegmentProgress

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """Epochs 0..`epochs` of the work `use.key`.

    `begin` gives the net and optimizer before the first epoch, `train_epoch` trains one epoch by
    its index; `keep` are the epochs whose states stay (the last one always does).
    """

    use: StageUse
    epochs: int
    begin: Callable[[], Trainee]
    train_epoch: Callable[[Trainee, int], float]
    work: Work
    keep: frozenset[int] = frozenset()
    settings: JsonDict = field(default_factory=dict[str, Any])

    @property
    def kept(self) -> frozenset[int]:
        return self.keep | {self.epochs}


def state_file(store: StageStore, use: StageUse, epoch: int) -> Path:
    """Where the state of a segment after `epoch` epochs is kept."""
    return store.folder(use.key) / f"epoch-{epoch:05d}.safetensors"


def is_finished(segment: Segment, store: StageStore) -> bool:
    """Whether all epochs were run and the state after them is still there."""
    record = store.get(segment.use.key)
    trained = record is not None and len(record.marks) >= segment.epochs
    return trained and state_file(store, segment.use, segment.epochs).exists()


def trained_state(segment: Segment, *, store: StageStore, meter: Meter) -> dict[str, Tensor]:
    """The state after the last epoch; one that was evicted or damaged is trained again."""
    path = state_file(store, segment.use, segment.epochs)
    run_segment(segment, store=store, meter=meter)
    try:
        return load(path)[0]
    except (DamagedFile, FileNotFoundError):
        return _mended_state(segment, path, store=store, meter=meter)


def _mended_state(
    segment: Segment, path: Path, *, store: StageStore, meter: Meter
) -> dict[str, Tensor]:
    """The state after the last epoch, trained again by one of all that found it damaged."""
    with store.alone(segment.use.key, segment.use.stage):
        try:
            return load(path)[0]
        except (DamagedFile, FileNotFoundError) as error:
            log.warning("%s: its epochs run again", error)
            path.unlink(missing_ok=True)
            run_segment(segment, store=store, meter=meter)
            return load(path)[0]


def run_segment(segment: Segment, *, store: StageStore, meter: Meter) -> StageRecord:
    """Train up to `segment.epochs`, from the furthest state on disk; raises Infeasible.

    Nothing runs where the record and the state at `epochs` are there already. Where another
    process trains it, this one goes on from what that leaves.
    """
    if (record := _finished(segment, store, store.get(segment.use.key))) is not None:
        return record
    with store.alone(segment.use.key, segment.use.stage) as record:
        if (done := _finished(segment, store, record)) is not None:
            return done
        return _train(segment, store=store, meter=meter, record=record)


def _finished(
    segment: Segment, store: StageStore, record: StageRecord | None
) -> StageRecord | None:
    """The record of a segment that is finished; raises Infeasible where it never will be."""
    if record is None:
        return None
    _refuse_diverged(record, segment.epochs)
    return record if is_finished(segment, store) else None


def _refuse_diverged(record: StageRecord, epochs: int) -> None:
    """A loss that diverged once diverges again: bit-identical work is not paid twice.

    Nor is work that did not fit a memory cap.
    """
    diverged = record.facts.get("diverged_epoch")
    if diverged is not None and diverged <= epochs:
        raise Infeasible(record.facts["infeasible"])


def _train(
    segment: Segment, *, store: StageStore, meter: Meter, record: StageRecord | None
) -> StageRecord:
    folder = store.folder(segment.use.key)
    trainee = segment.begin()
    progress = _resume(segment, trainee, folder, record)
    saver = EpochSaver(folder, segment.kept, store.notice)
    with meter.window(segment.work) as window:
        while progress.epoch < segment.epochs:
            store.notice.check()
            try:
                loss = segment.train_epoch(trainee, progress.epoch)
            except Infeasible as reason:
                mark = window.mark(units=1, images=segment.work.images)
                store.put(_failed(segment, progress, mark, reason))
                raise
            except BaseException:
                _keep_spent(window, segment, saver.journal, progress.epoch + 1)
                raise
            mark = window.mark(units=1, images=segment.work.images)
            progress = saver.save(trainee, progress.after(mark, loss), mark)
    finished = store.put(_record(segment, progress))
    saver.clean()
    return finished


def _keep_spent(window: Window, segment: Segment, journal: MarkLog, epoch: int) -> None:
    """Note what an epoch took that was cut short: the stage counts it as lost when it goes on."""
    with suppress(EnergySweepError, OSError):  # what went wrong first is what is told
        journal.append(epoch, window.mark(units=1, images=segment.work.images))


def _failed(
    segment: Segment, progress: SegmentProgress, mark: Mark, reason: Infeasible
) -> StageRecord:
    """The record of a segment whose next epoch cannot be done; `mark` is what was tried."""
    facts = {"infeasible": str(reason), "diverged_epoch": progress.epoch + 1}
    if not isinstance(reason, OutOfMemory):
        return _record(segment, progress.after(mark), **facts)
    # Part of an epoch would make its pool too cheap. Without a cap, memory may suffice next time.
    tried = replace(progress, lost=(*progress.lost, mark))
    return _record(segment, tried, **(facts if reason.capped else {}))


def _record(segment: Segment, progress: SegmentProgress, **facts: Any) -> StageRecord:
    return StageRecord(
        stage=segment.use.stage,
        key=segment.use.key,
        cost_key=segment.use.cost_key,
        marks=progress.marks,
        lost=progress.lost,
        outcome=progress.hashes.get(str(progress.epoch)),
        facts={"hashes": progress.hashes, "losses": progress.losses, **facts},
        settings=segment.settings,
    )


def _resume(
    segment: Segment, trainee: Trainee, folder: Path, record: StageRecord | None
) -> SegmentProgress:
    """Put the furthest usable state into `trainee`, and gather every mark ever made."""
    states = sorted(folder.glob("*.safetensors"), key=lambda path: path.stat().st_mtime)
    best, tensors = SegmentProgress(), None
    histories = [SegmentProgress(marks=record.marks, lost=record.lost)] if record else []
    for path in states:
        try:
            found, metadata = load(path)
        except DamagedFile as error:
            log.warning("%s: its epochs run again", error)
            continue
        saved = from_json(SegmentProgress, metadata)
        histories.append(saved)
        if best.epoch < saved.epoch <= segment.epochs and trainee.optimizer_in(found):
            best, tensors = saved, found
    if tensors is not None:
        restore(trainee.module, trainee.optimizer, tensors)
    furthest = max((h.epoch for h in histories), default=0)
    orphans = tuple(MarkLog(folder).after(furthest))
    return SegmentProgress(
        epoch=best.epoch,
        marks=max((h.marks for h in histories), key=len, default=()),
        lost=max((h.lost for h in histories), key=len, default=()) + orphans,
        hashes=_gathered("hashes", histories, record),
        losses=_gathered("losses", histories, record),
    )


def _gathered(
    name: str, histories: Iterable[SegmentProgress], record: StageRecord | None
) -> JsonDict:
    """What all epochs gave that is known, by epoch."""
    found = {k: v for history in histories for k, v in getattr(history, name).items()}
    return found | (record.facts.get(name, {}) if record else {})
