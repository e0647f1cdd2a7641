"""How the joules of one NVIDIA board are read: by its counter, or else by its power."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

from energy_sweep.hardware.gpu import Board, BoardLost, NoPermission, NotSupported, driver_version
from energy_sweep.hardware.superchip import counts_module, module_watts
from energy_sweep.meter.base import MeterUnavailable, ReadingLost
from energy_sweep.meter.counter.idle import watch_quiet
from energy_sweep.meter.counter.selfcheck import (
    Check,
    check_counter,
    check_power,
    load_check,
    load_or_check,
)
from energy_sweep.meter.counter.source import Counter
from energy_sweep.meter.nvml.power import Gauge
from energy_sweep.record import JsonDict

log = logging.getLogger(__name__)

T = TypeVar("T")

GPU, MODULE = "gpu", "module"
JOULES_PER_COUNT = 1e-3
# What A100, H100 and RTX 30xx were seen to do (arXiv 2312.02741); the self-check measures it.
TICK_SECONDS = 0.1
# nvmlDeviceGetPowerUsage is a mean over so long on most boards since Ampere (NVML's manual).
MEAN_SECONDS = 1.0
# A live CUDA context adds 26 W to 66 W to an idle A100, H100 or L40S (arXiv 2605.23918).
MOST_CONTEXT_WATTS = 66.0
# Where programs used more than this of a board, it was not idle.
BUSY_SHARE = 0.05
REMEDY = "type device=cpu meter=estimate, or use another GPU or driver"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """A board, what reads it, and what was found out about it; `why` says why not by a counter.

    The domain of a board that is one module with a processor is `module:N`, not `gpu:N`: its
    joules are those of both, and of their memory.
    """

    board: Board
    domain: str
    by: Counter | Gauge
    check: Check | None = None
    why: str = ""

    @property
    def holds_processor(self) -> bool:
        """Whether its joules are those of a whole module."""
        return self.domain.startswith(MODULE)

    @property
    def late_seconds(self) -> float:
        """How old a reading may be."""
        return self.by.tick_seconds if isinstance(self.by, Counter) else self.by.late_seconds

    @property
    def idle_watts(self) -> float | None:
        """What the board draws when nothing runs, without a CUDA context where that is known."""
        if self.check is None:
            return None
        alone = self.check.idle_watts
        return self.check.idle_with_context_watts if alone is None else alone

    def details(self) -> JsonDict:
        """What a study should know of the board."""
        board, check = self.board, self.check
        facts: JsonDict = {
            "uuid": board.uuid,
            "name": board.name,
            "driver": driver_version(),
            "power_limit_watts": _ask_or_none(board.power_limit_watts),
            "temperature_celsius": _ask_or_none(board.temperature_celsius),
            "tick": self.late_seconds,
            "whole_board_for": board.whole_for,
            "counts": "the whole module, with processor and memory"
            if self.holds_processor
            else None,
            "why": self.why or None,
        }
        if isinstance(self.by, Gauge):
            instant = self.by.late_seconds < MEAN_SECONDS
            facts["power"] = "of the moment" if instant else f"a mean over {MEAN_SECONDS:g} s"
        if check is not None:
            facts["idle_watts"] = check.idle_watts
            facts["idle_with_context_watts"] = check.idle_with_context_watts
            facts["counter_over_power"] = check.counter_over_power
        return {name: value for name, value in facts.items() if value is not None}


def open_readers(boards: Sequence[Board], *, check: bool) -> list[Reader | MeterUnavailable]:
    """What reads each board, all checked at the same time, or why nothing does."""

    def attempt(index: int) -> Reader | MeterUnavailable:
        try:
            return _open(boards[index], index, check=check)
        except MeterUnavailable as missing:
            return missing

    with ThreadPoolExecutor(max(len(boards), 1)) as pool:
        return list(pool.map(attempt, range(len(boards))))


def _open(board: Board, index: int, *, check: bool) -> Reader:
    """Raises MeterUnavailable where neither counter nor power can be read."""
    domain = f"{MODULE if counts_module(board) else GPU}:{index}"
    try:
        try:
            board.millijoules()
            return _counter_reader(board, domain, check=check)
        except NotSupported as missing:
            return _power_reader(board, domain, why=str(missing), check=check)
        except ReadingLost as broken:
            reader = _power_reader(board, domain, why=str(broken), check=check)
            log.warning("%s: the joules of this board are those of its power", broken)
            return reader
    except NotSupported as missing:
        raise MeterUnavailable(f"{missing}, and no counter that works: {REMEDY}") from missing
    except (BoardLost, ReadingLost) as lost:
        raise MeterUnavailable(f"{lost}: {REMEDY}") from lost
    except NoPermission as denied:
        raise MeterUnavailable(str(denied)) from denied


def _counter_reader(board: Board, domain: str, *, check: bool) -> Reader:
    counter = Counter(
        domain=domain,
        label=f"the energy counter of {board.uuid} ({board.name})",
        read=partial(_read_or_lose, board.millijoules),
        joules_per_count=JOULES_PER_COUNT,
        tick_seconds=TICK_SECONDS,
    )
    if not check:
        return Reader(board=board, domain=domain, by=counter)
    ask = _power_of(board, domain)
    watts = None if _ask_or_none(ask) is None else partial(_read_or_lose, ask)
    look = partial(check_counter, counter, watts=watts)
    found = _check_when_idle(board, domain, "counter", look)
    if found.doubtful:
        log.warning(
            "the energy counter of %s (%s) tells %.2f times its power: joules of this board may"
            " be off by as much",
            board.uuid,
            board.name,
            found.counter_over_power,
        )
    idle = found.idle_with_context_watts
    if idle is None and found.idle_watts is not None:
        idle = found.idle_watts + MOST_CONTEXT_WATTS
    counter = replace(counter, tick_seconds=found.tick_seconds, idle_watts=idle)
    return Reader(board=board, domain=domain, by=counter, check=found)


def _power_reader(board: Board, domain: str, *, why: str, check: bool) -> Reader:
    if domain.startswith(MODULE) and _ask_or_none(partial(module_watts, board)) is None:
        domain = domain.replace(MODULE, GPU)
    ask = _power_of(board, domain)
    ask()
    instant = domain.startswith(MODULE) or board.power_is_instant
    late = TICK_SECONDS if instant else MEAN_SECONDS
    gauge = Gauge(domain=domain, read=partial(_read_or_lose, ask), late_seconds=late)
    found = None
    if check:
        look = partial(check_power, gauge.read, late_seconds=late)
        found = _check_when_idle(board, domain, "power", look)
    return Reader(board=board, domain=domain, by=gauge, check=found, why=why)


def _power_of(board: Board, domain: str) -> Callable[[], float]:
    """What tells the watts of a domain."""
    return partial(module_watts, board) if domain.startswith(MODULE) else board.watts


def _check_when_idle(board: Board, domain: str, kind: str, look: Callable[[], Check]) -> Check:
    """A check of an idle board; kept apart for boards with and without a CUDA context."""
    module = domain.startswith(MODULE)

    def key(context: bool) -> JsonDict:
        about = {"nvml": f"{MODULE} {kind}" if module else kind, "uuid": board.uuid}
        return {**about, "driver": driver_version(), "context": context}

    def make() -> Check:
        since = time.time()
        check, quiet = watch_quiet(look)
        works = _busy(board, since) or (module and not quiet)
        idle = None if works else check.idle_watts
        alone, beside = (None, idle) if context else (idle, None)
        return replace(check, idle_watts=alone, idle_with_context_watts=beside)

    context = bool(_ask_or_none(board.compute_processes))
    found = load_or_check(key(context), make, keep=lambda check: _idle(check) is not None)
    other = load_check(key(not context))
    if other is None:
        return found
    if context:
        return replace(found, idle_watts=other.idle_watts)
    return replace(found, idle_with_context_watts=other.idle_with_context_watts)


def _idle(check: Check) -> float | None:
    return check.idle_with_context_watts if check.idle_watts is None else check.idle_watts


def _busy(board: Board, since: float) -> bool:
    """Whether programs worked on the board since a moment in Unix time, as far as it tells."""
    shares = _ask_or_none(lambda: board.process_shares(since))
    return shares is not None and sum(shares.values()) > BUSY_SHARE


def _read_or_lose(ask: Callable[[], T]) -> T:
    try:
        return ask()
    except (BoardLost, NotSupported, NoPermission) as error:
        raise ReadingLost(str(error)) from error


def _ask_or_none(ask: Callable[[], T]) -> T | None:
    """A reading that can be missing, None where it fails: lost joules are reported elsewhere."""
    try:
        return ask()
    except (BoardLost, NotSupported, NoPermission):
        return None
