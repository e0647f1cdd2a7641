"""Reading what we wrote: a file that is damaged becomes one line that names it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from energy_sweep.record import Plain
from energy_sweep.seal import Damaged


def read_text(path: Path) -> str:
    """The text of a file; Damaged where it is no UTF-8, OSError where it cannot be read."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise Damaged(f"{path} is damaged (byte {error.start} is no UTF-8)") from error


def read_json(path: Path) -> Any:
    """What a JSON file holds; Damaged where it holds none."""
    text = read_text(path)
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Damaged(f"{path} is damaged ({_line(error)})") from error


def read_settings(path: Path) -> Plain:
    """The mapping that a YAML file holds; Damaged where it holds none."""
    import yaml

    text = read_text(path)
    try:
        content = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise Damaged(f"{path} is damaged ({_line(error)})") from error
    if not isinstance(content, dict) or not all(isinstance(key, str) for key in content):
        raise Damaged(f"{path} is damaged (it holds no settings)")
    return content


def _line(error: Exception) -> str:
    return " ".join(str(error).split())
