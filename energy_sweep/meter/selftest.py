"""Controls of a meter: sleeping costs nothing, double work costs double, equal work the same.

Work is a fixed number of hash rounds in one thread, not a stretch of time: where a machine slows
down, a stretch of time holds less work. Windows that are compared take turns, since what a
machine does to equal work from one moment to the next cancels between neighbours.
"""

from __future__ import annotations

import hashlib
import math
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

from energy_sweep.meter import Meter
from energy_sweep.meter.measure import measure
from energy_sweep.record import EnergyReading, Quality

WORK_CPU_SECONDS = 0.5
SLEEP_SECONDS = 1.0
SLEEPS = 3
PAIRS = 5
MOST_REPEATS = 6
PROBE_ROUNDS = 50_000

# What is allowed, from and to.
SLEEP = (-0.05, 0.05)
DOUBLE = (1.8, 2.2)
SAME = (0.9, 1.1)

# Does so much work, in hash rounds.
Burn = Callable[[int], None]
Say = Callable[[int, int, str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """One control and its verdict; `value` is None where the meter cannot tell."""

    name: str
    what: str
    value: float | None
    low: float
    high: float

    @property
    def holds(self) -> bool:
        return self.value is not None and self.low <= self.value <= self.high


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """All controls, and how many of the windows behind them stayed contended."""

    controls: tuple[Control, ...]
    windows: int
    contended: int
    seconds: float

    @property
    def holds(self) -> bool:
        return all(control.holds for control in self.controls)


def burn(rounds: int) -> None:
    """Hash for so many rounds, in one thread and without memory."""
    hashlib.pbkdf2_hmac("sha256", b"work", b"salt", max(rounds, 1))


def calibrate_rounds(cpu_seconds: float, burn: Burn = burn) -> int:
    """How many rounds take about so many CPU seconds now."""
    burn(PROBE_ROUNDS // 10)  # the first call loads what hashes
    before = time.process_time()
    burn(PROBE_ROUNDS)
    used = max(time.process_time() - before, 1e-6)
    return max(round(PROBE_ROUNDS * cpu_seconds / used), 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One window: joules above idle; `knows_idle` is False where a counter's idle is unknown."""

    joules: float
    seconds: float
    knows_idle: bool

    @property
    def watts(self) -> float:
        return self.joules / self.seconds


def selftest(
    meter: Meter,
    *,
    rounds: int,
    burn: Burn = burn,
    sleep: Callable[[float], None] = time.sleep,
    say: Say = lambda done, windows, what: None,
) -> Verdict:
    """Judge a meter by `rounds` of work; `say` hears of (windows done, of all, what is next)."""
    begun = time.monotonic()
    runner = _WindowRunner(meter, say)
    rests = [runner.sample("asleep", lambda: sleep(SLEEP_SECONDS)) for _ in range(SLEEPS)]
    busy: list[Sample] = []
    same: list[float] = []
    double: list[float] = []
    for turn in range(PAIRS):
        # Every other turn runs backwards, so that a machine that warms up favours neither side.
        order = (0, 1, 2) if turn % 2 == 0 else (2, 1, 0)
        taken: dict[int, Sample] = {}
        for place in order:
            what, times = ("double work", 2) if place == 2 else ("work", 1)
            taken[place] = runner.sample(what, lambda times=times: burn(times * rounds))
        busy += [taken[0], taken[1]]
        same.append(_ratio(taken[1].joules, taken[0].joules))
        double.append(_ratio(2 * taken[2].joules, taken[0].joules + taken[1].joules))
    controls = (
        _control("sleep", "watts asleep / watts of one busy core", _rest(rests, busy), SLEEP),
        _control("double", "joules of double work / joules of work", _median(double), DOUBLE),
        _control("same", "joules of equal work / joules of work", _median(same), SAME),
    )
    return Verdict(
        controls=controls,
        windows=len(rests) + 3 * PAIRS,
        contended=runner.contended,
        seconds=time.monotonic() - begun,
    )


class _WindowRunner:
    """Runs windows one after the other; contended ones again, while repeats are left."""

    def __init__(self, meter: Meter, say: Say) -> None:
        self.contended = 0
        self._meter, self._say = meter, say
        self._done, self._repeats = 0, MOST_REPEATS

    def sample(self, what: str, work: Callable[[], None]) -> Sample:
        """Measure `work`, that of the last repeat where all are contended."""
        self._say(self._done, SLEEPS + 3 * PAIRS, what)
        reading = self._reading(work)
        while reading.contended and self._repeats > 0:
            self._repeats -= 1
            self._say(self._done, SLEEPS + 3 * PAIRS, f"{what} again: others ran meanwhile")
            reading = self._reading(work)
        self._done += 1
        self.contended += bool(reading.contended)
        idle = self._meter.facts().idle_watts
        # An estimate leaves idle out from the start.
        counted = {d.domain for d in reading.domains if d.quality is not Quality.ESTIMATED}
        return Sample(
            joules=reading.joules - math.fsum(idle.values()) * reading.seconds,
            seconds=reading.seconds,
            knows_idle=counted <= idle.keys(),
        )

    def _reading(self, work: Callable[[], None]) -> EnergyReading:
        with measure(self._meter, label="selftest") as measured:
            work()
        return measured.energy


def _rest(rests: list[Sample], busy: list[Sample]) -> float:
    """What sleeping draws as a share of one busy core; NaN where idle watts are not known."""
    if not all(sample.knows_idle for sample in (*rests, *busy)):
        return math.nan
    return _ratio(_median([s.watts for s in rests]), _median([s.watts for s in busy]))


def _ratio(above: float, below: float) -> float:
    return above / below if below > 0 else math.nan


def _median(values: list[float]) -> float:
    return math.nan if any(map(math.isnan, values)) else statistics.median(values)


def _control(name: str, what: str, value: float, limits: tuple[float, float]) -> Control:
    known = None if math.isnan(value) else value
    return Control(name=name, what=what, value=known, low=limits[0], high=limits[1])
