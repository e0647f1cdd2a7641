"""Reading what we wrote: a file that is damaged becomes one line that names it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from energy_sweep.record import JsonDict
from energy_sweep.record.files import read_file
from energy_sweep.record.seal import MOST_NESTED, Damaged, parse

MOST_SETTINGS_BYTES = 2**20  # a sweep of hundreds of words writes a tenth of that


def read_text(path: Path) -> str:
    """The text of a file; Damaged where it is no UTF-8, OSError where it cannot be read."""
    try:
        return read_file(path).decode()
    except UnicodeDecodeError as error:
        raise Damaged(f"{path} is damaged (byte {error.start} is no UTF-8)") from error


def read_json(path: Path) -> Any:
    """What a JSON file holds; Damaged where it holds none."""
    text = read_text(path)
    try:
        return parse(text)
    except Damaged as error:
        raise Damaged(f"{path} is damaged ({error})") from error


def read_settings(path: Path) -> JsonDict:
    """The mapping that a YAML file holds; Damaged where it holds none.

    Aliases are refused: a few lines of them stand for more than any memory holds.
    """
    import yaml

    if path.stat().st_size > MOST_SETTINGS_BYTES:
        raise Damaged(f"{path} is damaged (it is larger than settings are)")
    text = read_text(path)
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # in C, where PyYAML was built with it
    try:
        _check_events(text, loader)
        content = yaml.load(text, Loader=loader)  # noqa: S506 (a safe one)
    except (yaml.YAMLError, ValueError, RecursionError, Damaged) as error:
        raise Damaged(f"{path} is damaged ({_error_line(error)})") from error
    settings = cast("dict[object, Any]", content) if isinstance(content, dict) else {None: None}
    if not all(isinstance(key, str) for key in settings):
        raise Damaged(f"{path} is damaged (it holds no settings)")
    return cast(JsonDict, settings)


def _check_events(text: str, loader: Any) -> None:
    """Raise Damaged at the first alias, and where nesting goes on and on."""
    import yaml

    depth = 0
    for event in yaml.parse(text, Loader=loader):
        if isinstance(event, yaml.AliasEvent):
            raise Damaged("it has aliases, which we do not write")
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > MOST_NESTED:
            raise Damaged(f"it is nested more than {MOST_NESTED} times")


def _error_line(error: Exception) -> str:
    return " ".join(str(error).split())
