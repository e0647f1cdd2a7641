"""A slice of what `make chaos` types: lines of all kinds, answered in one line each."""

from __future__ import annotations

import pytest

from tests.chaos.lines import run


@pytest.mark.no_cover
def test_no_line_is_answered_by_a_traceback_or_a_hang() -> None:
    tally = run(7, 80)
    assert tally.tried == 80
    assert not tally.bad, "\n".join(tally.lines)
