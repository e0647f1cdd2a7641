"""What the trials of one process share: a meter that is open, and the store of stages."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from energy_sweep.record import BadInput, JsonDict, digest
from energy_sweep.record.notice import Notice
from energy_sweep.study.links import check_links
from energy_sweep.study.paths import STAGES, is_study

if TYPE_CHECKING:
    from energy_sweep.device import Device
    from energy_sweep.meter.base import Meter
    from energy_sweep.store import StageStore


@dataclass(frozen=True, slots=True)
class TrialSession:
    """What the trials of one process share: an open meter, and the store of stages."""

    meter: Meter
    store: StageStore

    def remember(self) -> None:
        """Keep for later studies what graphs cost that were measured in this one."""
        self.store.refresh()
        if any(record.stage == "infer" for record in self.store.records().values()):
            from energy_sweep.trial.deployment.graph_memory import remember_graphs

            remember_graphs(self.store, self.meter.facts().domains)


@dataclass(slots=True)
class Sessions:
    """Opens each session once, so that every trial of a process has the same meter baseline.

    `notice` asks the work in all their stores to end.
    """

    _open: dict[str, TrialSession] = field(default_factory=dict[str, TrialSession])
    notice: Notice = field(default_factory=Notice)

    def get(self, values: JsonDict, device: Device) -> TrialSession:
        """The session that resolved values ask for, on a device; its levers change no session."""
        key = digest([values["meter"], str(store_root(values)), device.uuids(), _threads(device)])
        if key not in self._open:
            self._open[key] = self._with_shared_store(open_session(values, device))
        return self._open[key]

    def _with_shared_store(self, new: TrialSession) -> TrialSession:
        """One store for each folder and kind of meter, so that all see what any one measures."""
        wanted = (new.store.root, new.store.meter_id)
        for known in self._open.values():
            if (known.store.root, known.store.meter_id) == wanted:
                new.store.claim.release()
                return TrialSession(new.meter, known.store)
        new.store.notice = self.notice
        return new

    def close(self) -> None:
        """Keep what graphs cost for later studies, close every meter, and evict weights from stores
        that outgrew their limit."""
        for session in self._open.values():
            session.remember()
            session.meter.close()
            session.store.trim()
            session.store.claim.release()
        self._open.clear()


def open_session(values: JsonDict, device: Device) -> TrialSession:
    """The meter and the store that resolved values ask for."""
    from energy_sweep.meter import meter_id, open_meter
    from energy_sweep.store import StageStore

    root = store_root(values)
    if is_study(root.parent):
        check_links(root.parent)
    try:
        root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        typed = "type outputs=FOLDER or stages=FOLDER, one of yours"
        raise BadInput(f"{root}: {error.strerror}: {typed}") from error
    meter = open_meter(
        values["meter"],
        devices=device.uuids(),
        threads=_threads(device),
        synchronize=device.synchronize,
    )
    facts = meter.facts()
    store = StageStore(root, meter_id=meter_id(facts), coefficients=facts.coefficients)
    store.claim.hold()
    return TrialSession(meter, store)


def _threads(device: Device) -> int:
    """Threads that share the work, over all processes."""
    return device.threads * device.processes


def store_root(values: JsonDict) -> Path:
    """The absolute folder of the stages: `stages`, or within the study's folder."""
    own = Path(values["outputs"], values["name"], STAGES)
    return Path(values["stages"] or own).absolute()
