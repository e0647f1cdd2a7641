"""How many joules a search takes to the front: ours, and others, where the truth is known.

    python -m benchmarks.search [--seeds 20] [--worlds smooth,rough] [--full] [--speed]

A policy measures candidates of a world (`worlds.py`, `zeus.py`) one after the other, and pays each
(`runs.py`): with shared stages only what no earlier one ran, without them all of it. What it sees
of accuracy is a count of 1,000 images. What it holds is the hypervolume of the *true* accuracies
of what it measured, in accuracy and log10 joules, as a share of that of the whole world's front.

Printed is one line of JSON: median joules to shares of the front, and what is aimed at. Rows of
slow policies are in `slow.json` with their date and machine; `--full` runs them anew.
"""

from __future__ import annotations

import argparse
import json
import time

from benchmarks.search import slow
from benchmarks.search.contest import ZEUS, contest
from benchmarks.search.contestants import FAST, SLOW
from benchmarks.search.speed import speed
from benchmarks.search.targets import report
from benchmarks.search.worlds import WORLDS


def main(arguments: list[str] | None = None) -> None:
    """Run what is asked for, and print one line of JSON."""
    asked = _parser().parse_args(arguments)
    if asked.speed:
        print(json.dumps({"benchmark": "search", "seconds_a_suggestion": speed()}))
        return
    begun = time.perf_counter()
    worlds = asked.worlds.split(",")
    names = asked.policies.split(",") if asked.policies else [*FAST, *(SLOW if asked.full else ())]
    rows, told = contest(worlds, names, asked.seeds, asked.processes)
    if asked.full:
        slow.keep(rows, asked.seeds)
    found = report(rows, told, slow.kept())
    seconds = round(time.perf_counter() - begun, 1)
    print(json.dumps({"benchmark": "search", "seeds": asked.seeds, **found, "seconds": seconds}))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.search")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--worlds", default=",".join([*WORLDS, *ZEUS]))
    parser.add_argument("--policies", default="", help="only these, by name")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--full", action="store_true", help="slow policies too, anew: hours")
    parser.add_argument("--speed", action="store_true", help="only what a suggestion takes")
    return parser


if __name__ == "__main__":
    main()
