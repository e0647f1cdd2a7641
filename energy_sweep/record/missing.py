"""What a trial's result names and the records of its stages do not hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from energy_sweep.record.answers import FACT, STAGE
from energy_sweep.record.facts import StageRecord, StageUse, TrialResult
from energy_sweep.record.serialize import digest


def control_key(graph: str, labels: Iterable[str]) -> str:
    """The key of a window of a known file, taken beside those of a graph."""
    return digest(["control", graph, *labels])


def unrecorded(result: TrialResult, records: Mapping[str, StageRecord]) -> tuple[str, ...]:
    """The keys of what was measured for a trial, and beside its graph, and has no record now."""
    named = [use.key for use in result.stages]
    named += [*result.facts.get("inference", {}).values(), *result.facts.get("calibrate", ())]
    graphs = [records[use.key] for use in result.stages if use.key in records]
    controls = ((one.key, labels) for one in graphs for labels in one.facts.get("controls", ()))
    named += [control_key(graph, labels) for graph, labels in controls]
    return tuple(key for key in dict.fromkeys(named) if key not in records)


def unanswered(result: TrialResult, records: Mapping[str, StageRecord]) -> tuple[str, ...]:
    """The keys of a trial's evaluations that do not say which images were right.

    Those are of versions before these were kept. Records whose answers are gone for good say so.
    """
    if result.correct is None:
        return ()
    made = (records.get(use.key) for use in result.stages if use.stage == STAGE)
    return tuple(one.key for one in made if one is not None and FACT not in one.facts)


def has_weights(uses: Sequence[StageUse], root: Path) -> bool:
    """Whether a store under `root` has all weights that a trial, run again, would start from.

    `uses` are the trial's stages, in order. Weights that were evicted would be trained again.
    """
    found = False
    for use in reversed(uses):
        folder = root / use.key[:2] / use.key
        if use.stage == "recover" or (use.stage in ("trunk", "cooldown") and not found):
            if not (folder / f"epoch-{int(use.units):05d}.safetensors").exists():
                return False
            found = True
        elif use.stage == "compress" and not found:
            found = (folder / "final.safetensors").exists()
            if not found and not any(folder.glob("model.*")):  # what acts on the exported file
                return False
    return found
