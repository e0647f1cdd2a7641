"""Reading what we wrote: a file that is damaged becomes one line that names it."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from energy_sweep.record import JsonDict
from energy_sweep.record.files import read_file
from energy_sweep.record.seal import MOST_NESTED, Damaged, parse

if TYPE_CHECKING:
    import yaml

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
    try:
        content = yaml.load(text, Loader=_careful_loader())  # noqa: S506 (a SafeLoader)
    except (yaml.YAMLError, ValueError, RecursionError, Damaged) as error:
        raise Damaged(f"{path} is damaged ({_error_line(error)})") from error
    settings = cast("dict[object, Any]", content) if isinstance(content, dict) else {None: None}
    if not all(isinstance(key, str) for key in settings):
        raise Damaged(f"{path} is damaged (it holds no settings)")
    return cast(JsonDict, settings)


@functools.cache
def _careful_loader() -> type[yaml.SafeLoader]:
    """A SafeLoader that stops at the first alias, and where nesting goes on and on."""
    import yaml

    class Loader(yaml.SafeLoader):
        depth = 0

        def compose_node(self, parent: Any, index: Any) -> Any:
            if self.check_event(yaml.AliasEvent):
                raise Damaged("it has aliases, which we do not write")
            if self.depth == MOST_NESTED:
                raise Damaged(f"it is nested more than {MOST_NESTED} times")
            self.depth += 1
            node = super().compose_node(parent, index)
            self.depth -= 1
            return node

    return Loader


def _error_line(error: Exception) -> str:
    return " ".join(str(error).split())
