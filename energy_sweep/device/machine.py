"""What this machine has for the work: its cores and GPUs, and what kind of machine it is."""

from __future__ import annotations

from energy_sweep.hardware.cpu import cpu_model, usable_cores
from energy_sweep.hardware.gpu import BoardUnavailable, driver_version
from energy_sweep.record import BadInput, JsonDict


def check_processes(processes: int, *, on_gpu: bool) -> None:
    """Raise BadInput where not each process has a GPU, or a core, of its own."""
    typed = f"device.processes={processes}"
    if not on_gpu:
        cores = usable_cores()
        if processes > cores:
            raise BadInput(
                f"{typed}: cores for this program: {cores}, and processes that take turns on"
                f" one only wait for each other: type device.processes={cores} or less"
            )
        return
    import torch

    boards = torch.cuda.device_count()
    if processes > boards:
        raise BadInput(
            f"{typed}: torch finds {boards} GPUs, and each process needs one of its own:"
            f" type device.processes={boards} or less"
        )


def check_threads(threads: int, *, processes: int) -> None:
    """Raise BadInput where threads would take turns on one core, and only wait for each other."""
    cores = usable_cores()
    most = max(1, cores // processes)
    if threads > most:
        each = f" for each of {processes} processes" if processes > 1 else ""
        raise BadInput(
            f"device.threads={threads}: cores for this program: {cores}{each}:"
            f" type device.threads={most} or less"
        )


def gpu_uuids(processes: int) -> tuple[str, ...]:
    """UUIDs of the GPUs that so many processes run on: torch's current one, or the first ones."""
    import torch

    used = [torch.cuda.current_device()] if processes == 1 else range(processes)
    boards = [torch.cuda.get_device_properties(index) for index in used]
    return tuple(
        f"{'MIG' if 'MIG' in board.name.split() else 'GPU'}-{board.uuid}" for board in boards
    )


def machine_facts(uuids: tuple[str, ...], *, on_gpu: bool) -> JsonDict:
    """What readings and weights depend on; `uuids` are those of the GPUs in use."""
    import torch

    cpu, cores = cpu_model(), usable_cores()
    gpu = torch.cuda.get_device_name() if on_gpu else None
    return {
        "device_class": " | ".join([cpu, f"{cores} cores", *([gpu] if gpu else [])]),
        "cpu": cpu,
        "cores": cores,
        "gpu": gpu,
        "gpu_uuids": list(uuids),
        "driver": _driver() if gpu else None,
        "torch": str(torch.__version__),
        "isa": torch.backends.cpu.get_cpu_capability(),
    }


def _driver() -> str | None:
    try:
        return driver_version()
    except BoardUnavailable:
        return None
