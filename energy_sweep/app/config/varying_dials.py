"""The dials in resolved values that trials of one study may differ in, by their typed names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

from energy_sweep.app.config.fixed_dials import may_vary
from energy_sweep.recipe.dials import list_text
from energy_sweep.record import JsonDict
from energy_sweep.record.identity_cache import by_identity


@by_identity
def varying(key: str, value: Any) -> JsonDict:
    """What may vary in a setting or a group of them, by dotted names."""
    return {name: one for name, one in _leaves({key: value}) if may_vary(name)}


def _leaves(values: Mapping[str, Any], place: str = "") -> Iterator[tuple[str, Any]]:
    """Every setting by its dotted name."""
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _leaves(cast(JsonDict, value), f"{place}{key}.")
        elif not str(key).startswith("_"):
            is_list = isinstance(value, list)
            yield (
                f"{place}{key}",
                list_text(map(str, cast("list[Any]", value))) if is_list else value,
            )
