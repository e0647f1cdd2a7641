"""Live watts of every domain, once a second, until Ctrl-C."""

from __future__ import annotations

import json
import math
import sys
import time
from argparse import Namespace
from collections import deque
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from energy_sweep.app.sweep.trial_text import watts_text
from energy_sweep.front import joules_text
from energy_sweep.record import EnergyReading, JsonDict, MeterFacts, Quality
from energy_sweep.text import terminal

BARS = "▁▂▃▄▅▆▇█"
SHOWN_SECONDS = 30
TOTAL = "total"


@dataclass(slots=True)
class DomainTotal:
    """What one domain has drawn since the start."""

    domain: str
    quality: Quality
    joules: float = 0.0
    seconds: float = 0.0
    watts: deque[float] = field(default_factory=lambda: deque(maxlen=SHOWN_SECONDS))

    @property
    def mean(self) -> float:
        return self.joules / self.seconds if self.seconds > 0 else 0.0

    def add(self, joules: float, seconds: float) -> None:
        """Take the joules of one more interval."""
        self.joules += joules
        self.seconds += seconds
        self.watts.append(joules / seconds if seconds > 0 else 0.0)


class LineDisplay(Protocol):
    """Shows lines as they are now."""

    def __call__(self, lines: list[DomainTotal], reading: EnergyReading) -> None: ...


def watch(arguments: Namespace) -> int:
    """Show watts once a second, for so many seconds or until Ctrl-C."""
    from energy_sweep.app.stored_study import powercap
    from energy_sweep.meter import Work
    from energy_sweep.meter.whole_machine import open_observer

    meter = open_observer(**powercap(arguments))
    facts = meter.facts()
    lines = [DomainTotal(name, facts.quality) for name in (*facts.domains, TOTAL)]
    end = time.monotonic() + (math.inf if arguments.seconds is None else arguments.seconds)
    try:
        with (
            _open_display(facts, as_json=arguments.json) as show,
            meter.window(Work(stage="watch", images=0, parameters=0)) as window,
        ):
            due = time.monotonic()
            while due < end:
                due = min(due + 1.0, end)
                time.sleep(max(due - time.monotonic(), 0.0))
                reading = window.mark().reading
                _add(lines, reading)
                show(lines, reading)
    except KeyboardInterrupt:
        pass
    finally:
        meter.close()
    return 0


def _add(lines: list[DomainTotal], reading: EnergyReading) -> None:
    for line, part in zip(lines, reading.domains, strict=False):
        line.quality = part.quality
        line.add(part.joules, reading.seconds)
    lines[-1].quality = reading.quality
    lines[-1].add(reading.joules, reading.seconds)


@contextmanager
def _open_display(facts: MeterFacts, *, as_json: bool) -> Generator[LineDisplay]:
    if as_json:
        yield _json_line
    elif sys.stdout.isatty():
        from rich.console import Console
        from rich.live import Live
        from rich.text import Text

        with Live(console=Console(), auto_refresh=False) as live:
            yield lambda lines, reading: live.update(
                Text(_table(lines, facts, terminal.width_of()), no_wrap=True), refresh=True
            )
    else:
        print(describe_watts(facts), flush=True)
        yield plain_line


def describe_watts(facts: MeterFacts) -> str:
    """What the watts are, in one line."""
    text = f"watts by {' + '.join(facts.sources)}, {facts.quality.value}"
    if "estimate" in facts.sources:
        text += "; cpu: the CPU seconds of all programs x watts per core, above idle"
    return text


def plain_line(lines: list[DomainTotal], reading: EnergyReading) -> None:
    """Print the watts of the last second; domains of other quality than the rest say theirs."""
    alike = len({line.quality for line in lines}) == 1
    shown = [f"{line.domain} {watts_text(line.watts[-1])}" for line in lines]
    if not alike:
        shown = [f"{one} {line.quality.value}" for one, line in zip(shown, lines, strict=True)]
    said = f" {reading.quality.value}" if alike else ""
    whole = f"{shown[-1]}{said}"
    parts = [f"{lines[-1].seconds:4.0f} s", *shown[:-1], whole]
    print(terminal.join_parts(parts, width=terminal.width_of(), indent=" " * 8), flush=True)


def _json_line(lines: list[DomainTotal], reading: EnergyReading) -> None:
    *domains, whole = map(_plain, lines)
    started = {"seconds": lines[-1].seconds, **whole}
    named = {line.domain: one for line, one in zip(lines, domains, strict=False)}
    print(json.dumps({**started, "domains": named}), flush=True)


def _plain(line: DomainTotal) -> JsonDict:
    return {
        "watts": line.watts[-1],
        "mean_watts": line.mean,
        "joules": line.joules,
        "quality": line.quality.value,
    }


def _table(lines: list[DomainTotal], facts: MeterFacts, width: int | None) -> str:
    last = f"last {SHOWN_SECONDS} s"
    head = ("domain", "quality", "now", "mean", "since start", last)
    rows = [
        (
            line.domain,
            line.quality.value,
            watts_text(line.watts[-1]),
            watts_text(line.mean),
            joules_text(line.joules),
            sparkline(list(line.watts)).ljust(SHOWN_SECONDS),
        )
        for line in lines
    ]
    left, fold = {"domain", "quality", last}, (last, "mean", "quality")
    table = terminal.table(head, rows, left=left, fold=fold, width=width)
    return f"{table}\n{terminal.prose(f'{describe_watts(facts)}; Ctrl-C ends it', width=width)}"


def sparkline(watts: list[float]) -> str:
    """Bars between 0 and the largest of the watts, or 1 W: less than that is no more than noise."""
    top, steps = max(1.0, *watts), len(BARS) - 1
    return "".join(BARS[round(steps * max(value, 0.0) / top)] for value in watts)
