"""Remembers what was made of objects by which objects they are: equal ones may still be written
apart (1 and 1.0)."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")
MOST = 10_000  # are remembered


def by_identity(make: Callable[P, T]) -> Callable[P, T]:
    """The same function of objects that never change, called once for each.

    It keeps them, so that no other can get the identity of one.
    """
    known: dict[tuple[int, ...], tuple[Any, T]] = {}

    @functools.wraps(make)
    def remembered(*objects: P.args, **named: P.kwargs) -> T:
        key = tuple(map(id, objects))
        found = known.get(key)
        if found is None:
            made = make(*objects, **named)
            if len(known) >= MOST:
                known.clear()
            found = known[key] = (objects, made)
        return found[1]

    return remembered
