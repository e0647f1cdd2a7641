"""The front in the form of hydra-optuna-sweeper."""

from __future__ import annotations

from collections.abc import Sequence

from energy_sweep.app.sweep.study_paths import StudyPaths
from energy_sweep.front import Row
from energy_sweep.record import JsonDict, to_json


def solutions(front: Sequence[Row], place: StudyPaths) -> JsonDict:
    """The members of a front as `optimization_results.yaml` has them, with their folders."""
    return {
        "name": "energy_sweep",
        "solutions": [
            {
                "trial": row.trial,
                "dir": place.trial_folder(row.trial),
                "params": to_json(row.params),
                "values": [row.accuracy, row.joules],
            }
            for row in front
        ],
    }
