"""Which chip does the work, how it is held back, and what kind of machine this is."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass

from energy_sweep.device import memory, power
from energy_sweep.device.allocator import keep_freed_memory
from energy_sweep.device.machine import check_processes, check_threads, gpu_uuids, machine_facts
from energy_sweep.hardware.threads import threads
from energy_sweep.recipe.plan import AUTO, PLANS
from energy_sweep.record import BadInput, JsonDict
from energy_sweep.record.bounds import check_count

NAMES = ("auto", "cpu", "cuda")


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """Where a recipe runs; `threads` are those of one operation on the CPU, in each of the
    `processes` that share the training of one net.

    `deterministic` makes CUDA repeat itself bit for bit; a CPU does so anyway. `plan` is how nets
    are run; `auto` takes what costs the fewest joules, for each net by itself. The levers:
    `power_limit_watts` of the GPU; `gpu_memory_gib` and `memory_gib` stand for smaller machines;
    windows wait while others use more than `wait_below`, a share of the processors. What earlier
    studies of this user found of plans and graphs is taken if it is to be `remember`ed.
    """

    name: str = "auto"
    threads: int = 1
    processes: int = 1
    deterministic: bool = False
    plan: str = AUTO
    power_limit_watts: float | None = None
    gpu_memory_gib: float | None = None
    memory_gib: float | None = None
    wait_below: float | None = None
    remember: bool = True

    def __post_init__(self) -> None:
        if self.name not in NAMES:
            typed = ", ".join(f"device={name}" for name in NAMES)
            raise BadInput(f"device={self.name}: type one of {typed}")
        for dial in ("threads", "processes"):
            check_count(f"device.{dial}", getattr(self, dial), example=1)
        if self.plan not in (AUTO, *PLANS):
            typed = "|".join((AUTO, *PLANS))
            raise BadInput(f"device.plan={self.plan}: type device.plan={typed}")
        for dial, example in (("power_limit_watts", 200), ("gpu_memory_gib", 8), ("memory_gib", 8)):
            self._set(dial, f"a number above 0, such as device.{dial}={example}")
        says = "a share of the processors, such as device.wait_below=0.1"
        self._set("wait_below", says, most=1.0)
        if not isinstance(self.remember, bool):
            raise BadInput(f"device.remember={self.remember}: type device.remember=true|false")

    def _set(self, dial: str, says: str, *, most: float = math.inf) -> None:
        """Check a lever, and make it a float: 200 and 200.0 W name the same configuration."""
        object.__setattr__(self, dial, _positive(dial, getattr(self, dial), says, most))

    @property
    def levers(self) -> JsonDict:
        """What changes joules and not weights, as far as it is used."""
        names = ("power_limit_watts", "gpu_memory_gib", "memory_gib")
        return {name: getattr(self, name) for name in names if getattr(self, name) is not None}

    def resolve(self) -> str:
        """The name that torch knows, `cpu` or `cuda`; raises BadInput where it is not here."""
        if self.name == "cpu":
            return "cpu"
        import torch

        if torch.cuda.is_available():
            return "cuda"
        if self.name == "cuda":
            built = "" if torch.version.cuda else " (this torch is built without CUDA)"
            raise BadInput(f"device=cuda: torch finds no GPU here{built}: type device=cpu")
        return "cpu"

    def check(self) -> None:
        """Raise BadInput, in one line that says what to type, for what cannot be done here."""
        if self.processes > 1:
            for dial in ("memory_gib", "gpu_memory_gib"):
                if getattr(self, dial) is not None:
                    typed = f"device.processes={self.processes}"
                    raise BadInput(f"{typed}: device.{dial} caps one process only: leave one out")
            check_processes(self.processes, on_gpu=self.resolve() == "cuda")
        check_threads(self.threads, processes=self.processes)
        if self.plan != AUTO and PLANS[self.plan].compile and self.resolve() == "cpu":
            raise BadInput(
                f"device.plan={self.plan}: on a CPU a compiled net costs more than it saves:"
                f" type device.plan={PLANS[self.plan].layout} or device=cuda"
            )
        if self.gpu_memory_gib is not None:
            memory.check_gpu_cap(self.gpu_memory_gib, device=self.resolve())
        if self.memory_gib is not None:
            memory.check_process_cap(self.memory_gib)
        if self.power_limit_watts is not None:
            power.check_power_limit(self.uuids(), self.power_limit_watts)

    def uuids(self) -> tuple[str, ...]:
        """UUIDs of the GPUs that the work runs on, for the meter; none on the CPU."""
        return gpu_uuids(self.processes) if self.resolve() == "cuda" else ()

    def synchronize(self) -> None:
        """Wait for the work queued on the device; on the CPU there is none."""
        if self.resolve() == "cuda":
            import torch

            torch.cuda.synchronize()

    def watch_memory(self) -> Callable[[], int | None]:
        """Begin to watch the GPU memory that torch holds; the call gives its peak in bytes.

        None on the CPU, whose memory the meter sees.
        """
        if self.resolve() == "cpu":
            return lambda: None
        import torch

        torch.cuda.reset_peak_memory_stats()
        return torch.cuda.max_memory_allocated

    @contextmanager
    def running(self, *, levers: bool = True) -> Generator[str]:
        """Give `resolve()` with everything asked for in force, and restore it all afterwards.

        Raises Infeasible where a cap is too small for the program alone.
        """
        name = self.resolve()
        with ExitStack() as stack:
            stack.enter_context(self.arithmetic())
            if levers and self.power_limit_watts is not None:
                stack.enter_context(power.power_limit(self.uuids(), self.power_limit_watts))
            else:
                power.restore_all_left_limits(self.uuids())
            if levers and self.gpu_memory_gib is not None:
                stack.enter_context(memory.gpu_cap(self.gpu_memory_gib))
            if name == "cpu" and self.memory_gib is None:  # a cap wants what is freed given back
                stack.enter_context(keep_freed_memory())
            # The last, so that what the others need is not under the cap.
            if levers and self.memory_gib is not None:
                stack.enter_context(memory.process_cap(self.memory_gib, threads=self.threads))
            yield name

    @contextmanager
    def arithmetic(self) -> Generator[None]:
        """Compute as asked for in this process; the machine's own settings are left alone."""
        with ExitStack() as stack:
            stack.enter_context(threads(self.threads))
            if self.deterministic and self.resolve() == "cuda":
                stack.enter_context(_deterministic())
            yield

    def infeasible_out_of_memory(self) -> AbstractContextManager[None]:
        """Turn running out of memory into OutOfMemory, an Infeasible that names the cap."""
        return memory.infeasible_out_of_memory(
            memory_gib=self.memory_gib, gpu_memory_gib=self.gpu_memory_gib
        )

    def machine(self) -> JsonDict:
        """What readings and weights depend on; `device_class` is equal on equal machines.

        Driver and UUIDs are told, and are part of no key.
        """
        return machine_facts(self.uuids(), on_gpu=self.resolve() == "cuda")


def _positive(dial: str, value: float | None, says: str, most: float) -> float | None:
    if value is None:
        return None
    number = value if isinstance(value, int | float) and not isinstance(value, bool) else 0
    if not (0 < number <= most and math.isfinite(number)):
        raise BadInput(f"device.{dial}={value}: type {says}")
    return float(number)


@contextmanager
def _deterministic() -> Generator[None]:
    """Let CUDA repeat itself bit for bit, and restore what was asked of it before."""
    import torch

    before = torch.are_deterministic_algorithms_enabled()
    warned = torch.is_deterministic_algorithms_warn_only_enabled()
    # cuBLAS reads this when it makes its first handle, so it stays set.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before, warn_only=warned)
