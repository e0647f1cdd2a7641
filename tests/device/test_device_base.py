"""A device is checked when it is named, and leaves torch as it found it."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from meter.fake_nvml import UUIDS, FakeNvml

from energy_sweep.device import Device
from energy_sweep.hardware.threads import threads
from energy_sweep.record import BadInput


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"name": "tpu"}, "device=cuda"),
        ({"threads": 0}, "at least 1"),
        ({"threads": True}, "whole"),
        ({"processes": 0}, "device.processes=0: type a whole number"),
        ({"power_limit_watts": 0}, r"device.power_limit_watts=200"),
        ({"power_limit_watts": True}, "above 0"),
        ({"gpu_memory_gib": -1}, r"device.gpu_memory_gib=8"),
        ({"memory_gib": float("inf")}, r"device.memory_gib=8"),
        ({"wait_below": 1.1}, r"device.wait_below=0.1"),
        ({"wait_below": 0}, "a share"),
        ({"plan": "nchw"}, r"device\.plan=auto\|contiguous\|channels_last\|"),
    ],
)
def test_bad_devices_are_refused(settings: dict[str, object], says: str) -> None:
    with pytest.raises(BadInput, match=says):
        Device(**settings)  # type: ignore[arg-type]


def test_compiling_is_refused_where_it_loses(monkeypatch: pytest.MonkeyPatch) -> None:
    device = Device(name="auto", plan="channels_last+compile")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    device.check()
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(BadInput, match=r"on a CPU .* type device\.plan=channels_last or"):
        device.check()


def test_each_process_needs_a_core_or_a_gpu_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    cpu = Device(name="cpu", processes=3)
    monkeypatch.setattr("energy_sweep.device.machine.usable_cores", lambda: 2)
    with pytest.raises(BadInput, match=r"program: 2.*type device\.processes=2 or less"):
        cpu.check()
    monkeypatch.setattr("energy_sweep.device.machine.usable_cores", lambda: 4)
    cpu.check()
    with pytest.raises(BadInput, match=r"device\.memory_gib caps one process"):
        Device(name="cpu", processes=2, memory_gib=64).check()
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    Device(name="cuda", processes=2).check()
    with pytest.raises(BadInput, match=r"finds 2 GPUs.*type device\.processes=2 or less"):
        Device(name="cuda", processes=3).check()


def test_threads_are_no_more_than_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("energy_sweep.device.machine.usable_cores", lambda: 4)
    Device(name="cpu", threads=4).check()
    Device(name="cpu", threads=2, processes=2).check()
    with pytest.raises(BadInput, match=r"program: 4: type device\.threads=4 or less"):
        Device(name="cpu", threads=5).check()
    with pytest.raises(BadInput, match=r"for each of 2 processes: type device\.threads=2 or less"):
        Device(name="cpu", threads=3, processes=2).check()
    assert " | 4 cores" in Device(name="cpu").machine()["device_class"]
    assert Device(name="cpu").machine()["cores"] == 4


def test_all_gpus_that_processes_use_are_named_once(monkeypatch: pytest.MonkeyPatch) -> None:
    boards = [SimpleNamespace(name="A", uuid=f"u{n}") for n in range(4)]
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 1)
    monkeypatch.setattr(torch.cuda, "get_device_properties", boards.__getitem__)
    assert Device(name="cuda").uuids() == ("GPU-u1",)
    assert Device(name="cuda", processes=3).uuids() == ("GPU-u0", "GPU-u1", "GPU-u2")


def test_auto_is_a_gpu_that_works_and_else_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[str] = []
    monkeypatch.setattr(torch.cuda, "synchronize", lambda: waited.append("cuda"))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert Device(name="auto").resolve() == Device(name="cpu").resolve() == "cpu"
    assert Device(name="auto").uuids() == ()
    Device(name="auto").synchronize()
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert Device(name="auto").resolve() == Device(name="cuda").resolve() == "cuda"
    assert Device(name="cpu").resolve() == "cpu"
    Device(name="cpu").synchronize()
    assert waited == []
    Device(name="auto").synchronize()
    assert waited == ["cuda"]


@pytest.mark.parametrize(
    ("name", "uuid"),
    [("NVIDIA A100-SXM4-40GB", "GPU-11-22"), ("NVIDIA A100-SXM4-40GB MIG 1g.5gb", "MIG-11-22")],
)
def test_a_gpu_is_named_by_its_uuid(monkeypatch: pytest.MonkeyPatch, name: str, uuid: str) -> None:
    _pretend_gpu(monkeypatch, name, "11-22")
    assert Device(name="cuda").uuids() == (uuid,)


def _pretend_gpu(monkeypatch: pytest.MonkeyPatch, name: str, uuid: str) -> None:
    board = SimpleNamespace(name=name, uuid=uuid, total_memory=80 * 2**30)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: name)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: board)


def test_levers_of_a_gpu_are_in_force_together_and_told_apart(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    _pretend_gpu(monkeypatch, "Fake GPU", UUIDS[0].removeprefix("GPU-"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    shares: list[float] = []
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: None)
    monkeypatch.setattr(torch.cuda, "set_per_process_memory_fraction", shares.append)
    device = Device(name="auto", power_limit_watts=200, gpu_memory_gib=8)
    with FakeNvml(tmp_path).preloaded() as nvml:
        device.check()
        assert nvml.limit_watts() == 400
        with device.running():
            assert (nvml.limit_watts(), shares) == (200, [0.1])
        assert (nvml.limit_watts(), shares) == (400, [0.1, 1.0])
        with device.running(levers=False):
            assert (nvml.limit_watts(), shares) == (400, [0.1, 1.0])
        machine = device.machine()
        assert machine["gpu_uuids"] == [UUIDS[0]]
        assert machine["driver"] == nvml.driver
        assert machine["device_class"] == Device(name="auto").machine()["device_class"]
        with pytest.raises(BadInput, match="takes 100 to 400 W"):
            Device(name="cuda", power_limit_watts=90).check()


def test_a_power_limit_needs_a_gpu() -> None:
    with pytest.raises(BadInput, match="type device=cuda, or leave it out"):
        Device(name="cpu", power_limit_watts=200).check()


def test_work_without_a_limit_does_not_run_under_one_that_a_kill_left(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    _pretend_gpu(monkeypatch, "Fake GPU", UUIDS[0].removeprefix("GPU-"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    note = tmp_path / f"energy_sweep-power-{UUIDS[0]}.json"
    note.write_text('{"limit_watts": 300, "pid": 1}')
    with FakeNvml(tmp_path).preloaded() as nvml, Device(name="cuda").running():
        assert nvml.limit_watts() == 300
    assert not note.exists()


def test_cuda_that_is_not_here_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(BadInput, match="type device=cpu"):
        Device(name="cuda").resolve()


def test_threads_are_restored_also_after_an_exception() -> None:
    before = torch.get_num_threads()
    with pytest.raises(KeyError), threads(before + 1):
        assert torch.get_num_threads() == before + 1
        raise KeyError
    assert torch.get_num_threads() == before


def test_running_uses_the_threads_of_the_device() -> None:
    before = torch.get_num_threads()
    with Device(name="cpu", threads=2).running() as name:
        assert (name, torch.get_num_threads()) == ("cpu", 2)
    assert torch.get_num_threads() == before


def test_determinism_is_asked_of_cuda_alone_and_restored(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bool] = []
    _pretend_gpu(monkeypatch, "Fake GPU", "11-22")
    monkeypatch.setattr(torch, "use_deterministic_algorithms", lambda on, **_: asked.append(on))
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":16:8")
    with Device(name="cpu", deterministic=True).running(), Device(name="cuda").running():
        assert asked == []
    with Device(name="cuda", deterministic=True).running():
        assert asked == [True]
    assert asked == [True, False]


def test_the_machine_is_plain_and_stable() -> None:
    machine = Device(name="cpu").machine()
    assert set(machine) == {
        "device_class",
        "cpu",
        "cores",
        "gpu",
        "gpu_uuids",
        "driver",
        "torch",
        "isa",
    }
    assert json.loads(json.dumps(machine)) == machine == Device(name="cpu", threads=2).machine()
    assert (machine["gpu"], machine["gpu_uuids"], machine["driver"]) == (None, [], None)
    assert machine["cpu"] in machine["device_class"]
