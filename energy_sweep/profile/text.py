"""The profile of a trial as files: profile.json, and profile.txt for people."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING

from energy_sweep.record import JsonDict, TrialResult, digest, from_json
from energy_sweep.record.files import read_file
from energy_sweep.text.terminal import prose, table, width_of

if TYPE_CHECKING:
    from energy_sweep.recipe import Recipe

log = logging.getLogger(__name__)

JSON, TEXT = "profile.json", "profile.txt"
FIRST_ROWS = 12
MILLI = 1e3
LEAST_BUSY = 2 / 3
COLUMNS = (
    *("layer", "kind", "forward ms", "backward ms", "share", "calls"),
    *("MACs/image", "parameters", "out bytes/image"),
)
FOLD = ("calls", "out bytes/image", "kind", "parameters", "MACs/image")


class Profiles:
    """Profiles by what they depend on: trials of equal work share one."""

    def __init__(self) -> None:
        self._taken: dict[str, JsonDict] = {}

    def write(self, recipe: Recipe, result: TrialResult, folder: Path) -> None:
        """Put the profile of a trial that has ended into its folder; no window is open."""
        from energy_sweep.profile.profiler import profile_in_process
        from energy_sweep.recipe import replace
        from energy_sweep.recipe.plan import Plan
        from energy_sweep.record.files import write_whole

        costs = [use.cost_key for use in result.stages if use.stage in ("trunk", "cooldown")]
        key = digest([*costs, recipe.inference_batch])
        if key not in self._taken:
            plan = from_json(Plan, result.facts.get("plan", {}))
            try:
                self._taken[key] = profile_in_process(replace(recipe, plan=plan))
            except Exception as error:  # an extra: the trial that was measured stands without it
                log.warning("no profile of this trial: %s", error)
                return
        document = self._taken[key]
        write_whole(folder / JSON, json.dumps(document, indent=2) + "\n")
        write_whole(folder / TEXT, profile_text(document))


def preview(folder: Path) -> str:
    """The first rows of a profile, and where the rest is; why there is none."""
    path = folder / JSON
    if not path.is_file():
        return "  no profile"
    width = width_of()
    document = json.loads(read_file(path))
    lines = profile_text(document, width=None if width is None else width - 2).splitlines()
    first = "\n".join(f"  {line}" for line in lines[:FIRST_ROWS])
    return f"\n{first}\n  ... and more of it: {folder / TEXT}"


def profile_text(document: JsonDict, *, width: int | None = None) -> str:
    """A profile as tables: training, inference, operators, the dearest rows first."""
    training, inference = document["training"], document["inference"]
    told = [
        f"Time by layer of {document['model']} on {document['dataset']},"
        f" {document['precision']}, {document['plan']['layout']}, {document['device']},"
        f" threads={document['threads']}. No joules: those of a layer are not known.",
        "A fresh dense net, after the trial and on no bill. Elapsed time: other programs slow it.",
        *_contention_line(document),
    ]
    parts = [
        prose("\n".join(told), width=width),
        _phase("training", training, width),
        _phase("inference, in torch and not in the runtime that is deployed", inference, width),
        _operators(training, width),
    ]
    return "\n\n".join(parts) + "\n"


def _contention_line(document: JsonDict) -> list[str]:
    """A line where a CPU was at work for less than two thirds of the time; a GPU leaves it idle."""
    table = document["training"]
    share = table["plain_step_cpu_seconds"] / table["plain_step_seconds"]
    if document["device"] != "cpu" or share > LEAST_BUSY:
        return []
    return [f"Disturbed: it had a processor for {share:.0%} of the time. Repeat it when quiet."]


def _phase(name: str, phase: JsonDict, width: int | None) -> str:
    step, plain = phase["step_seconds"], phase["plain_step_seconds"]
    parts = {k.replace("_", " "): v for k, v in phase["parts"].items() if k != "layers" and v}
    others = ", ".join(f"{part} {value / step:.0%}" for part, value in parts.items())
    peak = phase["device_peak_memory_bytes"] or phase["peak_memory_bytes"]
    rows = [_cells(row) for row in sorted(phase["layers"], key=lambda row: -row["share"])]
    on_device = any(row["forward_device_seconds"] for row in phase["layers"])
    headers = (*COLUMNS, "GPU forward ms", "GPU backward ms") if on_device else COLUMNS
    clock = (
        f"{plain * MILLI:.3g} ms without the profiler,"
        f" {phase['plain_step_cpu_seconds'] * MILLI:.3g} ms of CPU"
    )
    told = [
        f"{name}: {step * MILLI:.3g} ms for {phase['batch']} images, mean of {phase['steps']}"
        f" ({clock})" + (f"; tensors take up to {peak / 2**20:.1f} MiB" if peak else ""),
        f"layers explain {phase['explained']:.0%} of it; {others}",
    ]
    cells = [row[: len(headers)] for row in rows]
    layers = table(headers, cells, left={headers[0]}, fold=FOLD, width=width)
    return "\n".join([prose("\n".join(told), width=width), layers])


def _cells(row: JsonDict) -> tuple[str, ...]:
    def ms(key: str) -> str:
        return f"{row[key] * MILLI:.3f}" if row[key] else "-"

    def count(key: str) -> str:
        return "-" if row[key] is None else f"{row[key]:,.0f}"

    return (
        *(row["layer"], row["kind"] or "-", ms("forward_seconds"), ms("backward_seconds")),
        *(f"{row['share']:.1%}", count("calls"), count("macs"), count("parameters")),
        *(count("output_bytes"), ms("forward_device_seconds"), ms("backward_device_seconds")),
    )


def _operators(training: JsonDict, width: int | None) -> str:
    head = ("operator, in training", "own ms", "own GPU ms", "calls")
    rows = [
        (
            row["name"],
            f"{row['self_seconds'] * MILLI:.3f}",
            f"{row['self_device_seconds'] * MILLI:.3f}",
            f"{row['calls']:g}",
        )
        for row in training["operators"]
    ]
    return table(head, rows, left={head[0]}, width=width)
