"""A list of compressions as it is typed, written out as overrides that Hydra composes.

compression=[prune,quantize] chooses the group `chain`, and puts each step's own group where the
chain looks for its steps.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable

from energy_sweep.record import BadInput

GROUP = "compression"
CHAIN = f"{GROUP}=chain"
STEPS = f"{GROUP}@{GROUP}.steps."
_TYPED = re.compile(rf"\+{{0,2}}{GROUP}=\[(?P<names>.*)\]")


def expand(overrides: Iterable[str]) -> list[str]:
    """The same overrides, with each list of compressions as a choice of groups."""
    return [one for text in overrides for one in _expand(text)]


def as_typed(overrides: Iterable[str]) -> list[str]:
    """The same overrides, with each list of compressions as a user types it."""
    found = list(overrides)
    steps = [text for text in found if is_step(text)]
    names = ",".join(text.partition("=")[2] for text in steps)
    if not steps or CHAIN not in found:
        return found
    rest = [text for text in found if text not in steps]
    return [f"{GROUP}=[{names}]" if text == CHAIN else text for text in rest]


def is_step(key: str) -> bool:
    """Whether an override, or its key, chooses the group of a step."""
    return key.lstrip("+").startswith(STEPS)


@functools.lru_cache(maxsize=65_536)
def _expand(text: str) -> tuple[str, ...]:
    found = _TYPED.fullmatch(text.strip())
    if found is None:
        return (text,)
    names = [name.strip(" '\"") for name in found["names"].split(",")]
    if not all(re.fullmatch(r"[A-Za-z_]\w*", name) for name in names):
        raise BadInput(f"{text}: type names with commas, such as '{GROUP}=[prune,quantize]'")
    if len(names) == 1:
        raise BadInput(f"{text}: a chain has at least two steps: type {GROUP}={names[0]}")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise BadInput(
            f"{text}: {twice[0]} comes twice: type it once; prune and magnitude have"
            f" {GROUP}.steps.NAME.iterations"
        )
    return (CHAIN, *(f"+{STEPS}{name}={name}" for name in names))
