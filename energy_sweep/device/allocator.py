"""Memory that is freed is kept for the next step, instead of given back and taken anew each time.

The kernel clears every page that a process takes. With activations of some 30 MB that is up to a
quarter of the CPU time of a training step, which buys nothing: the next step needs the same pages.
"""

from __future__ import annotations

import ctypes
import platform
import threading
from collections.abc import Generator
from contextlib import contextmanager

# Of <malloc.h>; torch takes the memory of its CPU tensors from malloc.
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
NEVER = -1
KEPT_BYTES = 2**30  # tensors up to this size come from the heap, which is kept
# Where glibc's own thresholds stand once it has seen the first large block freed.
USUAL_TRIM_BYTES, USUAL_MMAP_BYTES = 64 * 2**20, 32 * 2**20

_lock, _users = threading.Lock(), 0


@contextmanager
def keep_freed_memory() -> Generator[bool]:
    """Keep what is freed until the last user ends; False where malloc is not glibc's."""
    global _users
    malloc = _glibc()
    if malloc is None:
        yield False
        return
    with _lock:
        _users += 1
        malloc.mallopt(M_TRIM_THRESHOLD, NEVER)
        malloc.mallopt(M_MMAP_THRESHOLD, KEPT_BYTES)
    try:
        yield True
    finally:
        with _lock:
            _users -= 1
            if not _users:
                malloc.mallopt(M_TRIM_THRESHOLD, USUAL_TRIM_BYTES)
                malloc.mallopt(M_MMAP_THRESHOLD, USUAL_MMAP_BYTES)
                malloc.malloc_trim(0)


def _glibc() -> ctypes.CDLL | None:
    return ctypes.CDLL(None) if platform.libc_ver()[0] == "glibc" else None
