"""CUDA_VISIBLE_DEVICES in every form, UUIDs, and MIG."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from meter.fake_nvml import NOT_LOADED, NOT_SUPPORTED, UUIDS, FakeBoard, FakeNvml

from energy_sweep.hardware.gpu import BoardUnavailable, all_boards
from energy_sweep.hardware.visible_gpus import find_board, visible_boards

A, B, C = UUIDS
MIG_A, MIG_A2 = "MIG-1111aaaa-0000", "MIG-2222aaaa-0000"
PCI = "PCI_BUS_ID"


@pytest.fixture(name="nvml")
def _nvml(tmp_path: Path) -> Iterator[FakeNvml]:
    """Two boards of one name; NVML lists the one first that sits second on the bus."""
    two = [FakeBoard(uuid=A, pci=9), FakeBoard(uuid=B, pci=1)]
    with FakeNvml(tmp_path, *two).preloaded() as nvml:
        yield nvml


def seen(devices: str | None, order: str | None = None, mig: str = "refuse") -> list[str]:
    variables = {"CUDA_VISIBLE_DEVICES": devices, "CUDA_DEVICE_ORDER": order}
    environ = {name: value for name, value in variables.items() if value is not None}
    return [board.uuid for board in visible_boards(environ, mig=mig)]


FORMS: list[tuple[str | None, list[str]]] = [
    (None, [A, B]),
    ("", []),
    ("-1", []),
    ("0", [B]),
    ("1", [A]),
    ("0,1", [B, A]),
    ("1,0", [A, B]),
    (" 1 , 0 ", [A, B]),
    ("+1", [A]),
    ("1gpu,0gpu", [A, B]),
    ("0,-1,1", [B]),
    ("0,5,1", [B]),
    ("5", []),
    ("0,0", []),
    ("1,0,1", []),
    ("NoDevFiles", []),
    (A, [A]),
    (B, [B]),
    (f"{B},{A}", [B, A]),
    ("GPU-ab12", [A]),
    ("GPU-ab99", [B]),
    ("GPU-ab99,GPU-ab12", [B, A]),
    ("GPU-ab", []),
    ("GPU-ff", []),
    (f"{A},GPU-ff,{B}", [A]),
    (f"{A},GPU-ab12", []),
    (f"{A},0", [A]),
    (f"0,{A}", [B]),
    (A.upper(), []),
]


@pytest.mark.parametrize(("devices", "uuids"), FORMS)
@pytest.mark.parametrize("order", [None, PCI, "FASTEST_FIRST"])
def test_every_form_where_all_boards_are_alike(
    nvml: FakeNvml, devices: str | None, uuids: list[str], order: str | None
) -> None:
    assert seen(devices, order) == uuids


@pytest.mark.parametrize(("devices", "uuids"), FORMS)
def test_every_form_in_the_order_of_the_bus(
    nvml: FakeNvml, devices: str | None, uuids: list[str]
) -> None:
    nvml.change(1, name="NVIDIA GeForce RTX 3090")
    assert seen(devices, PCI) == uuids


@pytest.mark.parametrize(("devices", "uuids"), FORMS)
@pytest.mark.parametrize("order", [None, "FASTEST_FIRST"])
def test_numbers_are_refused_where_only_cuda_knows_its_order(
    nvml: FakeNvml, devices: str | None, uuids: list[str], order: str | None
) -> None:
    nvml.change(1, name="NVIDIA GeForce RTX 3090")
    if uuids and devices is not None and not devices.startswith("GPU-"):
        with pytest.raises(BoardUnavailable, match="set CUDA_DEVICE_ORDER=PCI_BUS_ID, or give"):
            seen(devices, order)
    else:
        assert seen(devices, order) == uuids


def test_boards_that_do_not_tell_their_place_keep_the_order_of_nvml(nvml: FakeNvml) -> None:
    for index in (0, 1):
        nvml.fail("nvmlDeviceGetPciInfo_v3", NOT_SUPPORTED, index)
    assert seen("0,1", PCI) == [A, B]


@given(numbers=st.lists(st.integers(-2, 5), min_size=1, max_size=6))
def test_numbers_are_taken_up_to_the_first_that_is_none(
    numbers: list[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    on_the_bus = [B, C, A]
    three = [FakeBoard(uuid=uuid, pci=on_the_bus.index(uuid)) for uuid in UUIDS]
    folder = tmp_path_factory.mktemp("nvml")
    with FakeNvml(folder, *three).preloaded():
        found = seen(",".join(map(str, numbers)), PCI)
    valid = next((i for i, n in enumerate(numbers) if not 0 <= n < 3), len(numbers))
    taken = numbers[:valid]
    expected = [on_the_bus[n] for n in taken] if len(set(taken)) == len(taken) else []
    assert found == expected


def test_the_environment_is_that_of_the_process(nvml: FakeNvml) -> None:
    code = (
        "import json, energy_sweep.hardware.visible_gpus as boards\n"
        "print(json.dumps([board.uuid for board in boards.visible_boards()]))"
    )
    environment = {**nvml.environment(), "CUDA_VISIBLE_DEVICES": "1,0"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, check=True
    )
    assert json.loads(done.stdout) == [A, B]


def test_without_a_driver_nothing_is_visible(tmp_path: Path) -> None:
    with FakeNvml(tmp_path).preloaded() as nvml:
        nvml.fail("nvmlDeviceGetCount_v2", NOT_LOADED)
        assert seen(None) == seen("0") == seen(A) == []


@pytest.mark.parametrize("uuid", [A, A[:8], A[:-1]])
def test_a_board_is_found_by_what_only_it_begins_with(nvml: FakeNvml, uuid: str) -> None:
    assert find_board(uuid) == all_boards()[0]


@pytest.mark.parametrize("uuid", ["GPU-ab", "GPU-ff", "MIG-ff", "", "0"])
def test_what_is_not_one_board_names_those_there_are(nvml: FakeNvml, uuid: str) -> None:
    with pytest.raises(BoardUnavailable, match=f"type one of {A}, {B}"):
        find_board(uuid)


def test_without_a_driver_a_uuid_names_the_reason(tmp_path: Path) -> None:
    with FakeNvml(tmp_path).preloaded():
        pass
    with pytest.raises(BoardUnavailable, match=f"{A}: no NVIDIA driver answers here"):
        find_board(A)


OLD_STYLE = f"MIG-{A}/1/0"


@pytest.mark.parametrize("asked", [MIG_A, OLD_STYLE, A, A[:8], "GPU-1111aaaa-0000"])
def test_a_slice_is_refused_or_the_whole_board_stands_for_it(nvml: FakeNvml, asked: str) -> None:
    nvml.change(0, mig=True, instances=(MIG_A, MIG_A2))
    with pytest.raises(BoardUnavailable, match=r"type meter\.mig=whole_board"):
        find_board(asked)
    board = find_board(asked, mig="whole_board")
    assert board.uuid == A
    assert board.whole_for in {MIG_A, OLD_STYLE, A}
    assert find_board(B).whole_for is None


@pytest.mark.parametrize(
    ("devices", "uuids"),
    [
        (None, [A, B]),
        ("0,1", [B, A]),
        (MIG_A, [A]),
        (OLD_STYLE, [A]),
        (f"{MIG_A},{MIG_A2}", [A]),
        (f"{MIG_A},{MIG_A}", []),
        ("MIG-ff", []),
        (f"{MIG_A},{B}", [A]),
    ],
)
def test_slices_among_the_visible(nvml: FakeNvml, devices: str | None, uuids: list[str]) -> None:
    nvml.change(0, mig=True, instances=(MIG_A, MIG_A2))
    assert seen(devices, mig="whole_board") == uuids
    if A in uuids or devices == f"{MIG_A},{MIG_A}":
        with pytest.raises(BoardUnavailable, match="MIG instances"):
            seen(devices)
