"""A device is checked when it is named, and leaves torch as it found it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from energy_sweep.device import Device, cpu_model, threads
from energy_sweep.record import BadInput


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"name": "tpu"}, "device=cuda"),
        ({"threads": 0}, "at least 1"),
        ({"threads": True}, "whole"),
    ],
)
def test_bad_devices_are_refused(settings: dict[str, object], says: str) -> None:
    with pytest.raises(BadInput, match=says):
        Device(**settings)  # type: ignore[arg-type]


def test_auto_is_the_cpu_until_gpus_can_be_metered() -> None:
    assert Device(name="auto").resolve() == Device(name="cpu").resolve() == "cpu"
    assert Device(name="auto").uuids() == ()


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
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch, "use_deterministic_algorithms", lambda on, **_: asked.append(on))
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":16:8")
    with Device(name="cpu", deterministic=True).running(), Device(name="cuda").running():
        assert asked == []
    with Device(name="cuda", deterministic=True).running():
        assert asked == [True]
    assert asked == [True, False]


def test_the_machine_is_plain_and_stable() -> None:
    machine = Device(name="cpu").machine()
    assert set(machine) == {"device_class", "cpu", "cores", "gpu", "torch", "isa"}
    assert json.loads(json.dumps(machine)) == machine == Device(name="auto", threads=2).machine()
    assert machine["gpu"] is None
    assert machine["cpu"] in machine["device_class"]


def test_the_cpu_says_its_own_name(tmp_path: Path) -> None:
    path = tmp_path / "cpuinfo"
    path.write_text("processor\t: 0\nmodel name\t: Brand X 9000\nprocessor\t: 1\n")
    assert cpu_model(path) == "Brand X 9000"
    assert cpu_model(tmp_path / "absent")
