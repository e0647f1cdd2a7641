"""One NVIDIA board as NVML sees it, and the way to NVML itself."""

from __future__ import annotations

import functools
import os
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from energy_sweep.record import BadInput, EnergySweepError

# PCI device ids of the chip of A100 and A30.
GA100 = range(0x2080, 0x2100)
# NVML's power scopes: the GPU alone, and the module that it is on (GPU, processor, memory).
GPU_SCOPE, MODULE_SCOPE = 0, 1


class BoardUnavailable(BadInput):
    """No driver, no such UUID, or a MIG instance; one line that says what to type instead."""


class BoardLost(EnergySweepError):
    """A call failed on a board that was there."""


class NotSupported(EnergySweepError):
    """The board, or its driver, has no such reading."""


class NoPermission(BadInput):
    """What only root may do, or see."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """One board; `whole_for` is what was asked for where the whole board stands for a MIG instance.

    `index` is its place in NVML's order (that of PCI bus ids), which need not be CUDA's. Every
    method raises NotSupported, NoPermission or BoardLost.
    """

    uuid: str
    name: str
    index: int
    whole_for: str | None = None
    handle: Any = field(repr=False, compare=False)

    def joules(self) -> float:
        """Joules since the driver was loaded."""
        return self.millijoules() / 1000

    def millijoules(self) -> int:
        """The energy counter as NVML has it."""
        return int(self._ask("energy counter", "nvmlDeviceGetTotalEnergyConsumption"))

    @property
    def power_is_instant(self) -> bool:
        """Whether `watts` are those of this moment; else they are a mean over the last second."""
        try:
            self.instant_watts()
        except NotSupported:
            return self._usage_is_instant()
        return True

    def watts(self) -> float:
        """What the board draws now, or over the last second (see `power_is_instant`)."""
        try:
            return self.instant_watts()
        except NotSupported:
            return self._ask("power reading", "nvmlDeviceGetPowerUsage") / 1000

    def memory_bytes(self) -> int:
        """The whole memory of the board."""
        return int(self._ask("memory size", "nvmlDeviceGetMemoryInfo").total)

    def power_limit_watts(self) -> float:
        """The power limit in force."""
        return self._ask("power limit", "nvmlDeviceGetPowerManagementLimit") / 1000

    def default_power_limit_watts(self) -> float:
        """The power limit that a driver starts with."""
        return self._ask("power limit", "nvmlDeviceGetPowerManagementDefaultLimit") / 1000

    def power_limit_range_watts(self) -> tuple[float, float]:
        """The lowest and the highest power limit that the board takes."""
        low, high = self._ask("power limit", "nvmlDeviceGetPowerManagementLimitConstraints")
        return low / 1000, high / 1000

    def set_power_limit(self, watts: float) -> None:
        """Limit the board's power until the driver is loaded again; BadInput where out of range."""
        low, high = self.power_limit_range_watts()
        if not low <= watts <= high:
            raise BadInput(
                f"a power limit of {watts:g} W: {self.uuid} ({self.name}) takes {low:g} W to"
                f" {high:g} W"
            )
        self._ask("power limit", "nvmlDeviceSetPowerManagementLimit", round(watts * 1000))

    def temperature_celsius(self) -> float | None:
        """The temperature of the chip, None where the board does not tell."""
        try:
            return float(self._ask("temperature", "nvmlDeviceGetTemperature", 0))
        except NotSupported:
            return None

    def compute_processes(self) -> frozenset[int]:
        """Process ids that hold a CUDA context here, in the numbering of the host."""
        try:
            found = self._ask("processes", "nvmlDeviceGetComputeRunningProcesses_v3")
        except NotSupported:  # an older driver
            found = self._ask("processes", "nvmlDeviceGetComputeRunningProcesses_v2")
        return frozenset(process.pid for process in found)

    def process_shares(self, since_seconds: float) -> dict[int, float]:
        """Mean share of the multiprocessors (0 to 1) by process id, since a moment in Unix time."""
        nvml = library()
        found: dict[int, list[float]] = {}
        try:
            samples = nvml.nvmlDeviceGetProcessUtilization(self.handle, round(since_seconds * 1e6))
        except nvml.NVMLError as error:
            # pynvml raises "success" too where there is not a single sample.
            if error.value in (nvml.NVML_SUCCESS, nvml.NVML_ERROR_NOT_FOUND):
                return {}
            raise self._board_error(nvml, error, "shares of its processes") from error
        for sample in samples:
            found.setdefault(sample.pid, []).append(sample.smUtil / 100)
        return {pid: sum(shares) / len(shares) for pid, shares in found.items()}

    def in_mig_mode(self) -> bool:
        """Whether the board is cut into MIG instances."""
        try:
            return self._ask("MIG mode", "nvmlDeviceGetMigMode")[0] == 1
        except NotSupported:
            return False

    def pci_place(self) -> tuple[int, int, int]:
        """Where the board sits: PCI domain, bus and device."""
        try:
            pci = self._ask("PCI ids", "nvmlDeviceGetPciInfo_v3")
        except NotSupported:
            return (0, 0, self.index)
        return pci.domain, pci.bus, pci.device

    def instant_watts(self, scope: int = GPU_SCOPE) -> float:
        """What that part draws now; raises NotSupported for whatever goes wrong."""
        nvml = library()
        field = (nvml.NVML_FI_DEV_POWER_INSTANT, scope)
        try:
            (got,) = nvml.nvmlDeviceGetFieldValues(self.handle, [field])
            if got.nvmlReturn != nvml.NVML_SUCCESS:
                raise nvml.NVMLError(got.nvmlReturn)
        except nvml.NVMLError as error:
            raise NotSupported(f"{self.uuid} ({self.name}) has no instantaneous power") from error
        return got.value.uiVal / 1000

    def _usage_is_instant(self) -> bool:
        """NVML's manual: a mean over 1 s on Ampere and later, but for the chip GA100."""
        ampere = library().NVML_DEVICE_ARCH_AMPERE
        try:
            architecture = self._ask("architecture", "nvmlDeviceGetArchitecture")
            pci = self._ask("PCI ids", "nvmlDeviceGetPciInfo_v3")
        except NotSupported:
            return False
        return architecture < ampere or pci.pciDeviceId >> 16 in GA100

    def _ask(self, what: str, function: str, *arguments: object) -> Any:
        nvml = library()
        try:
            return getattr(nvml, function)(self.handle, *arguments)
        except nvml.NVMLError as error:
            raise self._board_error(nvml, error, what) from error

    def _board_error(self, nvml: Any, error: Any, what: str) -> EnergySweepError:
        if error.value in (nvml.NVML_ERROR_NOT_SUPPORTED, nvml.NVML_ERROR_FUNCTION_NOT_FOUND):
            return NotSupported(f"{self.uuid} ({self.name}) has no {what}, or its driver has not")
        if error.value == nvml.NVML_ERROR_NO_PERMISSION:
            return NoPermission(
                f"the {what} of {self.uuid} ({self.name}) is for root only: become root, or do"
                " without"
            )
        return BoardLost(f"{self.uuid} ({self.name}) was lost: {error}")


def library_error() -> str | None:
    """Why no board can be asked here, in one line; None where one can."""
    try:
        count = _count()
    except BoardUnavailable as error:
        return str(error)
    if count == 0:
        return "the NVIDIA driver finds no GPU"
    return None if all_boards() else f"the NVIDIA driver lists {count} GPUs, and none answers"


def all_boards() -> tuple[Board, ...]:
    """Every board that NVML sees and may be asked, in its order; none where there is no driver."""
    try:
        count = _count()
    except BoardUnavailable:
        return ()
    nvml = library()
    boards: list[Board] = []
    for index in range(count):
        try:
            handle = nvml.nvmlDeviceGetHandleByIndex(index)
            uuid, name = nvml.nvmlDeviceGetUUID(handle), nvml.nvmlDeviceGetName(handle)
        except nvml.NVMLError:
            continue  # lost, or another container's
        boards.append(Board(uuid=uuid, name=name, index=index, handle=handle))
    return tuple(boards)


def driver_version() -> str:
    """The version of the NVIDIA driver; raises BoardUnavailable where there is none."""
    return str(_system("nvmlSystemGetDriverVersion"))


def _count() -> int:
    return int(_system("nvmlDeviceGetCount"))


def _system(function: str) -> Any:
    nvml = library()
    try:
        return getattr(nvml, function)()
    except nvml.NVMLError as error:
        raise _driver_error(nvml, error) from error


def _driver_error(nvml: Any, error: Any) -> BoardUnavailable:
    if error.value == nvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH:
        return BoardUnavailable("the NVIDIA driver was updated while it was in use: reboot")
    return BoardUnavailable(f"no NVIDIA driver answers here ({error})")


def library() -> Any:
    """The module pynvml with NVML started in this process; raises BoardUnavailable."""
    return _start_nvml(os.getpid())


@functools.cache
def _start_nvml(pid: int) -> Any:
    # A failure is not kept, so that a driver that comes later is found.
    nvml: Any = import_module("pynvml")
    try:
        nvml.nvmlInit()
    except nvml.NVMLError as error:
        raise _driver_error(nvml, error) from error
    return nvml
