"""NVIDIA boards that a test makes up, behind a real libnvidia-ml.so.1 compiled from fake_nvml.c.

In this process: `with FakeNvml(tmp_path, FakeBoard(...)).preloaded() as nvml`. In another one:
start it with `nvml.environment()`. Both see what the test changes, from the next call on.
"""

from __future__ import annotations

import ctypes
import os
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pynvml

from tests.shared_object import shared_object

SOURCE = Path(__file__).with_name("fake_nvml.c")
LIBRARY = "libnvidia-ml.so.1"
NOT_SUPPORTED, NO_PERMISSION, NOT_LOADED, NO_FUNCTION, LOST = 3, 4, 9, 13, 15
UUIDS = (
    "GPU-ab12c3d4-0000-1111-2222-333344445555",
    "GPU-ab99c3d4-0000-1111-2222-333344445555",
    "GPU-cd34e5f6-0000-1111-2222-333344445555",
)
ENERGY = "nvmlDeviceGetTotalEnergyConsumption"
POWER = "nvmlDeviceGetPowerUsage"


def build(folder: Path | None = None, *without: str) -> Path:
    """The compiled library, without the symbols named, as ENERGY, SHARES or PROCESSES_V3."""
    flags = [f"-DNO_{name}" for name in sorted(without)]
    libraries = ("-lm", "-lpthread")
    return shared_object(SOURCE, LIBRARY, flags=flags, libraries=libraries, folder=folder)


@dataclass(frozen=True, kw_only=True)
class FakeBoard:
    """One board, an A100 unless told otherwise; `watts` are steps of (moment, watts).

    `counts` script the energy counter (mJ) call by call. `errors` are codes by NVML function.
    `c2c` says whether a processor is linked to it, `rest` what the module draws beside the GPU.
    """

    uuid: str = UUIDS[0]
    name: str = "NVIDIA A100-SXM4-80GB"
    pci: int = 1
    device: int = 0x20B2
    architecture: int = 7
    memory: int = 80 * 2**30
    temperature: int = 40
    watts: tuple[tuple[float, float], ...] = ((0.0, 60.0),)
    tick: float = 0.1
    average: float = 0.0
    instant: bool = True
    scale: float = 1.0
    c2c: bool | None = None
    rest: float = 0.0
    frozen: float | None = None
    reset: float = 0.0
    counts: tuple[int, ...] = ()
    limits: tuple[int, int, int, int] = (400_000, 400_000, 100_000, 400_000)
    processes: tuple[int, ...] = ()
    shares: Mapping[int, int] = field(default_factory=dict[int, int])
    mig: bool = False
    instances: tuple[str, ...] = ()
    errors: Mapping[str, int] = field(default_factory=dict[str, int])

    def lines(self) -> list[str]:
        """The board as fake_nvml.c reads it."""
        plain = ("name", "pci", "device", "architecture", "memory", "temperature")
        numbers = ("tick", "average", "scale", "reset", "rest")
        return [
            f"board {self.uuid}",
            *(f"{key} {getattr(self, key)}" for key in (*plain, *numbers)),
            *(f"power {at!r} {watts!r}" for at, watts in self.watts),
            *([f"frozen {self.frozen!r}"] if self.frozen is not None else []),
            *(["counts " + " ".join(map(str, self.counts))] if self.counts else []),
            "limits " + " ".join(map(str, self.limits)),
            f"instant {int(self.instant)}",
            *([f"c2c {int(self.c2c)}"] if self.c2c is not None else []),
            f"mig {int(self.mig)}",
            *(f"process {pid}" for pid in self.processes),
            *(f"share {pid} {percent}" for pid, percent in self.shares.items()),
            *(f"instance {uuid}" for uuid in self.instances),
            *(f"error {function} {code}" for function, code in self.errors.items()),
        ]

    def joules(self, start: float, end: float) -> float:
        """What the board draws between two moments of time.monotonic()."""
        ends = [at for at, _ in self.watts[1:]] + [end]
        spans = zip(self.watts, ends, strict=True)
        return sum(
            watts * max(min(until, end) - max(at, start), 0.0) for (at, watts), until in spans
        )


def grace_hopper(**changes: Any) -> FakeBoard:
    """A GH200: one module of GPU, processor and memory, whose counter is that of all."""
    kind: dict[str, Any] = {"name": "NVIDIA GH200 480GB", "device": 0x2342, "architecture": 9}
    return FakeBoard(**{**kind, "memory": 96 * 2**30, "c2c": True, "rest": 90.0, **changes})


class FakeNvml:
    """The boards of a machine, kept in a file that the library reads at every call."""

    def __init__(self, folder: Path, *boards: FakeBoard, driver: str = "580.95.05") -> None:
        self.boards = list(boards or [FakeBoard()])
        self.driver = driver
        self.errors: dict[str, int] = {}
        self._folder = folder
        self._state = folder / "nvml-state"
        self._write()

    def put(self, *boards: FakeBoard) -> None:
        """Have these boards, and no others, from the next call on."""
        self.boards = list(boards)
        self._write()

    def change(self, index: int = 0, **changes: Any) -> None:
        """Change a board from the next call on."""
        self.boards[index] = replace(self.boards[index], **changes)
        self._write()

    def draw(self, watts: float, index: int = 0) -> None:
        """Let a board draw `watts` from now on."""
        self.change(index, watts=(*self.boards[index].watts, (time.monotonic(), watts)))

    def fail(self, function: str, code: int, index: int | None = None) -> None:
        """Let a function fail from the next call on, for one board, or as a whole (None)."""
        if index is None:
            self.errors[function] = code
            self._write()
        else:
            self.change(index, errors={**self.boards[index].errors, function: code})

    def limit_watts(self, index: int = 0) -> float:
        """The power limit that was set last."""
        limit = self.boards[index].limits[0]
        for line in self._state.read_text().splitlines():
            key, _, rest = line.partition(" ")
            if key == "set" and int(rest.split()[0]) == index:
                limit = int(rest.split()[1])
        return limit / 1000

    @contextmanager
    def preloaded(self) -> Generator[FakeNvml]:
        """Let pynvml find these boards in this process; afterwards there is no driver."""
        library = ctypes.CDLL(str(build()))
        before = os.environ.get("FAKE_NVML"), pynvml.nvmlLib
        os.environ["FAKE_NVML"] = str(self._state)
        if pynvml.nvmlLib is not None:
            # A real driver's library may have come first.
            pynvml.nvmlLib = library
            pynvml._nvmlGetFunctionPointer_cache.clear()  # pyright: ignore
            pynvml.nvmlInit()
        try:
            yield self
        finally:
            del os.environ["FAKE_NVML"]
            if before[0] is not None:
                os.environ["FAKE_NVML"] = before[0]
            if before[1] is not None:
                pynvml.nvmlLib = before[1]
                pynvml._nvmlGetFunctionPointer_cache.clear()  # pyright: ignore

    def environment(self, *without: str) -> dict[str, str]:
        """The environment of a process that is to see these boards, with a cache of its own."""
        paths = [str(build(None, *without).parent), os.environ.get("LD_LIBRARY_PATH", "")]
        hidden = ("CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER")
        return {
            **{key: value for key, value in os.environ.items() if key not in hidden},
            "LD_LIBRARY_PATH": os.pathsep.join(filter(None, paths)),
            "FAKE_NVML": str(self._state),
            "XDG_CACHE_HOME": str(self._folder / "cache"),
        }

    def _write(self) -> None:
        set_before = [
            line
            for line in (self._state.read_text() if self._state.exists() else "").splitlines()
            if line.startswith("set ")
        ]
        lines = [f"generation {time.monotonic_ns()}", f"driver {self.driver}"]
        lines += [f"error {function} {code}" for function, code in self.errors.items()]
        lines += [line for board in self.boards for line in board.lines()] + set_before
        fresh = self._state.with_suffix(".new")
        fresh.write_text("\n".join(lines) + "\n")
        fresh.replace(self._state)
