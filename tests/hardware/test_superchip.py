"""Which boards are one module with a processor, as far as NVML tells."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from meter.fake_nvml import NO_FUNCTION, NOT_SUPPORTED, FakeBoard, FakeNvml, grace_hopper

from energy_sweep.hardware.gpu import NotSupported, all_boards
from energy_sweep.hardware.superchip import counts_module, module_watts

LINKED = "nvmlDeviceGetC2cModeInfoV"
ARCHITECTURE = "nvmlDeviceGetArchitecture"
H100 = "NVIDIA H100 80GB HBM3"


@pytest.fixture(name="nvml")
def _nvml(tmp_path: Path) -> Iterator[FakeNvml]:
    with FakeNvml(tmp_path).preloaded() as nvml:
        yield nvml


@pytest.mark.parametrize(
    ("board", "whole"),
    [
        (grace_hopper(), True),
        (grace_hopper(errors={LINKED: NO_FUNCTION}), True),  # by its name, under an old driver
        (grace_hopper(errors={LINKED: NOT_SUPPORTED}, name=H100), False),
        (grace_hopper(c2c=False, name=H100), False),
        (grace_hopper(errors={ARCHITECTURE: NOT_SUPPORTED}), False),
        (FakeBoard(), False),
        (FakeBoard(name="NVIDIA GB10", architecture=10, c2c=True), False),
    ],
)
def test_a_module_is_a_hopper_that_a_processor_is_linked_to(
    nvml: FakeNvml, board: FakeBoard, whole: bool
) -> None:
    nvml.put(board)
    assert counts_module(all_boards()[0]) is whole


def test_a_module_draws_what_its_gpu_and_all_the_rest_do(nvml: FakeNvml) -> None:
    nvml.put(grace_hopper(watts=((0.0, 60.0),), rest=90.0))
    (board,) = all_boards()
    assert (board.watts(), module_watts(board)) == (60.0, 150.0)
    nvml.put(FakeBoard())
    with pytest.raises(NotSupported):
        module_watts(all_boards()[0])
