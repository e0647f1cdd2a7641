"""Runs the sweeps of an experiment, one after the other, each as the command that types it."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

from energy_sweep.app.config.quoting import quote_if_needed
from energy_sweep.app.experiment.preset import Preset, SweepPlan
from energy_sweep.app.verbs.child import BY_SIGNAL, run
from energy_sweep.record.notice import Ended
from energy_sweep.study.paths import OUTPUTS, is_study
from energy_sweep.text.commands import program

SIGNALS = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
ENDED = {BY_SIGNAL + number: number for number in SIGNALS}
STOPPED = BY_SIGNAL + signal.SIGINT
MODULE = ("-m", "energy_sweep")


def words_of(preset: Preset, plan: SweepPlan, size: str, outputs: Path) -> list[str]:
    """What is typed behind `python -m energy_sweep` to run a sweep."""
    name = preset.study(plan.name, size)
    if plan.trace:
        within = [] if outputs == OUTPUTS else ["--outputs", str(outputs)]
        return ["trace", *plan.trace, "--name", name, *within]
    within = [] if outputs == OUTPUTS else [f"outputs={quote_if_needed(str(outputs))}"]
    return ["-m", *plan.words, f"name={name}", *within]


def plan_lines(preset: Preset, size: str, outputs: Path) -> list[str]:
    """What is asked, how long it takes here, what it needs, and the commands in their order."""
    chosen = preset.size(size)
    lines = [f"{preset.name}, size {size}: {preset.question}", f"  source: {preset.source}"]
    if chosen.minutes is not None:
        lines.append(f"  takes: some {chosen.minutes:g} minutes on two CPU cores")
    lines.append(f"  needs: {chosen.needs or 'nothing beside this program; no download'}")
    lines += [f"  {program(*words_of(preset, one, size, outputs))}" for one in chosen.sweeps]
    return lines


def starts_from(preset: Preset, plan: SweepPlan, size: str, outputs: Path) -> str:
    """The study of this experiment that a sweep takes weights of, and that was not begun yet."""
    studies = {preset.study(one.name, size) for one in preset.size(size).sweeps}
    named = (word.partition("=")[2].partition("/") for word in plan.words)
    found = [name for name, slash, _ in named if slash and name in studies]
    return next((name for name in found if not is_study(outputs / name)), "")


def run_sweeps(preset: Preset, size: str, outputs: Path, *, dry: bool) -> list[str]:
    """Run each, or ask each what it would do; gives the names of those that did not end well.

    A sweep that is stopped by hand stops all: the same command goes on from there.
    """
    failed: list[str] = []
    for plan in preset.size(size).sweeps:
        if dry and plan.trace:
            continue  # which costs nothing
        source = starts_from(preset, plan, size, outputs)
        if dry and source:
            name = preset.study(plan.name, size)
            print(f"\n{name} starts from {source}, which runs before it: no price is known yet")
            continue
        words = [*words_of(preset, plan, size, outputs), *(["search.dry_run=true"] if dry else [])]
        print(f"\n{program(*words)}", flush=True)
        # Who kills this program alone leaves its sweep running, which the same command waits for.
        patience = [] if dry or plan.trace else ["--wait"]
        code = run([sys.executable, *MODULE, *words, *patience], lambda: None, first_look=1.0)
        if code == STOPPED:
            raise KeyboardInterrupt
        if code in ENDED:
            raise Ended(ENDED[code])
        if code:
            failed.append(plan.name)
    return failed
