"""Whether other weights change what an image costs: windows of two files of one graph, in turn.

Joules an image are pooled over all weights of a graph, so that prices cannot tell. Before they are,
the first weights and the first ones of another kind (zeros, whole channels of zeros) are run in
turn, which is what is compared here: graph by graph, nothing pooled.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from statistics import fmean, median

from energy_sweep.front.effects.effect import Effect
from energy_sweep.front.effects.figures import IN_TURN
from energy_sweep.record import Mark, StageRecord
from energy_sweep.record.missing import control_key
from energy_sweep.uncertainty.contrasts import paired_contrast


def in_turn_effect(records: Mapping[str, StageRecord]) -> Effect | None:
    """Joules an image of other weights over those of the first of their graph.

    None where fewer than two graphs had two kinds of weights: one shows no spread.
    """
    turns = defaultdict[str, list[float]](list)
    contended = False
    for record in records.values():
        if record.stage != "infer":
            continue
        for role, *visit in record.facts.get("controls", []):
            if role != "second":
                continue
            keys = [control_key(record.key, [which, *visit]) for which in ("second", "first")]
            windows = [records[key].marks for key in keys if key in records]
            if len(windows) == 2:
                second, first = (_per_image(marks) for marks in windows)
                turns[record.key].append(math.log(second / first))
                contended |= any(all(m.reading.contended for m in marks) for marks in windows)
    if len(turns) < 2:
        return None
    contrast = paired_contrast([fmean(ratios) for ratios in turns.values()])
    return Effect(
        figure=IN_TURN,
        axis="weights",
        first="the first",
        second="others",
        contrast=contrast,
        meter_error=0.0,
        seed_spread=None,
        contended=contended,
        pairs=len(turns),
    )


def _per_image(marks: Sequence[Mark]) -> float:
    """Of marks that no other program disturbed, where there are some."""
    clean = [mark for mark in marks if not mark.reading.contended] or marks
    return median(mark.reading.joules / mark.units for mark in clean)
