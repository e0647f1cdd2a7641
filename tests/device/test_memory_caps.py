"""A cap on memory makes what needs more infeasible, by real limits in processes of their own."""

from __future__ import annotations

import resource
import subprocess
import sys
from types import SimpleNamespace

import pytest
import torch

from energy_sweep.device import Device, OutOfMemory
from energy_sweep.device.memory import GIB
from energy_sweep.record import BadInput, Infeasible

HUGE = 2**46  # float32 values: more than any address space, so no cap is needed

needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="memory_gib is for Linux")


def run(script: str) -> str:
    """What a script prints in a process of its own."""
    header = (
        "import torch, numpy as np\nfrom energy_sweep.device import Device, OutOfMemory\n"
        "device = Device(name='cpu', memory_gib=2, threads=2)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", header + script], capture_output=True, text=True, timeout=100
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@needs_linux
@pytest.mark.slow
def test_a_tensor_too_large_is_infeasible_and_fits_again_afterwards() -> None:
    said = run(
        "for make in (lambda: torch.ones(2**30), lambda: np.ones(2**30)):\n"
        "    try:\n"
        "        with device.running(), device.infeasible_out_of_memory():\n"
        "            torch.ones(2**27)  # half a GiB\n"
        "            make()\n"
        "    except OutOfMemory as reason:\n"
        "        print(reason, reason.capped)\n"
        "print(torch.empty(2**30).nbytes)\n"
    )
    refusal = "needs more than device.memory_gib=2 GiB of memory True"
    assert said.splitlines() == [refusal, refusal, str(2**32)]


@needs_linux
@pytest.mark.slow
def test_what_was_held_is_let_go_before_anything_else_is_done() -> None:
    said = run(
        "def fill():\n"
        "    held = []\n"
        "    while True:\n"
        "        held.append(torch.ones(2**24))\n"
        "with device.running():\n"
        "    try:\n"
        "        with device.infeasible_out_of_memory():\n"
        "            fill()\n"
        "    except OutOfMemory:\n"
        "        print(torch.ones(2**28).nbytes)\n"
    )
    assert said == f"{2**30}\n"


@needs_linux
def test_the_cap_is_lifted_after_any_exception() -> None:
    before = resource.getrlimit(resource.RLIMIT_DATA)
    with pytest.raises(KeyError), Device(name="cpu", memory_gib=64).running():
        assert resource.getrlimit(resource.RLIMIT_DATA)[0] > 0
        assert resource.getrlimit(resource.RLIMIT_DATA) != before
        raise KeyError
    assert resource.getrlimit(resource.RLIMIT_DATA) == before


@needs_linux
def test_a_cap_below_what_the_program_holds_is_refused_with_its_size() -> None:
    device = Device(name="cpu", memory_gib=0.01)
    with pytest.raises(BadInput, match=r"device.memory_gib=0.01: the program holds \d\.\d\d GiB"):
        device.check()
    with pytest.raises(Infeasible, match="the program alone holds"), device.running():
        raise AssertionError


def test_without_a_cap_running_out_is_infeasible_too_and_may_be_tried_again() -> None:
    guarded = Device(name="cpu").infeasible_out_of_memory()
    with pytest.raises(OutOfMemory, match="smaller batch") as found, guarded:
        torch.empty(HUGE)
    assert not found.value.capped


@pytest.mark.parametrize(
    ("error", "device", "says"),
    [
        (torch.OutOfMemoryError("CUDA out of memory."), {}, "ran out of GPU memory"),
        (
            torch.OutOfMemoryError("CUDA out of memory."),
            {"gpu_memory_gib": 4},
            "needs more than device.gpu_memory_gib=4 GiB of GPU memory",
        ),
        (RuntimeError("CUBLAS_STATUS_ALLOC_FAILED when calling"), {}, "ran out of GPU memory"),
        (RuntimeError("std::bad_alloc"), {}, "ran out of memory"),
        (OSError(12, "Cannot allocate memory"), {}, "ran out of memory"),
        (RuntimeError("can't start new thread"), {"memory_gib": 64}, "device.memory_gib=64 GiB"),
    ],
)
def test_every_way_to_run_out_is_known(
    error: Exception, device: dict[str, float], says: str
) -> None:
    wrapped = RuntimeError("the graph does not run")
    wrapped.__cause__ = error
    for shown in (error, wrapped):
        guarded = Device(name="cpu", **device).infeasible_out_of_memory()  # type: ignore[arg-type]
        with pytest.raises(OutOfMemory, match=says), guarded:
            raise shown


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("shapes do not match"),
        RuntimeError("can't start new thread"),
        Infeasible("the loss diverged"),
        BadInput("type less"),
        KeyboardInterrupt(),
    ],
)
def test_other_errors_pass(error: BaseException) -> None:
    with pytest.raises(type(error)) as found, Device(name="cpu").infeasible_out_of_memory():
        raise error
    assert found.value is error


class FakeCuda:
    """The calls that a cap on GPU memory makes of torch, on a GPU of 80 GiB."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls: list[object] = []
        board = SimpleNamespace(name="Fake GPU", total_memory=80 * GIB, uuid="11-22")
        for name, fake in {
            "is_available": lambda: True,
            "current_device": lambda: 0,
            "get_device_properties": lambda _: board,
            "empty_cache": lambda: self.calls.append("empty"),
            "set_per_process_memory_fraction": self.calls.append,
        }.items():
            monkeypatch.setattr(torch.cuda, name, fake)


def test_a_cap_on_gpu_memory_is_a_share_of_the_board_and_taken_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cuda = FakeCuda(monkeypatch)
    device = Device(name="cuda", gpu_memory_gib=8)
    device.check()
    with pytest.raises(KeyError), device.running():
        assert cuda.calls == ["empty", 0.1]
        raise KeyError
    assert cuda.calls == ["empty", 0.1, "empty", 1.0]


def test_a_cap_on_gpu_memory_that_cannot_be_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BadInput, match="needs a GPU: type device=cuda"):
        Device(name="cpu", gpu_memory_gib=8).check()
    FakeCuda(monkeypatch)
    with pytest.raises(BadInput, match=r"Fake GPU has 80.0 GiB: type less"):
        Device(name="cuda", gpu_memory_gib=81).check()


def test_the_peak_of_gpu_memory_is_torchs_since_it_was_watched(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen = {"peak": 7 * GIB}
    monkeypatch.setattr(Device, "resolve", lambda _: "cuda")
    monkeypatch.setattr(torch.cuda, "reset_peak_memory_stats", lambda: seen.update(peak=GIB))
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda: seen["peak"])
    peak = Device(name="cuda").watch_memory()
    seen["peak"] += 5
    assert peak() == GIB + 5


def test_no_device_memory_is_told_of_the_cpu() -> None:
    assert Device(name="cpu").watch_memory()() is None
