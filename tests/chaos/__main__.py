"""`python -m tests.chaos`: every kind of fault, seeded, in two processes; 1 where one broke it."""

from __future__ import annotations

import argparse
import sys
import time

from tests.chaos.runner import KINDS, run_kinds, table


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", action="append", choices=list(KINDS))
    parser.add_argument("--scale", type=float, default=1.0, help="share of the full counts")
    parser.add_argument("--processes", type=int, default=2)
    asked = parser.parse_args()
    begun = time.monotonic()
    found = run_kinds(
        asked.only or list(KINDS),
        seed=asked.seed,
        scale=asked.scale,
        processes=asked.processes,
    )
    print(table(found))
    print(f"{time.monotonic() - begun:.0f} s, seed {asked.seed}")
    return 1 if any(tally.bad for tallies in found.values() for tally in tallies) else 0


if __name__ == "__main__":
    sys.exit(main())
