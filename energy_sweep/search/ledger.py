"""What was bought to be surer of a front, by the records of it: a kill forgets none of it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from energy_sweep.front.overhead import BOUGHT
from energy_sweep.record import JsonDict, StageRecord, digest
from energy_sweep.search.run_order import Job

# A round is a record with marks; a seed has its trial, and beside it an entry without marks.
STAGE = "calibrate"


def round_facts(setting: str) -> JsonDict:
    """What the record of a round says beside its marks."""
    return {BOUGHT: setting}


def round_key(cost_key: str, records: Mapping[str, StageRecord]) -> str:
    """The key of the next round of a pool."""
    made = Counter(record.cost_key for record in bought(records) if record.marks)
    return digest(["round", cost_key, made[cost_key]])


def seed_entry(job: Job, setting: str, records: Mapping[str, StageRecord]) -> StageRecord:
    """The entry of a seed, made before its trial begins: its stages that are yet to be run."""
    key = digest(["seed", *job.identity])
    if key in records:
        return records[key]
    own = [use.key for use in job.stages if use.key not in records and use.stage != "infer"]
    return StageRecord(stage=STAGE, key=key, cost_key=key, facts={BOUGHT: setting, "stages": own})


def with_stages(entry: StageRecord, keys: Iterable[str]) -> StageRecord:
    """The entry of a seed whose trial is over: what it made beside what was planned."""
    stages = sorted({*entry.facts["stages"], *keys} - {entry.key})
    return replace(entry, facts={**entry.facts, "stages": stages})


def bought(records: Mapping[str, StageRecord]) -> Iterator[StageRecord]:
    """The rounds, and the entries of seeds."""
    return (record for record in records.values() if BOUGHT in record.facts)


def spent(records: Mapping[str, StageRecord], setting: str | None = None) -> float:
    """Joules of what was bought under a setting, or under any."""
    named = (one for one in bought(records) if setting in (None, one.facts[BOUGHT]))
    keys = (key for one in named for key in (one.key, *one.facts.get("stages", ())))
    found = (records.get(key) for key in dict.fromkeys(keys))
    return math.fsum(record.spent_joules for record in found if record is not None)


def allowed(records: Mapping[str, StageRecord], setting: str, share: float) -> float:
    """What is left of a share of the joules that all else has taken."""
    everything = math.fsum(record.spent_joules for record in records.values())
    return share * (everything - spent(records)) - spent(records, setting)
