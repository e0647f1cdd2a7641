"""The CPU by its name, its maker, its packages, and the cores that a process may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from energy_sweep.device import Device
from energy_sweep.hardware.cpu import cpu_maker, cpu_model, cpu_packages, is_confined, usable_cores
from energy_sweep.record import BadInput


def test_the_first_cpu_speaks_for_all(tmp_path: Path) -> None:
    path = tmp_path / "cpuinfo"
    path.write_text(
        "processor\t: 0\nvendor_id\t: AuthenticAMD\nmodel name\t: Brand X 9000\n\n"
        "processor\t: 1\nvendor_id\t: other\nmodel name\t: other\n"
    )
    assert (cpu_model(path), cpu_maker(path)) == ("Brand X 9000", "AuthenticAMD")


def test_a_cpu_without_a_name_is_called_by_its_architecture(tmp_path: Path) -> None:
    path = tmp_path / "cpuinfo"
    path.write_text("processor\t: 0\nmodel name\t:\n")
    assert cpu_model(path) == cpu_model(tmp_path / "absent") != ""
    assert cpu_maker(path) == cpu_maker(tmp_path / "absent") == ""


def test_packages_are_those_this_process_may_run_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for cpu, package in enumerate([0, 0, 1, 1]):
        folder = tmp_path / f"cpu{cpu}" / "topology"
        folder.mkdir(parents=True)
        (folder / "physical_package_id").write_text(f"{package}\n")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {1, 2}, raising=False)
    assert cpu_packages(tmp_path) == (0, 1)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3}, raising=False)
    assert cpu_packages(tmp_path) == (1,)
    assert cpu_packages(tmp_path / "absent") == (0,)


def test_a_process_is_confined_where_it_may_not_run_everywhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2, 3}, raising=False)
    assert not is_confined()
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {2}, raising=False)
    assert is_confined()
    monkeypatch.delattr(os, "sched_getaffinity")
    assert not is_confined()


@pytest.fixture
def on_eight(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)


def tree(root: Path, membership: str, files: dict[str, str]) -> tuple[Path, Path]:
    """A cgroup tree as the kernel shows it, and what /proc/self/cgroup says of this process."""
    for name, text in files.items():
        path = root / "cgroup" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (root / "self").write_bytes(os.fsencode(membership))
    return root / "cgroup", root / "self"


V1 = "9:name=systemd:/\n3:cpuset:/\n4:cpu,cpuacct:/docker/abc\n0::/\n"
# What lies in the tree, and the cores that it leaves of eight, by the kernel's own documentation.
QUOTAS: dict[str, tuple[str, dict[str, str], int]] = {
    "v2, of its own": ("0::/a/b\n", {"a/b/cpu.max": "250000 100000\n"}, 2),
    "v2, of one above": (
        "0::/a/b\n",
        {"a/b/cpu.max": "max 100000\n", "a/cpu.max": "300000 100000\n"},
        3,
    ),
    "v2, the least of several": (
        "0::/a/b\n",
        {"a/b/cpu.max": "400000 100000\n", "a/cpu.max": "100000 50000\n"},
        2,
    ),
    "v2, unbounded": ("0::/a\n", {"a/cpu.max": "max 100000\n"}, 8),
    "v2, less than one core": ("0::/\n", {"cpu.max": "50000 100000\n"}, 1),
    "v2, more than there is": ("0::/\n", {"cpu.max": "9900000 100000\n"}, 8),
    "v2, a name that only the host knows": (
        "0::/../../host/x\n",
        {"cpu.max": "200000 100000\n"},
        2,
    ),
    "v2, a name that is no text": ("0::/\udce9\n", {"\udce9/cpu.max": "100000 100000\n"}, 1),
    "v2 beside v1": ("0::/a\n", {"unified/a/cpu.max": "100000 100000\n"}, 1),
    "v1, of its own": (
        V1,
        {
            "cpu,cpuacct/docker/abc/cpu.cfs_quota_us": "150000\n",
            "cpu,cpuacct/docker/abc/cpu.cfs_period_us": "50000\n",
        },
        3,
    ),
    "v1, in a container": (
        V1,
        {"cpu/cpu.cfs_quota_us": "200000\n", "cpu/cpu.cfs_period_us": "100000\n"},
        2,
    ),
    "v1, unbounded": (
        V1,
        {"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"},
        8,
    ),
    "damaged": ("nonsense\n0::/a\n", {"a/cpu.max": "many\n"}, 8),
}


@pytest.mark.usefixtures("on_eight")
@pytest.mark.parametrize("case", QUOTAS)
def test_quotas_of_cgroups_count_as_fewer_cores(tmp_path: Path, case: str) -> None:
    membership, files, cores = QUOTAS[case]
    assert usable_cores(*tree(tmp_path, membership, files)) == cores


@pytest.mark.usefixtures("on_eight")
def test_no_cgroups_are_no_bound(tmp_path: Path) -> None:
    assert usable_cores(tmp_path / "absent", tmp_path / "absent") == 8


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no affinity on this platform")
def test_a_core_taken_away_is_not_counted(tmp_path: Path) -> None:
    """The real call, as taskset makes it; quotas of this machine are left out."""
    before = os.sched_getaffinity(0)
    nowhere = tmp_path / "absent"
    try:
        os.sched_setaffinity(0, {min(before)})
        assert usable_cores(nowhere, nowhere) == 1
        assert Device(name="cpu").machine()["cores"] == 1
        with pytest.raises(BadInput, match=r"program: 1: type device\.threads=1 or less"):
            Device(name="cpu", threads=2).check()
    finally:
        os.sched_setaffinity(0, before)
    assert usable_cores(nowhere, nowhere) == len(before)
