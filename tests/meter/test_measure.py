"""`with measure()`: joules of a block, running values inside, missing ones never 0."""

from __future__ import annotations

import math
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager, nullcontext
from types import SimpleNamespace

import pytest

from energy_sweep import measure
from energy_sweep.meter import Meter, ReadingLost, Window, Work, open_meter
from energy_sweep.meter.base import exclusive_window
from energy_sweep.meter.measure import wait_for_torch
from energy_sweep.meter.measure.total import per_busy_thread, total
from energy_sweep.record import DomainEnergy, EnergyReading, MeterFacts, Quality


def burn(cpu_seconds: float) -> None:
    end = time.process_time() + cpu_seconds
    while time.process_time() < end:
        pass


def part(joules: float, *, domain: str = "cpu:0", error: float = 0.0, edge: float = 0.0):
    return DomainEnergy(
        domain=domain,
        joules=joules,
        uncertainty_joules=error,
        source="rapl",
        quality=Quality.COUNTER,
        edge_joules=edge,
    )


def reading(*parts: DomainEnergy, seconds: float = 1.0, contended: bool | None = None):
    return EnergyReading(domains=parts, seconds=seconds, started=0.0, contended=contended)


class Told:
    """A meter that gives the readings it was told, and ReadingLost for None."""

    def __init__(self, *told: EnergyReading | None, opens: bool = True, **facts: object) -> None:
        self._told = iter(told)
        self._opens = opens
        self._facts = {"repeatability": 0.0, "idle_watts": {}, **facts}
        self.closed = 0

    def facts(self) -> MeterFacts:
        return MeterFacts(
            sources=("rapl",), domains=("cpu:0",), quality=Quality.COUNTER, **self._facts
        )

    @contextmanager
    def window(self, work: Work) -> Generator[Window]:
        with exclusive_window(work, self._begin, nullcontext()) as window:
            yield window

    def close(self) -> None:
        self.closed += 1

    def _begin(self, _: object):
        if not self._opens:
            raise ReadingLost("the counter stands still")
        return lambda work: self._lap()

    def _lap(self) -> EnergyReading:
        told = next(self._told, None)
        if told is None:
            raise ReadingLost("the counter was reset")
        return told


def test_a_block_costs_the_watts_of_its_cpu_seconds() -> None:
    with measure("estimate", cpu_watts_per_core=7.0) as block:
        before = time.process_time()
        burn(0.1)
        used = time.process_time() - before
    assert block.energy.terms["cpu_seconds"] == pytest.approx(used, abs=0.02)
    assert block.joules == pytest.approx(7.0 * block.energy.terms["cpu_seconds"], rel=0.1)
    assert block.watts == pytest.approx(block.joules / block.seconds)
    assert block.quality is Quality.ESTIMATED
    assert [one.domain for one in block.domains] == ["cpu", "memory"]
    assert "estimated" in str(block) and "\n" not in str(block)


def test_inside_the_block_only_the_running_value_is_known() -> None:
    with measure("estimate") as block:
        assert str(block) == "still measuring"
        with pytest.raises(RuntimeError, match="so_far"):
            _ = block.joules
        burn(0.02)
        first = block.so_far()
        burn(0.02)
        second = block.so_far()
        burn(0.02)
    assert 0 < first.joules < second.joules < block.joules
    assert first.seconds < second.seconds < block.seconds
    assert block.so_far() == block.energy


def test_running_values_change_nothing_of_the_whole() -> None:
    with measure({"name": "replay", "joules_per_image": 0.5}) as block:
        assert block.so_far().joules == 0.0
        assert block.so_far().joules == 0.0
    assert block.joules == 0.5


def test_a_block_that_fails_is_measured_to_its_end() -> None:
    with pytest.raises(ZeroDivisionError), measure("estimate") as block:
        burn(0.02)
        raise ZeroDivisionError
    assert block.joules > 0.02


def test_blocks_nest() -> None:
    with measure("estimate") as outer:
        burn(0.02)
        with measure("estimate") as inner:
            burn(0.02)
    assert 0 < inner.joules < outer.joules


def test_an_open_meter_is_used_and_stays_open() -> None:
    meter = Told(reading(part(5.0)), reading(part(0.0)))
    with measure(meter) as block:
        pass
    assert block.joules == 5.0 and meter.closed == 0
    with pytest.raises(TypeError, match="cpu_watts_per_core"), measure(meter, cpu_watts_per_core=1):
        pass


def test_lost_joules_are_missing_and_the_block_is_not() -> None:
    done = False
    with measure(Told(None)) as block:
        done = True
    assert done
    assert str(block) == "joules unknown: the counter was reset"
    for ask in ("joules", "net_joules", "seconds", "watts", "domains", "quality", "contended"):
        with pytest.raises(ReadingLost, match="reset"):
            getattr(block, ask)


def test_joules_lost_on_the_way_stay_lost() -> None:
    with measure(Told(None, reading(part(1.0)), reading(part(1.0)))) as block:
        with pytest.raises(ReadingLost):
            block.so_far()
        with pytest.raises(ReadingLost):
            block.so_far()
    with pytest.raises(ReadingLost):
        _ = block.joules


def test_what_is_lost_after_the_block_is_not_of_it() -> None:
    with measure(Told(reading(part(2.0)), None)) as block:
        pass
    assert block.joules == 2.0


def test_a_meter_that_cannot_begin_says_so() -> None:
    with pytest.raises(ReadingLost, match="stands still"), measure(Told(opens=False)):
        raise AssertionError("the block must not run")


def test_the_lost_reading_of_a_meter_of_the_block_is_the_blocks_own() -> None:
    with pytest.raises(ReadingLost, match="mine"), measure("estimate"):
        raise ReadingLost("mine")


def test_the_uncertainty_is_the_limit_between_two_runs() -> None:
    meter = Told(reading(part(100.0, error=3.0)), reading(part(0.0)), repeatability=0.05)
    with measure(meter) as block:
        pass
    assert block.uncertainty_joules == pytest.approx(math.hypot(math.sqrt(2) * 3.0, 5.0))
    assert block.energy.uncertainty_joules == 3.0


@pytest.mark.parametrize(("idle", "net"), [({"cpu:0": 20.0}, 60.0), ({}, None)])
def test_net_joules_are_those_above_idle_where_idle_is_known(
    idle: dict[str, float], net: float | None
) -> None:
    meter = Told(reading(part(100.0), seconds=2.0), reading(part(0.0)), idle_watts=idle)
    with measure(meter) as block:
        pass
    assert block.net_joules == net


def test_one_domain_without_idle_watts_makes_the_net_unknown() -> None:
    both = reading(part(100.0), part(30.0, domain="gpu:0"), seconds=2.0)
    with measure(Told(both, both, idle_watts={"cpu:0": 20.0})) as block:
        pass
    assert block.net_joules is None
    assert [block.net_of(one) for one in block.domains] == [60.0, None]


def test_large_joules_are_written_out() -> None:
    with measure(Told(reading(part(123456.7, error=800.0), seconds=3600.0), None)) as block:
        pass
    assert str(block) == "123,457 J ± 1,131 J counter in 3,600 s (34.3 W)"


def test_a_chain_of_marks_has_two_edges() -> None:
    marks = [reading(part(10.0, error=5.0, edge=3.0)) for _ in range(4)]
    whole = total(marks)
    assert whole.joules == 40.0 and whole.seconds == 4.0
    assert whole.edge_joules == pytest.approx(3.0)
    assert whole.uncertainty_joules == pytest.approx(3.0 + 4 * 2.0)


@pytest.mark.parametrize(
    ("seen", "verdict"),
    [((None, None), None), ((None, False), False), ((False, True), True), ((None, True), True)],
)
def test_the_whole_is_contended_where_a_part_is(
    seen: tuple[bool | None, bool | None], verdict: bool | None
) -> None:
    assert total([reading(part(1.0), contended=one) for one in seen]).contended is verdict


def estimated(*, seconds: float) -> EnergyReading:
    with measure("estimate") as block:
        burn(0.01)
    terms = {"cpu_seconds": 4.0, "gib_cpu_seconds": 8.0}  # 2 GiB
    return EnergyReading(domains=block.domains, seconds=seconds, terms=terms)


def test_memory_is_held_once_by_several_threads() -> None:
    watts = {"cpu_watts_per_core": 3.0, "memory_watts_per_gib": 0.5}
    by_four = per_busy_thread(estimated(seconds=1.0), watts)
    assert [one.joules for one in by_four.domains] == pytest.approx([12.0, 0.5 * 2.0])
    alone = estimated(seconds=5.0)
    assert per_busy_thread(alone, watts) is alone


def test_queued_work_is_waited_for() -> None:
    calls: list[int] = []
    with measure("estimate", synchronize=lambda: calls.append(1)) as block:
        assert len(calls) == 1
        block.so_far()
        assert len(calls) == 2
    assert len(calls) > 2


def test_only_gpus_that_torch_uses_are_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[int] = []
    cuda = SimpleNamespace(
        is_initialized=lambda: True,
        device_count=lambda: 3,
        memory_reserved=lambda index: [0, 2**20, 2**20][index],
        synchronize=waited.append,
    )
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=cuda))
    wait_for_torch()
    assert waited == [1, 2]
    cuda.is_initialized = lambda: False
    wait_for_torch()
    assert waited == [1, 2]


def test_measuring_loads_no_torch() -> None:
    code = (
        "import sys; from energy_sweep import measure\n"
        "with measure() as block: pass\n"
        "print('torch' in sys.modules, block.quality)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split()[0] == "False"


def test_a_measured_program_may_measure_itself() -> None:
    code = (
        "from energy_sweep import measure\nwith measure() as block: pass\nprint(block.joules >= 0)"
    )
    with measure("estimate") as block:
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
        )
    assert done.stdout == "True\n"
    assert block.energy.terms["cpu_seconds"] > 0.01


def test_settings_reach_the_meter() -> None:
    opened: Meter = open_meter({"name": "estimate", "cpu_watts_per_core": 9.0})
    with measure(
        {"name": "estimate", "cpu_watts_per_core": 9.0}, memory_watts_per_gib=1.0
    ) as block:
        pass
    assert block.facts.coefficients == {**opened.facts().coefficients, "memory_watts_per_gib": 1.0}
