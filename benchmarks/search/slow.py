"""Rows of policies too slow for every day, kept with the date and machine of their run."""

from __future__ import annotations

import datetime
import json
import os
import platform
from pathlib import Path
from typing import Any

from benchmarks.search.contestants import SLOW
from benchmarks.search.scores import Row

FILE = Path(__file__).parent / "slow.json"


def keep(rows: dict[str, dict[str, Row]], seeds: int) -> None:
    """Write the slow rows among these beside those of other worlds and policies."""
    stored: dict[str, Any] = json.loads(FILE.read_text()) if FILE.exists() else {}
    made = {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "machine": f"{os.cpu_count()} cores, {platform.machine()}",
        "seeds": seeds,
    }
    for world, by_policy in rows.items():
        for name in SLOW.keys() & by_policy.keys():
            stored.setdefault(world, {})[name] = {**made, **by_policy[name].as_json()}
    FILE.write_text(json.dumps(stored, sort_keys=True) + "\n")


def kept() -> dict[str, dict[str, dict[str, Any]]]:
    """By world and policy: date, machine, seeds, and its row."""
    return json.loads(FILE.read_text()) if FILE.exists() else {}
