"""JSON: the same figures as all other exports have, in one document."""

from __future__ import annotations

import json
from pathlib import Path

from energy_sweep.export.own_folders import check_own_json, safe_name
from energy_sweep.export.study_figures import StudyFigures
from energy_sweep.record import JsonDict, to_json
from energy_sweep.record.files import write_whole


def write(study: StudyFigures, folder: Path) -> str:
    """Write `FOLDER/NAME.json`."""
    path = folder / f"{safe_name(study.name)}.json"
    check_own_json(path, ("name", "tags", "metrics", "trials", "machine"))
    write_whole(path, json.dumps(document(study), indent=2, allow_nan=False) + "\n")
    return f"python -m json.tool {path}"


def document(study: StudyFigures) -> JsonDict:
    """A study as plain values."""
    return to_json(study)
