"""The threads that torch uses on the CPU."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager


@contextmanager
def threads(count: int) -> Generator[None]:
    """Let torch use `count` threads per operation, and restore what it used before."""
    import torch

    before = torch.get_num_threads()
    if before == count:  # to set it, even to the same, is not free
        yield
        return
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
