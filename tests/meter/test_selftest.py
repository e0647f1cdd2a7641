"""The controls tell a meter that works from one that does not, on a machine made of formulas."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field

import pytest

from energy_sweep.meter import Window, Work, open_meter, selftest
from energy_sweep.meter.base import exclusive_window
from energy_sweep.record import DomainEnergy, EnergyReading, MeterFacts, Quality

ROUNDS = 1000


@dataclass
class Machine:
    """Draws `idle` W always and 10 W more while busy; 1000 rounds take 1 s times `slowness`."""

    idle: float = 40.0
    slowness: Iterator[float] = field(default_factory=lambda: itertools.repeat(1.0))
    seconds: float = 0.0
    joules: float = 0.0

    def sleep(self, seconds: float) -> None:
        self._pass(seconds, self.idle)

    def burn(self, rounds: int) -> None:
        self._pass(rounds / 1000 * next(self.slowness), self.idle + 10.0)

    def _pass(self, seconds: float, watts: float) -> None:
        self.seconds += seconds
        self.joules += seconds * watts


class Counting:
    """A meter of the machine; `wrong` distorts the joules and seconds of a window."""

    def __init__(
        self,
        machine: Machine,
        *,
        idle_watts: dict[str, float] | None = None,
        quality: Quality = Quality.COUNTER,
        wrong: Callable[[float, float], float] = lambda joules, seconds: joules,
        contended: Iterator[bool] | None = None,
    ) -> None:
        self._machine = machine
        self._quality = quality
        self._wrong = wrong
        self._contended = contended or itertools.repeat(False)
        self._idle = {"cpu:0": machine.idle} if idle_watts is None else idle_watts
        self.windows = 0

    def facts(self) -> MeterFacts:
        return MeterFacts(
            sources=("rapl",), domains=("cpu:0",), quality=self._quality, idle_watts=self._idle
        )

    @contextmanager
    def window(self, work: Work) -> Generator[Window]:
        self.windows += 1
        with exclusive_window(work, self._begin, nullcontext()) as window:
            yield window

    def close(self) -> None: ...

    def _begin(self, _: object) -> Callable[[Work], EnergyReading]:
        last = (self._machine.joules, self._machine.seconds)
        contended = next(self._contended)

        def lap(_: Work) -> EnergyReading:
            nonlocal last
            start, last = last, (self._machine.joules, self._machine.seconds)
            seconds = last[1] - start[1]
            one = DomainEnergy(
                domain="cpu:0",
                joules=self._wrong(last[0] - start[0], seconds),
                uncertainty_joules=0.0,
                source="rapl",
                quality=self._quality,
            )
            return EnergyReading(domains=(one,), seconds=seconds, contended=contended)

        return lap


def judge(machine: Machine, meter: Counting) -> dict[str, selftest.Control]:
    verdict = selftest.selftest(meter, rounds=ROUNDS, burn=machine.burn, sleep=machine.sleep)
    return {control.name: control for control in verdict.controls}


def test_a_meter_that_counts_right_passes() -> None:
    machine = Machine()
    found = judge(machine, Counting(machine))
    assert found["sleep"].value == pytest.approx(0.0, abs=1e-9)
    assert found["double"].value == pytest.approx(2.0)
    assert found["same"].value == pytest.approx(1.0)
    assert all(control.holds for control in found.values())


def test_a_machine_that_slows_down_all_the_while_passes() -> None:
    machine = Machine(slowness=(1.03**step for step in itertools.count()))
    found = judge(machine, Counting(machine))
    assert found["double"].holds and found["same"].holds


def test_one_bad_moment_passes() -> None:
    machine = Machine(slowness=itertools.chain([3.0], itertools.repeat(1.0)))
    found = judge(machine, Counting(machine))
    assert found["double"].holds and found["same"].holds


def test_joules_that_follow_nobodys_work_fail_the_sleep() -> None:
    machine = Machine()
    wall = Counting(machine, idle_watts={}, quality=Quality.ESTIMATED)
    found = judge(machine, wall)
    assert found["sleep"].value == pytest.approx(40 / 50)
    assert not found["sleep"].holds


def test_a_constant_too_much_in_every_window_fails_the_double() -> None:
    machine = Machine(idle=0.0)
    found = judge(machine, Counting(machine, wrong=lambda joules, seconds: joules + 5.0))
    assert found["double"].value == pytest.approx(25 / 15)
    assert not found["double"].holds


def test_equal_work_that_is_not_equal_fails_the_same() -> None:
    # Every other window of work is a fifth dearer, whichever it is.
    machine = Machine(idle=0.0)
    dear = itertools.cycle([1.0, 1.2])
    odd = Counting(machine, wrong=lambda joules, _: joules and joules * next(dear))
    found = judge(machine, odd)
    assert found["same"].value == pytest.approx(1.2) or found["same"].value == pytest.approx(
        1 / 1.2
    )
    assert not found["same"].holds


def test_a_counter_that_stands_still_passes_nothing() -> None:
    machine = Machine(idle=0.0)
    found = judge(machine, Counting(machine, wrong=lambda joules, seconds: 0.0))
    assert [control.value for control in found.values()] == [None, None, None]
    assert not any(control.holds for control in found.values())


def test_a_counter_whose_idle_is_unknown_cannot_tell_the_sleep() -> None:
    machine = Machine()
    found = judge(machine, Counting(machine, idle_watts={}))
    assert found["sleep"].value is None and not found["sleep"].holds
    assert found["double"].holds and found["same"].holds


def test_contended_windows_are_repeated() -> None:
    machine = Machine()
    meter = Counting(
        machine, contended=itertools.chain([True, False, True], itertools.repeat(False))
    )
    verdict = selftest.selftest(meter, rounds=ROUNDS, burn=machine.burn, sleep=machine.sleep)
    assert meter.windows == verdict.windows + 2
    assert verdict.contended == 0


def test_repeats_come_to_an_end_and_are_told() -> None:
    machine = Machine()
    meter = Counting(machine, contended=itertools.repeat(True))
    verdict = selftest.selftest(meter, rounds=ROUNDS, burn=machine.burn, sleep=machine.sleep)
    assert meter.windows == verdict.windows + selftest.MOST_REPEATS
    assert verdict.contended == verdict.windows
    assert verdict.holds


def test_progress_is_told_window_by_window() -> None:
    machine, told = Machine(), []
    verdict = selftest.selftest(
        Counting(machine),
        rounds=ROUNDS,
        burn=machine.burn,
        sleep=machine.sleep,
        say=lambda done, windows, what: told.append((done, windows)),
    )
    assert told == [(done, verdict.windows) for done in range(verdict.windows)]


def test_the_work_is_counted_in_rounds_and_takes_about_as_long_as_asked() -> None:
    rounds = selftest.calibrate_rounds(0.1)
    before = time.process_time()
    selftest.burn(rounds)
    assert 0.03 < time.process_time() - before < 0.3


def test_double_work_costs_the_estimate_more() -> None:
    meter = open_meter("estimate")
    rounds = selftest.calibrate_rounds(0.02)
    verdict = selftest.selftest(meter, rounds=rounds, sleep=lambda seconds: time.sleep(0.01))
    values = {control.name: control.value for control in verdict.controls}
    assert values["double"] is not None and 1.0 < values["double"] < 4.0
