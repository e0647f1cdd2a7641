"""A sum that changes part by part is that of all parts at once."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from energy_sweep.search.exact_sum import ExactSum

NUMBERS = st.lists(st.floats(min_value=-1e12, max_value=1e12), max_size=40)


@given(NUMBERS, NUMBERS)
def test_it_is_exact_whatever_came_and_went(kept: list[float], gone: list[float]) -> None:
    found = ExactSum()
    for part in (*gone, *kept):
        found.add(part)
    for part in gone:
        found.add(-part)
    assert found.value == math.fsum(kept)
