"""What holds while a study is read that may be a stranger's."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator

from energy_sweep.record import EnergySweepError
from energy_sweep.text import terminal

# What working with values of other kinds than ours ends in.
NONSENSE = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)


@contextlib.contextmanager
def guard_untrusted(reads_study: bool) -> Iterator[None]:
    """For a verb that reads a study, which may be a stranger's: no control character of it reaches
    the terminal, and where its numbers cannot be worked with, a line says so."""
    if not reads_study:
        yield
        return
    streams = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = map(terminal.Escaping, streams)
    try:
        yield
    except NONSENSE as error:
        if os.environ.get("HYDRA_FULL_ERROR") == "1":
            raise
        said = terminal.one_line(str(error))[:200]
        raise EnergySweepError(
            f"this study cannot be worked with ({type(error).__name__}: {said}): its files hold"
            " what no sweep writes, or this is a fault of ours: HYDRA_FULL_ERROR=1 shows where"
        ) from error
    finally:
        sys.stdout, sys.stderr = streams
