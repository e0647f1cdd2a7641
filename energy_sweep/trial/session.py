"""The meter and the store of a lone trial, opened from what they are called."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from energy_sweep.meter import meter_id, open_meter
from energy_sweep.meter.base import Meter
from energy_sweep.recipe import Recipe
from energy_sweep.store import StageStore


@contextmanager
def session(
    recipe: Recipe, meter: Meter | Mapping[str, Any] | str, store: StageStore | Path | str
) -> Generator[tuple[Meter, StageStore]]:
    """What is open already stays open; a meter by name is opened for the recipe's device."""
    device, opened = recipe.device, meter
    if isinstance(opened, str | Mapping):
        opened = open_meter(
            opened,
            devices=device.uuids(),
            threads=device.threads * device.processes,
            synchronize=device.synchronize,
        )
    facts, kept = opened.facts(), store
    if not isinstance(kept, StageStore):
        kept = StageStore(kept, meter_id=meter_id(facts), coefficients=facts.coefficients)
        kept.claim.hold()
    try:
        yield opened, kept
    finally:
        if kept is not store:
            kept.claim.release()
        if opened is not meter:
            opened.close()
