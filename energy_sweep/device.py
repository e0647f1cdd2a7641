"""Which chip does the work, how many threads it may use, and what kind of machine this is."""

from __future__ import annotations

import os
import platform
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from energy_sweep.record import BadInput, Plain

NAMES = ("auto", "cpu", "cuda")
CPUINFO = Path("/proc/cpuinfo")


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """Where a recipe runs; `threads` are those of one operation on the CPU.

    `deterministic` makes CUDA repeat itself bit for bit; a CPU does so anyway.
    """

    name: str = "auto"
    threads: int = 1
    deterministic: bool = False

    def __post_init__(self) -> None:
        if self.name not in NAMES:
            typed = ", ".join(f"device={name}" for name in NAMES)
            raise BadInput(f"device={self.name}: type one of {typed}")
        if isinstance(self.threads, bool) or self.threads < 1:
            raise BadInput(f"device.threads={self.threads}: type a whole number of at least 1")

    def resolve(self) -> str:
        """The name that torch knows, `cpu` or `cuda`; raises BadInput where it is not here.

        `auto` is the CPU until a meter can read GPUs: joules left out would look like joules saved.
        """
        if self.name != "cuda":
            return "cpu"
        import torch

        if not torch.cuda.is_available():
            built = "" if torch.version.cuda else " (this torch is built without CUDA)"
            raise BadInput(f"device=cuda: torch finds no GPU here{built}: type device=cpu")
        return "cuda"

    def uuids(self) -> tuple[str, ...]:
        """UUIDs of the GPUs that the work runs on, for the meter; none on the CPU."""
        if self.resolve() == "cpu":
            return ()
        import torch

        properties = torch.cuda.get_device_properties(torch.cuda.current_device())
        return (f"GPU-{properties.uuid}",)

    def synchronize(self) -> None:
        """Wait for the work queued on the device; on the CPU there is none."""
        if self.name == "cuda":
            import torch

            torch.cuda.synchronize()

    @contextmanager
    def running(self) -> Generator[str]:
        """Give `resolve()` with threads and determinism in force, and restore both."""
        import torch

        name = self.resolve()
        before = torch.are_deterministic_algorithms_enabled()
        warned = torch.is_deterministic_algorithms_warn_only_enabled()
        exact = name == "cuda" and self.deterministic
        if exact:
            # cuBLAS reads this when it makes its first handle, so it stays set.
            os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        with threads(self.threads):
            try:
                if exact:
                    torch.use_deterministic_algorithms(True)
                yield name
            finally:
                if exact:
                    torch.use_deterministic_algorithms(before, warn_only=warned)

    def machine(self) -> Plain:
        """What readings and weights depend on; `device_class` is equal on equal machines."""
        import torch

        cpu, cores = cpu_model(), os.cpu_count() or 1
        gpu = torch.cuda.get_device_name() if self.resolve() == "cuda" else None
        return {
            "device_class": " | ".join([cpu, f"{cores} cores", *([gpu] if gpu else [])]),
            "cpu": cpu,
            "cores": cores,
            "gpu": gpu,
            "torch": str(torch.__version__),
            "isa": torch.backends.cpu.get_cpu_capability(),
        }


@contextmanager
def threads(count: int) -> Generator[None]:
    """Let torch use `count` threads per operation, and restore what it used before."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def cpu_model(cpuinfo: Path = CPUINFO) -> str:
    """The name the CPU gives itself, or else the name of its architecture."""
    try:
        lines = cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    for line in lines:
        key, _, value = line.partition(":")
        if key.strip() == "model name" and value.strip():
            return value.strip()
    return platform.processor() or platform.machine() or "unknown CPU"
