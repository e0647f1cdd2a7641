"""Says which trials have no price, since readings that it rests on are damaged or gone."""

from __future__ import annotations

from collections.abc import Sequence


def unpriced_text(numbers: Sequence[int]) -> str:
    """Says which trials have no price, and what gives them one; empty where all have."""
    if not numbers:
        return ""
    named = ", ".join(map(str, numbers))
    many, it = ("s", "they are") if len(numbers) > 1 else ("", "it is")
    return (
        f"trial{many} {named} cannot be priced, since readings are gone: {it} left out until the"
        " sweep measures them anew"
    )
