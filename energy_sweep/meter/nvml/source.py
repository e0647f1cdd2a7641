"""Joules of NVIDIA boards, from their energy counters, or from their power where they have none."""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace

from energy_sweep.hardware.gpu import (
    Board,
    BoardUnavailable,
    NoPermission,
    NotSupported,
    all_boards,
    library_error,
)
from energy_sweep.hardware.visible_gpus import find_board, visible_boards
from energy_sweep.meter.base import MeterUnavailable, Probe
from energy_sweep.meter.counter.source import Counter, CounterSource
from energy_sweep.meter.nvml.gpu import JOULES_PER_COUNT, Reader, open_readers
from energy_sweep.meter.nvml.power import Gauge, PowerSource
from energy_sweep.meter.process import ProcessTree
from energy_sweep.meter.source import EdgeReading, EnergySource, SourceReading, merge_facts
from energy_sweep.record import BadInput, EnergySweepError, MeterFacts, Quality

COUNTED, SAMPLED = "nvml", "nvml-power"
MIG_MODES = ("refuse", "whole_board")
# Against physical meters NVML was off by -8 % (RTX 2080 Ti) to +13 % (RTX 2060 S), each board by
# its own amount (data of arXiv 2312.02741): the true joules are those read / 1.13 to / 0.92.
SCALE_BAND = (0.885, 1.087)
# NVML states 5 % for its power, on top of that.
POWER_SCALE_BAND = (0.84, 1.14)
# The same data: equal work on one board differs by 0.1 % to 1 % (standard deviation), and two
# runs by 2.8 times as much (ISO 5725).
REPEATABILITY = 0.03


class NvmlSource:
    """Joules of boards; `gpu:0` is the first of them, `module:0` where it holds a processor too.

    `tree` is what is not foreign to them.

    Raises MeterUnavailable for a board that cannot be read. `self_check` watches counters for 3 s
    where that was not done before: without it, ticks are taken to be 0.1 s.
    """

    def __init__(
        self, boards: Sequence[Board], *, tree: ProcessTree, self_check: bool = True
    ) -> None:
        self._readers: list[Reader] = []
        for reader in open_readers(boards, check=self_check):
            if isinstance(reader, MeterUnavailable):
                raise reader
            self._readers.append(reader)
        self._tree = tree
        self._sources = _sources(self._readers)
        self._facts = _facts(self._readers, self._sources)
        self._since = time.time()
        self._familiar: set[str] = set()

    @property
    def uuids(self) -> tuple[str, ...]:
        """The boards that are read, by domain."""
        return tuple(reader.board.uuid for reader in self._readers)

    @property
    def holds_processor(self) -> str:
        """Why no processor may be added to these joules; empty where one may."""
        names = dict.fromkeys(one.board.name for one in self._readers if one.holds_processor)
        if not names:
            return ""
        return (
            f"the joules of {', '.join(names)} are those of the whole module, with its processor"
            " and memory: no processor is added"
        )

    def facts(self) -> MeterFacts:
        """What is common to all readings; the details hold what is known of each board."""
        return self._facts

    @contextmanager
    def begin(self) -> Generator[EdgeReading]:
        """Read the opening edge of every board, counters first: they wait for a tick."""
        with ExitStack() as stack:
            reads = [stack.enter_context(source.begin()) for source in self._sources]
            self._since = time.time()

            def read() -> SourceReading:
                found = {energy.domain: energy for one in reads for energy in one().domains}
                return SourceReading(domains=tuple(found[domain] for domain in self._facts.domains))

            yield read

    def close(self) -> None:
        """Nothing is held between windows."""

    def foreign_load(self) -> Mapping[str, float]:
        """The share of each board, 0 to 1, that programs outside the tree used since last asked."""
        ours, since, self._since = self._tree.pids(), self._since, time.time()
        shares: dict[str, float] = {}
        for reader in self._readers:
            # A board that is lost says so at the next edge.
            with suppress(EnergySweepError):
                shares[reader.domain] = self._foreign(reader.board, ours, since)
        return shares

    def _foreign(self, board: Board, ours: frozenset[int], since: float) -> float:
        try:
            kind, seen = "shares", board.process_shares(since)
        except (NotSupported, NoPermission):
            kind, seen = "processes", dict.fromkeys(board.compute_processes(), 1.0)
        others = [share for pid, share in seen.items() if pid not in ours]
        if len(others) < len(seen):
            self._familiar.add(kind)
        elif others and kind not in self._familiar:
            # In a container NVML may number processes as the host does, and some drivers in one of
            # these calls only: then we are one of those that nobody here knows.
            others.remove(max(others))
        return min(sum(others), 1.0)


def boards_to_read(
    gpus: str | Sequence[str], devices: Sequence[str], *, mig: str = "refuse"
) -> tuple[Board, ...]:
    """The boards of `devices` (work), of CUDA_VISIBLE_DEVICES (visible), or of a list of UUIDs."""
    if mig not in MIG_MODES:
        raise BadInput(f"meter.mig={mig}: type meter.mig=refuse or meter.mig=whole_board")
    if isinstance(gpus, str) and gpus not in ("work", "visible"):
        if not gpus.startswith(("GPU-", "MIG-")):
            raise BadInput(f"meter.gpus={gpus}: type work, visible, or a list of UUIDs")
        gpus = gpus.split(",")
    try:
        if gpus == "visible":
            return visible_boards(mig=mig)
        names = devices if gpus == "work" else gpus
        boards = [find_board(str(name), mig=mig) for name in names]
    except BoardUnavailable as missing:
        raise MeterUnavailable(str(missing)) from missing
    return tuple({board.uuid: board for board in boards}.values())


def probe() -> Probe:
    """What every board of this machine can tell; the first time it takes 3 s."""
    found = open_readers(all_boards(), check=True)
    readers = [reader for reader in found if isinstance(reader, Reader)]
    troubles = [str(trouble) for trouble in found if isinstance(trouble, MeterUnavailable)]
    if not readers:
        return Probe(
            source=COUNTED,
            usable=False,
            quality=Quality.COUNTER,
            domains=("gpu",),
            why="; ".join(troubles) or library_error() or "no GPU",
            remedy="an NVIDIA GPU with its driver; without one, type device=cpu",
        )
    facts = _facts(readers, _sources(readers))
    names = ", ".join(map(_name, readers))
    return Probe(
        source=COUNTED,
        usable=True,
        quality=facts.quality,
        domains=facts.domains,
        why="; ".join([f"reads {names}", *troubles]),
        remedy="for work on a GPU: type device=cuda",
        tick_seconds=facts.tick_seconds,
        resolution_joules=JOULES_PER_COUNT if facts.quality == Quality.COUNTER else None,
        idle_watts=facts.idle_watts,
        details=facts.details,
    )


def _name(reader: Reader) -> str:
    name = f"{reader.board.name} ({reader.board.uuid})"
    return f"{name} with its processor and memory" if reader.holds_processor else name


def _sources(readers: Sequence[Reader]) -> list[EnergySource]:
    counters = [reader.by for reader in readers if isinstance(reader.by, Counter)]
    gauges = [reader.by for reader in readers if isinstance(reader.by, Gauge)]

    def facts(
        name: str, quality: Quality, band: tuple[float, float], by: type[Counter] | type[Gauge]
    ) -> MeterFacts:
        mine = [reader for reader in readers if isinstance(reader.by, by)]
        return MeterFacts(
            sources=(name,),
            domains=tuple(reader.domain for reader in mine),
            quality=quality,
            scale_band=band,
            repeatability=REPEATABILITY,
            tick_seconds=max(reader.late_seconds for reader in mine),
        )

    sources: list[EnergySource] = []
    if counters:
        common = facts(COUNTED, Quality.COUNTER, SCALE_BAND, Counter)
        sources.append(CounterSource(counters, common))
    if gauges:
        common = facts(SAMPLED, Quality.INTEGRATED, POWER_SCALE_BAND, Gauge)
        sources.append(PowerSource(gauges, common))
    return sources


def _facts(readers: Sequence[Reader], sources: Sequence[EnergySource]) -> MeterFacts:
    idle = {r.domain: r.idle_watts for r in readers if r.idle_watts is not None}
    return replace(
        merge_facts([source.facts() for source in sources]),
        domains=tuple(reader.domain for reader in readers),
        idle_watts=idle,
        details={"gpus": {reader.domain: reader.details() for reader in readers}},
    )
