"""The verb meters: what can be measured here, live watts, controls, and own watts."""

from __future__ import annotations

import argparse
import sys
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from energy_sweep.app import stored_study
from energy_sweep.app.sweep.trial_text import watts_text
from energy_sweep.app.verbs import typed_numbers
from energy_sweep.record import BadInput, to_json
from energy_sweep.text import terminal

if TYPE_CHECKING:
    from energy_sweep.app.sweep.bar import Bar
    from energy_sweep.meter.base import Probe
    from energy_sweep.meter.selftest import Control, Verdict

HEADING = ("source", "domain", "quality", "tick", "resolution", "idle", "state")
FOLD = ("tick", "resolution", "idle", "state", "quality")
FAILED = 1
LINE_EVERY = 3


def options(parser: argparse.ArgumentParser) -> None:
    """What is to be told of the meters, and how long."""
    one = parser.add_mutually_exclusive_group()
    one.add_argument("--watch", action="store_true", help="live watts, once a second")
    one.add_argument("--selftest", action="store_true", help="controls, in half a minute")
    one.add_argument(
        "--calibrate", action="store_true", help="watts of the estimate, by a wall plug"
    )
    parser.add_argument(
        "--seconds",
        type=typed_numbers.positive,
        metavar="S",
        help="end of --watch; length of a load (30)",
    )
    parser.add_argument(
        "--repeats", type=typed_numbers.count, metavar="N", help="rounds of --calibrate (1)"
    )
    parser.add_argument(
        "--to", type=Path, metavar="FILE", help="where --calibrate writes (calibration.json)"
    )


def meters(arguments: Namespace) -> int:
    """Do what was asked of the meters; the exit code is 1 where a control does not hold."""
    _check_options(arguments)
    if arguments.watch:
        from energy_sweep.app.verbs import watch

        return watch.watch(arguments)
    if arguments.selftest:
        return _selftest(arguments)
    if arguments.calibrate:
        from energy_sweep.app.verbs import calibrate

        return calibrate.calibrate(arguments)
    return _survey(arguments)


def _check_options(arguments: Namespace) -> None:
    for option, used, homes in (
        ("--seconds", arguments.seconds, ("--watch", "--calibrate")),
        ("--repeats", arguments.repeats, ("--calibrate",)),
        ("--to", arguments.to, ("--calibrate",)),
    ):
        if used is not None and not any(getattr(arguments, home[2:]) for home in homes):
            raise BadInput(f"{option} belongs to {' or '.join(homes)}: type one of them beside it")


def _survey(arguments: Namespace) -> int:
    from energy_sweep.meter import survey

    probes = survey(arguments.powercap)
    if arguments.json:
        stored_study.print_json({"auto": _automatic(probes), "meters": to_json(probes)})
        return 0
    print(_survey_text(probes, terminal.width_of()))
    return 0


def _survey_text(probes: Sequence[Probe], width: int | None) -> str:
    cells = [row for probe in probes for row in _rows(probe)]
    lines = [terminal.table(HEADING, cells, fold=FOLD, width=width)]
    for probe in probes:
        if not probe.usable:
            lines += ["", terminal.prose(f"{probe.source} is missing: {probe.why}", width=width)]
            if probe.remedy:
                lines.append(terminal.prose(f"  to get it: {probe.remedy}", width=width))
    ready = [probe for probe in probes if probe.usable]
    column = max(len(probe.source) for probe in ready)
    lines += ["", "what is here:"]
    for probe in ready:
        for name, text in ((probe.source, probe.why), ("", probe.remedy)):
            if text:
                indent = " " * (column + 4)
                line = f"  {name:{column}}  {text}"
                lines.append(terminal.prose(line, width=width, indent=indent))
    taken = f"meter=auto, the default, takes {_takes(probes)}"
    return "\n".join([*lines, "", terminal.prose(taken, width=width)])


def _automatic(probes: Sequence[Probe]) -> dict[str, str | None]:
    """The source that meter=auto takes for the GPUs of the work and for the CPU."""
    usable = [probe.source for probe in probes if probe.usable]
    return {
        "gpu": "nvml" if "nvml" in usable else None,
        "cpu": next(name for name in ("rapl", "estimate") if name in usable),
    }


def _takes(probes: Sequence[Probe]) -> str:
    automatic = _automatic(probes)
    gpu, cpu = automatic["gpu"], automatic["cpu"]
    if gpu is None:
        return f"{cpu} here"
    domains = [domain for probe in probes if probe.source == gpu for domain in probe.domains]
    if any(domain.startswith("module:") for domain in domains):
        return f"{gpu} alone for work on a GPU, whose joules hold the processor, and {cpu} else"
    return (
        f"{gpu} for work on a GPU, and {cpu} for the CPU: joules of two sources have no unknown"
        " factor in common, and where an order depends on that, the front says so"
    )


def _rows(probe: Probe) -> list[tuple[str, ...]]:
    """One line per domain, and one where none is known."""
    tick = "-" if probe.tick_seconds is None else _seconds(probe.tick_seconds)
    step = "-" if probe.resolution_joules is None else f"{probe.resolution_joules:.2g} J"
    return [
        (
            probe.source,
            domain,
            probe.quality.value,
            tick,
            step,
            watts_text(probe.idle_watts[domain]) if domain in probe.idle_watts else "-",
            "ready" if probe.usable else "missing",
        )
        for domain in probe.domains or ("-",)
    ]


def _seconds(seconds: float) -> str:
    """A tick with the unit that suits it; one of a microsecond or less is no tick."""
    if seconds <= 1e-6:
        return "-"
    return f"{seconds:.3g} s" if seconds >= 1 else f"{1000 * seconds:.3g} ms"


def _selftest(arguments: Namespace) -> int:
    from energy_sweep.meter import open_meter, selftest

    meter = open_meter({"name": "auto", **stored_study.powercap(arguments)})
    facts = meter.facts()
    quality = facts.quality.value
    if not arguments.json:
        print(f"selftest of {' + '.join(facts.sources)}, {quality}: about half a minute")
    try:
        with _SelftestProgress() as say:
            rounds = selftest.calibrate_rounds(selftest.WORK_CPU_SECONDS)
            verdict = selftest.selftest(meter, rounds=rounds, say=say)
    finally:
        meter.close()
    if arguments.json:
        controls = [to_json(one) | {"holds": one.holds} for one in verdict.controls]
        judged = {"holds": verdict.holds, "quality": quality, "meter": to_json(facts)}
        stored_study.print_json({**judged, **to_json(verdict), "controls": controls})
    else:
        print(_verdict_text(verdict, quality))
    return 0 if verdict.holds else FAILED


class _SelftestProgress:
    """Says on stderr how far a selftest is: a bar on a terminal, else a line now and then."""

    def __init__(self) -> None:
        self._bar: Bar | None = None

    def __enter__(self) -> _SelftestProgress:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def __call__(self, done: int, windows: int, what: str) -> None:
        if not sys.stderr.isatty():
            if done % LINE_EVERY == 0:
                print(f"{done} of {windows} windows: {what}", file=sys.stderr, flush=True)
            return
        if self._bar is None:
            from energy_sweep.app.sweep.bar import Bar

            self._bar = Bar(windows, done)
        self._bar.show(what, done)


def _verdict_text(verdict: Verdict, quality: str) -> str:
    heading = ("control", "value", "limit", "holds", "quality", "what it compares")
    rows = [_control_row(one, quality) for one in verdict.controls]
    width = terminal.width_of()
    table = terminal.table(heading, rows, fold=("what it compares", "quality"), width=width)
    lines: list[str] = []
    if verdict.contended:
        lines.append(
            f"{verdict.contended} of {verdict.windows} windows stayed contended: other programs"
            " used more than 5 % of the processors"
        )
    judged = "all controls hold" if verdict.holds else "NOT all controls hold"
    lines.append(f"{judged} ({verdict.windows} windows in {verdict.seconds:.0f} s)")
    return "\n".join([table, terminal.prose("\n".join(lines), width=width)])


def _control_row(control: Control, quality: str) -> tuple[str, ...]:
    value = "idle unknown" if control.value is None else f"{control.value:.3f}"
    limit = f"{control.low:g} to {control.high:g}"
    holds = "yes" if control.holds else "NO"
    return (control.name, value, limit, holds, quality, control.what)
