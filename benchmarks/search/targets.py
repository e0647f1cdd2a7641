"""What the benchmark aims at, and how far each world is from it."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.search.contest import Rows, Told, world_of
from benchmarks.search.contestants import BOUND, MISSING, SHARING, SLOW
from benchmarks.search.scores import SHARES, Row, behind, most, ratio, steps
from benchmarks.search.worlds import WORLDS

UNSHARED, ZEUS, RANDOM, LOST = 1 / 4, 1 / 2, 1 / 3, 1 / 20


def report(rows: Rows, told: Told, kept: dict[str, Any]) -> dict[str, Any]:
    """Medians, dates of slow rows, and targets, of each world."""
    worlds = {world: _world(world, rows[world], told.get(world, []), kept) for world in rows}
    met = [one["met"] for world in worlds.values() for one in world.get("targets", {}).values()]
    return {"worlds": worlds, "missing": MISSING, "met": sum(met), "targets": len(met)}


def _world(
    name: str, fresh: dict[str, Row], told: list[dict[str, Any]], kept: dict[str, Any]
) -> dict[str, Any]:
    stored = {one: row for one, row in kept.get(name, {}).items() if one not in fresh}
    rows = {**fresh, **{one: Row.from_json(row) for one, row in stored.items()}}
    found: dict[str, Any] = {
        "median_joules": {one: _medians(row) for one, row in rows.items()},
        "kept_rows": {
            one: {key: row[key] for key in ("date", "machine", "seeds")}
            for one, row in stored.items()
        },
        "not_run": sorted(SLOW.keys() - rows.keys()),
    }
    if "ours" in rows:
        found |= _compared(name, rows, told)
    return found


def _medians(row: Row) -> dict[str, float | None]:
    values = {f"{share:.2f}": row.median(share) for share in SHARES}
    return {key: None if np.isinf(value) else round(value, 1) for key, value in values.items()}


def _compared(name: str, rows: dict[str, Row], told: list[dict[str, Any]]) -> dict[str, Any]:
    ours, others = (
        rows["ours"],
        {one: row for one, row in rows.items() if one not in ("ours", BOUND)},
    )
    unshared = {one: row for one, row in others.items() if one not in SHARING}
    world = world_of(name, 0)
    grid, beyond = steps(world), most(world)
    ahead = {one: behind(ours, row) for one, row in others.items()}
    aims: dict[str, Any] = {}
    if unshared and name in WORLDS:
        aims["over_best_unshared"] = _aim(_best_ratio(ours, unshared, beyond), UNSHARED)
    if others and name not in WORLDS:
        aims["over_best_of_all"] = _aim(_best_ratio(ours, others, beyond), ZEUS)
    if "random_shared" in rows:
        aims["over_random_shared"] = _aim(ratio(ours, rows["random_shared"], beyond), RANDOM)
    aims["most_behind"] = {
        "value": max((one[0] for one in ahead.values() if one), default=0.0),
        "where": {one: [round(at[0], 4), float(grid[at[1]])] for one, at in ahead.items() if at},
        "met": not any(ahead.values()),
    }
    if told:
        members, lost = (sum(one[key] for one in told) for key in ("members", "lost"))
        aims["members_lost"] = {**_aim(lost / members, LOST), "members": members}
    return {"targets": aims}


def _best_ratio(ours: Row, others: dict[str, Row], beyond: float) -> float:
    return max(ratio(ours, row, beyond) for row in others.values())


def _aim(value: float, most: float) -> dict[str, Any]:
    return {"value": round(value, 3), "at_most": round(most, 3), "met": bool(value <= most)}
