"""Joules of CPU packages and of their memory, from the counters that RAPL keeps (powercap)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from energy_sweep.hardware.cpu import CPUINFO, cpu_maker, cpu_model, cpu_packages, is_confined
from energy_sweep.meter.base import MeterUnavailable, Probe, ReadingLost
from energy_sweep.meter.counter.idle import check_counters, recall_checks
from energy_sweep.meter.counter.source import Counter, CounterSource
from energy_sweep.meter.rapl.powercap import NoZones, Zone
from energy_sweep.meter.rapl.zones import Zones, find_zones
from energy_sweep.record import BadInput, JsonDict, MeterFacts, Quality

ROOT = Path("/sys/class/powercap")
SOURCE = "rapl"
JOULES_PER_COUNT = 1e-6
# RAPL counts anew about once a millisecond (Intel SDM volume 3, on RAPL interfaces).
TICK_SECONDS = 1e-3
# The registers have 32 bits; their units of 15 or 61 microjoules become microjoules in the kernel.
REGISTER_COUNTS = 2**32 - 1

# How far RAPL is off by a factor that all joules of a machine share is not published. What is
# published differs by workload (dynamic energy of Haswell and Skylake servers: 73 % on average,
# Fahad et al. 2019) or is a constant number of watts (memory, Desrochers et al. 2016).
SCALE_BAND = (1.0, 1.0)
# Nor is one figure for two runs of equal work: Ournani et al. 2020 made it up to 30 times smaller
# by C-states, turbo and placement. Equal work in two processes that took turns differed by 6 % in
# CPU seconds on the machine that `estimate` names; joules follow those until better is known.
REPEATABILITY = 0.06
NOTES = (
    "joules are of whole CPU packages: what other programs do there is in them",
    "how far these joules are off by a common factor is not known: compare them on one machine",
    "that equal runs differ by less than 6 % is taken from CPU seconds, not measured",
)
AMD = "AMD computes these joules from a model, and leaves out memory (Schoene et al. 2021)"


class RaplSource(CounterSource):
    """The packages under `root` that this process may run on, and the memory of each.

    `self_check` measures ticks and idle watts (about 3 s, once per machine); without it ticks of
    1 ms are taken for granted. Raises MeterUnavailable.
    """

    def __init__(
        self, root: str | Path = ROOT, self_check: bool = True, *, cpuinfo: Path = CPUINFO
    ) -> None:
        if not isinstance(self_check, bool):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise BadInput(f"meter.self_check={self_check}: type true or false")
        found = _zones(root)
        counters = [_counter(zone) for zone in found.read]
        if self_check:
            try:
                counters = check_counters(counters, {"cpu": cpu_model(cpuinfo)})
            except ReadingLost as lost:
                raise MeterUnavailable(str(lost), "type meter=estimate to do without") from lost
        super().__init__(counters, _facts(counters, found, cpuinfo))


def probe(root: str | Path = ROOT, *, cpuinfo: Path = CPUINFO) -> Probe:
    """What can be read under `root`; idle watts where they are known from before."""
    try:
        found = _zones(root)
    except NoZones as missing:
        return Probe(
            source=SOURCE,
            usable=False,
            quality=Quality.COUNTER,
            domains=("cpu", "dram"),
            why=missing.why,
            remedy=missing.remedy,
        )
    counters = recall_checks([_counter(zone) for zone in found.read], {"cpu": cpu_model(cpuinfo)})
    facts = _facts(counters, found, cpuinfo)
    return Probe(
        source=SOURCE,
        usable=True,
        quality=Quality.COUNTER,
        domains=facts.domains,
        why="counters of the CPU, of whole packages with all that runs there",
        remedy="type meter=rapl",
        tick_seconds=facts.tick_seconds,
        resolution_joules=_resolution(found.read),
        idle_watts=facts.idle_watts,
        details=facts.details,
    )


def _zones(root: object) -> Zones:
    """The zones to read under `root`: those of the packages that this process may run on."""
    if not isinstance(root, str | Path) or not str(root):
        raise BadInput(f"meter.powercap={root}: type the folder that the counters are in")
    return find_zones(Path(root), cpu_packages() if is_confined() else None)


def _counter(zone: Zone) -> Counter:
    def read() -> int:
        try:
            return zone.read()
        except OSError as error:
            raise ReadingLost(f"{zone.file} cannot be read any more: {error.strerror}") from error
        except ValueError as error:
            raise ReadingLost(f"{zone.file} {error}") from error

    return Counter(
        domain=zone.domain,
        label=zone.file,
        read=read,
        joules_per_count=JOULES_PER_COUNT,
        tick_seconds=TICK_SECONDS,
        span=zone.span,
    )


def _facts(counters: Sequence[Counter], found: Zones, cpuinfo: Path) -> MeterFacts:
    model = cpu_model(cpuinfo)
    notes = [*found.notes, *NOTES, *([AMD] if "AMD" in cpu_maker(cpuinfo) else [])]
    if not any(counter.domain.startswith("dram") for counter in counters):
        notes.append("memory is not counted here: its joules are missing")
    details: JsonDict = {
        "cpu": model,
        "zones": {zone.domain: zone.entry for zone in found.read},
        "notes": notes,
    }
    return MeterFacts(
        sources=(SOURCE,),
        domains=tuple(counter.domain for counter in counters),
        quality=Quality.COUNTER,
        scale_band=SCALE_BAND,
        repeatability=REPEATABILITY,
        tick_seconds=max(counter.tick_seconds for counter in counters),
        idle_watts={c.domain: c.idle_watts for c in counters if c.idle_watts is not None},
        details={SOURCE: details},
    )


def _resolution(zones: Sequence[Zone]) -> float:
    """The coarsest step of the counters in joules."""
    steps = [max((zone.span or 0) / REGISTER_COUNTS, 1.0) for zone in zones]
    return max(steps) * JOULES_PER_COUNT
