"""Work that is not traced for coverage, which doubles its time: other tests reach its lines."""

from __future__ import annotations

import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager


@contextmanager
def untraced() -> Generator[None]:
    """Takes the tracers of this process away for a while."""
    tracers = sys.gettrace(), threading.gettrace()
    sys.settrace(None)
    threading.settrace(None)  # type: ignore[arg-type]
    try:
        yield
    finally:
        sys.settrace(tracers[0])
        threading.settrace(tracers[1])  # type: ignore[arg-type]
