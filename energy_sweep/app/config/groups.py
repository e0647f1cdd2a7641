"""Which words of a command line choose options of Hydra's config groups."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

from hydra.core.config_loader import ConfigLoader
from hydra.core.override_parser.types import ChoiceSweep, Override


def group_options(loader: ConfigLoader) -> Callable[[str], list[str]]:
    """Gives the options of what may be a group: Hydra copies all that it knows at each question."""
    groups = frozenset(loader.list_groups(""))

    @functools.cache
    def options_of(name: str) -> list[str]:
        return loader.get_group_options(name) if name.split("/")[0] in groups else []

    return options_of


def chooses_group(options_of: Callable[[str], list[str]], override: Override) -> bool:
    """Whether an override chooses options of a group; a mapping sets some of its values."""
    value: Any = override.value()
    first = value.list[0] if isinstance(value, ChoiceSweep) and value.list else value
    return not isinstance(first, Mapping) and bool(options_of(override.key_or_group))
