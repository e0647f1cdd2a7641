"""How many more trials a second several workers of one study end than one does.

    python -m benchmarks.workers_throughput [--postgres] [--workers 1,2,4,8]

Trials sleep for half a second, which needs no processor: what is lost is the turns that workers
take. A rate is that of the trials between the first that ended and the last. The last line is JSON;
the target is .85 of as many times the rate of one worker as there are workers.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from benchmarks.workers import Crew, Plan, own_server, told, work

SLEEP = 0.5
EACH = 16  # trials of each worker
TARGET = 0.85


def rate(folder: Path, storage: str | None, workers: int) -> float:
    """Trials that end in a second."""
    plan = Plan(workers=workers, trials=EACH * workers, sleep_seconds=(SLEEP, SLEEP))
    crew = Crew(partial(work, folder, storage, plan, folder.name), folder.with_suffix(".log"))
    first = last = 0.0
    try:
        for _ in range(workers):
            crew.start()
        while told(folder) < plan.trials:
            first = first or (time.monotonic() if told(folder) else 0.0)
            time.sleep(0.005)
        last = time.monotonic()
        while not crew.is_over():
            time.sleep(0.01)
    finally:
        crew.end()
    return (plan.trials - 1) / (last - first)


def main() -> None:
    parser = argparse.ArgumentParser(description="Workers on one study, and what they gain")
    parser.add_argument("--postgres", action="store_true")
    parser.add_argument("--workers", default="1,2,4,8")
    typed = parser.parse_args()
    counts = [int(count) for count in typed.workers.split(",")]
    with ExitStack() as stack:
        if typed.postgres:
            place, storage, _ = stack.enter_context(own_server())
        else:
            place, storage = Path(stack.enter_context(tempfile.TemporaryDirectory())), None
        warm = Plan(trials=1, sleep_seconds=(0.0, 0.0))
        work(place / "warm", storage, warm, "warm")  # what is loaded late is loaded here
        rates = {count: rate(place / f"of-{count}", storage, count) for count in counts}
    shares = {count: found / (count * rates[counts[0]]) for count, found in rates.items()}
    print(
        json.dumps(
            {
                "benchmark": "workers_throughput",
                "database": "postgresql" if typed.postgres else "sqlite",
                "trials_per_second": {count: round(found, 3) for count, found in rates.items()},
                "of_linear": {count: round(share, 3) for count, share in shares.items()},
                "target": TARGET,
                "kept": min(shares.values()) >= TARGET,
            }
        )
    )


if __name__ == "__main__":
    main()
