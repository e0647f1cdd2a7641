"""Interpolations of a stored configuration: names of its own settings, and nothing that calls."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from energy_sweep.record import JsonDict
from energy_sweep.record.seal import Damaged

MOST = 16  # each may repeat what it names, so that the text doubles with each
OWN = re.compile(r"\$\{\.*[\w.\[\]]+\}")


def check_interpolations(settings: JsonDict, path: Path) -> None:
    """Damaged where a setting stored in `path` asks for more than another setting of the same file.

    `${oc.env:TOKEN}` would put what this machine keeps to itself into what is deployed.
    """
    found = _words("", settings)
    if sum(value.count("${") for _, value in found) > MOST:
        raise Damaged(
            f"{path}: a stored configuration may refer to its own settings {MOST} times, not more:"
            " write the values themselves there, if it is yours"
        )
    for place, value in found:
        if "${" in OWN.sub("", value):
            raise Damaged(
                f"{path}: {place} is {value}, which a stored configuration may not ask for: write"
                " the value itself there, if it is yours"
            )


def _words(place: str, value: Any) -> list[tuple[str, str]]:
    if isinstance(value, dict):
        parts = [(f"{place}.{key}".lstrip("."), item) for key, item in value.items()]
    elif isinstance(value, list):
        parts = [(f"{place}[{index}]", item) for index, item in enumerate(value)]
    else:
        return [(place, value)] if isinstance(value, str) else []
    return [word for name, item in parts for word in _words(name, item)]
