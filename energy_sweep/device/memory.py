"""Memory caps that stand for smaller machines, and what becomes of work that needs more."""

from __future__ import annotations

import errno
import functools
import gc
import os
import sys
import traceback
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

from energy_sweep.record import BadInput, Infeasible

GIB = 2**30
STATM = Path("/proc/self/statm")
SPARE_THREADS = 2
DEFAULT_STACK_BYTES = 8 * 2**20

# What the libraries beneath say, who have no class of their own for it.
GPU_SIGNS = (
    "CUDA out of memory",
    "CUDA error: out of memory",
    "CUBLAS_STATUS_ALLOC_FAILED",
    "CUDNN_STATUS_ALLOC_FAILED",
)
CPU_SIGNS = (
    "DefaultCPUAllocator",
    "not enough memory",
    "can't allocate memory",
    "Cannot allocate memory",
    "bad_alloc",
    "Failed to allocate memory",  # ONNX Runtime
    "could not create a memory",  # oneDNN
)
# These have other causes too: memory only where it is capped.
CAPPED_SIGNS = (
    "can't start new thread",
    "Resource temporarily unavailable",
    "could not create a primitive",
    "failed to map segment from shared object",
)


class OutOfMemory(Infeasible):
    """The work needs more memory than there is; where it was `capped` it always will."""

    def __init__(self, message: str, *, capped: bool) -> None:
        super().__init__(message)
        self.capped = capped


@contextmanager
def infeasible_out_of_memory(
    *, memory_gib: float | None, gpu_memory_gib: float | None
) -> Generator[None]:
    """Raise OutOfMemory, which names the cap in force if any, for whatever way memory ran out."""
    try:
        yield
    except (Infeasible, BadInput):
        raise
    except Exception as error:
        found = _explanation(error, memory_gib=memory_gib, gpu_memory_gib=gpu_memory_gib)
        if found is None:
            raise
        # The frames of the traceback hold the tensors that there was no room beside.
        for cause in _causes(error):
            traceback.clear_frames(cause.__traceback__)
        if memory_gib is not None:
            _lift_cap()
        raise found from None


@contextmanager
def gpu_cap(gib: float) -> Generator[None]:
    """Let torch hold at most `gib` GiB on the GPU; its CUDA context is not counted."""
    import torch

    total = torch.cuda.get_device_properties(torch.cuda.current_device()).total_memory
    gc.collect()
    # Memory that is only kept for later counts against the cap as well.
    torch.cuda.empty_cache()
    torch.cuda.set_per_process_memory_fraction(min(gib * GIB / total, 1.0))
    try:
        yield
    finally:
        torch.cuda.empty_cache()
        torch.cuda.set_per_process_memory_fraction(1.0)


def check_gpu_cap(gib: float, *, device: str) -> None:
    """Raise BadInput where no GPU, or a smaller one, does the work."""
    if device != "cuda":
        raise BadInput(
            f"device.gpu_memory_gib={gib:g} needs a GPU: type device=cuda, or leave it out"
        )
    import torch

    board = torch.cuda.get_device_properties(torch.cuda.current_device())
    if gib * GIB > board.total_memory:
        raise BadInput(
            f"device.gpu_memory_gib={gib:g}: {board.name} has {board.total_memory / GIB:.1f} GiB:"
            " type less, or leave it out"
        )


@contextmanager
def process_cap(gib: float, *, threads: int) -> Generator[None]:
    """Let this process hold at most `gib` GiB of memory; OutOfMemory where it does so already."""
    import resource

    before = resource.getrlimit(resource.RLIMIT_DATA)
    _start_threads(threads)
    gc.collect()
    data, resident = _sizes()
    if resident > gib * GIB:
        raise OutOfMemory(
            f"{_needs_more('memory_gib', gib)} of memory: the program alone holds"
            f" {resident / GIB:.2f} GiB",
            capped=True,
        )
    # RLIMIT_DATA counts private writable memory, most of what is resident and what may grow.
    # (RLIMIT_AS would count what is only reserved: gigabytes of libraries and, on CUDA,
    # addresses.) What is counted now and not resident was never touched, so it comes on top, as
    # do the stacks of threads still to come.
    stacks = (threads + SPARE_THREADS) * _stack_bytes()
    limit = data - resident + int(gib * GIB) + stacks
    if before[0] != resource.RLIM_INFINITY:
        limit = min(limit, before[0])
    resource.setrlimit(resource.RLIMIT_DATA, (limit, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, before)


@functools.cache  # as the program grows with its work, only the first look says what it needs
def check_process_cap(gib: float) -> None:
    """Raise BadInput where this cannot be limited, or more is in use already."""
    if sys.platform != "linux":
        raise BadInput(f"device.memory_gib={gib:g} works on Linux only: leave it out")
    resident = _sizes()[1]
    if resident > gib * GIB:
        raise BadInput(
            f"device.memory_gib={gib:g}: the program holds {resident / GIB:.2f} GiB before any"
            " work: type more"
        )


def _sizes() -> tuple[int, int]:
    """Bytes of private writable memory, as RLIMIT_DATA counts it, and bytes resident."""
    pages = STATM.read_text(encoding="ascii").split()
    page = os.sysconf("SC_PAGE_SIZE")
    return int(pages[5]) * page, int(pages[1]) * page


def _stack_bytes() -> int:
    import resource

    soft = resource.getrlimit(resource.RLIMIT_STACK)[0]
    return DEFAULT_STACK_BYTES if soft == resource.RLIM_INFINITY else soft


def _start_threads(count: int) -> None:
    """Have OpenMP start its threads now: one that it cannot start ends the whole process."""
    import torch

    torch.zeros(count * 2**16).add_(1)


def _lift_cap() -> None:
    """Take the cap away for what is left to do: reading the meter, and writing it down."""
    import resource

    hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
    resource.setrlimit(resource.RLIMIT_DATA, (hard, hard))


def _explanation(
    error: Exception, *, memory_gib: float | None, gpu_memory_gib: float | None
) -> OutOfMemory | None:
    causes = list(_causes(error))
    if any(_is_gpu_error(cause) for cause in causes):
        if gpu_memory_gib is None:
            return OutOfMemory("ran out of GPU memory: a smaller batch= may help", capped=False)
        needs = _needs_more("gpu_memory_gib", gpu_memory_gib)
        return OutOfMemory(f"{needs} of GPU memory", capped=True)
    if any(_is_cpu_error(cause, capped=memory_gib is not None) for cause in causes):
        if memory_gib is None:
            return OutOfMemory("ran out of memory: a smaller batch= may help", capped=False)
        return OutOfMemory(f"{_needs_more('memory_gib', memory_gib)} of memory", capped=True)
    return None


def _needs_more(dial: str, gib: float) -> str:
    return f"needs more than device.{dial}={gib:g} GiB"


def _is_gpu_error(error: BaseException) -> bool:
    import torch

    text = str(error)
    return isinstance(error, torch.OutOfMemoryError) or any(sign in text for sign in GPU_SIGNS)


def _is_cpu_error(error: BaseException, *, capped: bool) -> bool:
    if isinstance(error, MemoryError) or getattr(error, "errno", None) == errno.ENOMEM:
        return True
    text = str(error)
    return any(sign in text for sign in CPU_SIGNS + (CAPPED_SIGNS if capped else ()))


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what led to it, innermost last."""
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        yield link
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
