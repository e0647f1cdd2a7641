"""Joules per image of an exported graph, pooled over all weights that share the graph.

The first weights of a graph get three windows, later ones the 4th, 8th, 16th, ... one each, so
the windows spread over the study, each beside one of the study's reference graph. The second
weights are compared with the first, window by window in turn: where they differ, pooling stops
for that graph, and says so. What an earlier study priced and compared gets no window.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median

from energy_sweep.front.bill import FIRST_WINDOWS
from energy_sweep.meter.base import Meter
from energy_sweep.record import Mark, StageRecord, StageUse, digest
from energy_sweep.record.missing import control_key
from energy_sweep.record.own_files import is_sound, keep_copy
from energy_sweep.store import StageStore
from energy_sweep.trial.deployment.benchmark import Inference, InferenceBenchmark
from energy_sweep.trial.deployment.remembered_graphs import is_remembered
from energy_sweep.trial.deployment.window_length import per_unit

log = logging.getLogger(__name__)

# Windows of one and the same file differ by up to about this much on a shared machine.
POOLING_TOLERANCE = 0.20
POOLING_TURNS = 4


def measure_inference(
    open_graph: Callable[[], Path],
    key: str,
    *,
    weights: str,
    kind: str = "dense",
    inference: Inference,
    store: StageStore,
    meter: Meter,
) -> StageUse:
    """The pool that prices one image through the graph `key`, measured where that is due.

    `weights` names the weights in the file that `open_graph` gives, `kind` says what they are like:
    the first of another kind are compared as the second of all are. Asking again for the same
    weights measures nothing, and opens nothing.
    """
    stand = InferenceBenchmark(key, inference, store, meter)
    path = open_graph() if weights not in stand.record.facts["users"] else None
    with store.alone(key, "infer"):
        if path is not None and weights not in stand.record.facts["users"]:
            _visit(stand, path, weights, kind)
        else:
            _mend(stand, open_graph, weights)
    if weights in stand.record.facts["apart"]:
        key = digest([key, weights])
    return StageUse(stage="infer", key=key, cost_key=key, units=1)


def measure_once(
    open_graph: Callable[[], Path],
    key: str,
    *,
    inference: Inference,
    store: StageStore,
    meter: Meter,
) -> str:
    """The pool of the graph `key`, which one window is enough for: it decides nothing."""
    stand = InferenceBenchmark(key, inference, store, meter)
    with store.alone(key, "infer"):
        record = stand.record
        if is_remembered(record):
            store.once(StageUse(stage="infer", key=key, cost_key=key, units=1), lambda _: record)
        elif not record.marks:
            store.put(replace(record, marks=stand.window(open_graph())))
        elif not stand.is_paced:
            stand.pace(open_graph())
    return key


def _visit(stand: InferenceBenchmark, path: Path, weights: str, kind: str) -> None:
    """Measure what is due for the next weights of a graph, and count them as its users."""
    record = stand.record
    earlier = is_remembered(record)
    users, apart = [*record.facts["users"], weights], list(record.facts["apart"])
    kinds = sorted({*record.facts.get("kinds", []), kind})
    is_new = len(users) == 2 or kinds != record.facts.get("kinds", kinds)
    is_new = is_new and kind not in record.facts.get("compared", ())
    marks: list[Mark] = []
    if len(users) == 1:
        keep_copy(path, stand.first)
        if not earlier:
            marks += [mark for _ in range(FIRST_WINDOWS) for mark in stand.window(path)]
    elif apart or (is_new and _differs(stand, path, weights)):
        apart.append(weights)
        _measure_apart(stand, path, weights)
    elif not earlier and len(users) & (len(users) - 1) == 0:
        marks += stand.window(path)
    if marks or len(apart) > len(record.facts["apart"]):
        stand.reference(weights)
    controls = [*record.facts.get("controls", []), *stand.controls]
    found = {"users": users, "apart": apart, "kinds": kinds, "controls": controls}
    facts = {**record.facts, **found}
    stand.store.put(replace(record, marks=(*record.marks, *marks), facts=facts))


def _measure_apart(stand: InferenceBenchmark, path: Path, weights: str) -> None:
    """Price weights that are not pooled with others of their graph, in a record of their own."""
    own = digest([stand.key, weights])
    windows = (stand.window(path) for _ in range(FIRST_WINDOWS))
    found = tuple(mark for window in windows for mark in window)
    stand.store.put(StageRecord(stage="infer", key=own, cost_key=own, marks=found))


def _mend(stand: InferenceBenchmark, open_graph: Callable[[], Path], weights: str) -> None:
    """Measure anew what was measured for these weights and has no record now.

    Control windows that compared weights are not repeated, since what they decided is kept: the
    graph gets one window for all of them.
    """
    record = stand.record
    if not (stand.is_paced or is_remembered(record)):
        stand.pace(open_graph())
    if weights in record.facts["apart"] and stand.store.get(digest([stand.key, weights])) is None:
        _measure_apart(stand, open_graph(), weights)
    controls: list[list[str]] = record.facts.get("controls", [])
    gone = [labels for labels in controls if not _is_kept(stand, labels)]
    for labels in gone:
        if labels[0] == "reference":
            stand.reference(labels[1])
    lost = [labels for labels in gone if not _is_kept(stand, labels)]
    if lost:
        pooled = weights not in record.facts["apart"] and not is_remembered(record)
        marks = stand.window(open_graph()) if pooled else ()
        kept = [labels for labels in controls if labels not in lost]
        facts = {**record.facts, "controls": kept}
        stand.store.put(replace(record, marks=(*record.marks, *marks), facts=facts))


def _is_kept(stand: InferenceBenchmark, labels: list[str]) -> bool:
    return stand.store.get(control_key(stand.key, labels)) is not None


def _is_beyond(ratios: Sequence[float]) -> bool:
    """Whether all are beyond the tolerance, on the same side."""
    low, high = 1 - POOLING_TOLERANCE, 1 + POOLING_TOLERANCE
    return max(ratios) < low or min(ratios) > high


def _ratio(joules: float, first: float) -> float:
    """Of two prices; two that are nothing are equal, and something to nothing is infinite."""
    if not first:
        return math.inf if joules else 1.0
    return joules / first


def _differs(stand: InferenceBenchmark, path: Path, weights: str) -> bool:
    """Whether other weights cost other joules, by windows taken in turn with the first ones.

    They do where every turn says so, and the first that does not ends the turns.
    Where the file of the first is gone, by the windows that were taken of it before.
    """
    in_turn = is_sound(stand.first)
    if not in_turn:
        log.warning(
            "%s is gone or damaged, or %s.* beside it: other weights are compared with windows that"
            " were taken of it before, which are fewer joules and less sharp",
            stand.first,
            stand.first.name,
        )
    ratios: list[float] = []
    for turn in range(POOLING_TURNS):
        first = stand.record.marks
        if in_turn:
            first = stand.control(stand.first, stand.key, "first", weights, str(turn))
        second = stand.control(path, stand.key, "second", weights, str(turn))
        ratios.append(_ratio(median(per_unit(second)), median(per_unit(first))))
        if not _is_beyond(ratios):
            break  # whatever further turns say
    differs = _is_beyond(ratios)
    if differs:
        log.warning(
            "weights change what the graph %s costs by a factor of %.2f: its inference joules are"
            " no longer pooled",
            stand.key[:12],
            median(ratios),
        )
    elif not in_turn:
        keep_copy(path, stand.first)
    return differs
