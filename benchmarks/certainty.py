"""How sure the order of configurations is: whole default sweeps, quiet and beside another program.

    python -m benchmarks.certainty

Each sweep runs in a fresh folder, with a cache of its own. Over all pairs of configurations, the
logarithm of the ratio of their joules is compared between each two sweeps: with what prices without
drift state of it, and with what the limit of the joules themselves would. Configurations that two
sweeps ran under other plans are other work, and left out of it. `--order` adds sweeps that finish
one batch size before the next, `--rounds` sweeps with search.certainty=0.05. The quiet sweeps are
read once more as a counter of 1 % noise would have: same windows, same times, 5 % of drift.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import itertools
import json
import math
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from energy_sweep.front import PricedStudy
from energy_sweep.front.configurations import price_list
from energy_sweep.front.prices import TWO_RUNS, Prices
from energy_sweep.front.ratios import LogRatios, Ratios
from energy_sweep.record import Mark, StageRecord
from energy_sweep.study.stored import load_study

BATCHES = ("32", "64", "128")
# Another program: one busy thread, which shares caches, memory and the cores' pace.
RIVAL = """
import numpy
values = numpy.random.rand(256, 256).astype("float32")
while True:
    values = values @ values
    values /= numpy.abs(values).max()
"""


def main() -> None:
    """Sweep, compare, and print one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sweeps", type=int, default=3, help="of each kind")
    parser.add_argument("--keep", type=Path, help="a folder for the sweeps, read if they are there")
    parser.add_argument("--order", action="store_true")
    parser.add_argument("--rounds", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(_measure(asked.keep or Path(folder), asked)))


def _measure(folder: Path, asked: argparse.Namespace) -> dict[str, Any]:
    quiet: list[PricedStudy] = []
    kinds = {"quiet": contextlib.nullcontext(), "beside_another": _rival()}
    found: dict[str, Any] = {"benchmark": "certainty", "sweeps_each": asked.sweeps}
    for kind, load in kinds.items():
        with load:
            studies = _sweeps(folder / kind, asked.sweeps, [_whole()])
            found[kind] = _compare(studies)
            quiet = quiet or studies
    found["counter_of_1_percent"] = _compare(
        [_counted(one, quiet[0].prices, seed) for seed, one in enumerate(quiet)]
    )
    if asked.order:
        one_by_one = [_whole(batch) for batch in BATCHES]
        found["one_cost_after_another"] = _compare(
            _sweeps(folder / "order", asked.sweeps, one_by_one)
        )
    if asked.rounds:
        rounds = [[*_whole(), "search.certainty=0.05"]]
        found["with_rounds"] = _compare(_sweeps(folder / "rounds", asked.sweeps, rounds))
    found["ratio"] = found["quiet"]["stated_by_limit"] / found["quiet"]["stated"]
    return {**found, "processor": platform.processor() or platform.machine(), "python": sys.version}


def _counted(one: PricedStudy, true: Prices, seed: int) -> PricedStudy:
    """The study as a counter of 1 % noise would have read it, while the machine drifts by 5 %."""
    rng = np.random.default_rng(seed)
    own = {record.cost_key: rng.normal(0, 0.003) for record in one.study.stages.values()}

    def read(record: StageRecord, mark: Mark) -> Mark:
        pool, start = true.pool(record.cost_key), mark.reading.started
        if pool is None or start is None:
            return mark
        off = 0.05 * math.sin(start / 20) + own[record.cost_key] + rng.normal(0, 0.01)
        joules = mark.units * pool.joules_per_unit * math.exp(off)
        part = dataclasses.replace(
            mark.reading.domains[0], joules=joules, uncertainty_joules=0.02 * joules
        )
        return dataclasses.replace(mark, reading=dataclasses.replace(mark.reading, domains=(part,)))

    stages = {
        key: dataclasses.replace(record, marks=tuple(read(record, mark) for mark in record.marks))
        for key, record in one.study.stages.items()
    }
    return PricedStudy(dataclasses.replace(one.study, stages=stages), one.objective)


def _whole(batches: str = ",".join(BATCHES)) -> list[str]:
    return ["-m", f"batch={batches}", "name=certainty"]


def _sweeps(folder: Path, count: int, commands: Sequence[list[str]]) -> list[PricedStudy]:
    """Studies of `count` fresh folders, in each of which all `commands` are run."""
    studies: list[PricedStudy] = []
    for number in range(count):
        home, begun = folder / str(number), time.monotonic()
        known = (home / "outputs" / "certainty").is_dir()
        home.mkdir(parents=True, exist_ok=True)
        # With a cache of its own each finds its plans and prices by itself.
        own = {"XDG_CACHE_HOME": str(home / "cache")}
        own["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
        for words in [] if known else commands:
            ran = subprocess.run(
                [sys.executable, "-m", "energy_sweep", *words],
                cwd=home,
                check=False,
                capture_output=True,
                text=True,
                env={**os.environ, **own},
            )
            if ran.returncode:
                raise SystemExit(f"a sweep failed:\n{ran.stderr}")
        studies.append(PricedStudy(load_study(home / "outputs" / "certainty")))
        print(f"{home.parent.name} {number}: {time.monotonic() - begun:.0f} s", file=sys.stderr)
    return studies


@contextlib.contextmanager
def _rival() -> Iterator[None]:
    alone = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    program = subprocess.Popen([sys.executable, "-c", RIVAL], env=alone)
    try:
        yield
    finally:
        program.kill()
        program.wait()


def _compare(studies: Sequence[PricedStudy]) -> dict[str, Any]:
    pairs = [_between(*two) for two in itertools.combinations(studies, 2)]
    off, stated, limits, plain, common = (
        np.concatenate(column) for column in zip(*pairs, strict=True)
    )
    rivals = [len(row.rivals) for one in studies for row in one.front]
    return {
        "pairs": len(off),
        "within_stated": float(np.mean(np.abs(off) <= stated + 1e-12)),
        "stated": float(np.median(stated)),
        "stated_by_limit": float(np.median(limits)),
        "seen_95": float(np.quantile(np.abs(off), 0.95)),
        "seen_95_of_plain_means": float(np.quantile(np.abs(plain), 0.95)),
        "joules_differ_95": float(np.quantile(np.abs(common), 0.95)),
        "median_rivals": median(rivals),
        "most_rivals": max(rivals),
        "expected_wrong": [round(one.expected_wrong, 2) for one in studies],
        "noise_of_a_mark": [
            _digits(one.prices.trend and one.prices.trend.noise) for one in studies
        ],
        "drift": [_digits(one.prices.trend and one.prices.trend.drift) for one in studies],
        "spent_joules": [round(one.spent_joules, 1) for one in studies],
    }


def _between(first: PricedStudy, second: PricedStudy) -> tuple[Any, ...]:
    """Of all pairs of configurations that both ran alike, in two sweeps.

    What their log ratios differ by, the stated 95 % of that, the same by the limit of the joules,
    the differences of plain means, and those of the joules themselves.
    """
    places = [{one.key: place for place, one in enumerate(s.priced)} for s in (first, second)]
    alike = [
        key
        for key in places[0].keys() & places[1].keys()
        if first.priced[places[0][key]].demand.keys() == second.priced[places[1][key]].demand.keys()
    ]
    chosen = [[place[key] for key in sorted(alike)] for place in places]
    upper = np.triu_indices(len(alike), 1)
    sure = [_ratios(s, s.prices, at) for s, at in zip((first, second), chosen, strict=True)]
    plain = [
        _ratios(s, Prices(s.study.stages.values(), repeatability=s.prices.repeatability), at)
        for s, at in zip((first, second), chosen, strict=True)
    ]
    joules = [
        np.log([s.priced[place].joules(price_list(s.study))[0] for place in at])
        for s, at in zip((first, second), chosen, strict=True)
    ]
    return (
        (sure[0].value - sure[1].value)[upper],
        np.hypot(sure[0].uncertainty, sure[1].uncertainty)[upper],
        TWO_RUNS * plain[0].uncertainty[upper],
        (plain[0].value - plain[1].value)[upper],
        joules[0] - joules[1],
    )


def _ratios(study: PricedStudy, prices: Prices, places: Sequence[int]) -> LogRatios:
    demands = [study.priced[place].demand for place in places]
    everyone = range(len(demands))
    return Ratios(demands, prices).log_ratios(everyone, everyone)


def _digits(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


if __name__ == "__main__":
    main()
