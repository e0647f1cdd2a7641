"""What a rank makes of a description is what was described."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from training.toy_parts import Sides

from energy_sweep.dataset.digits import Digits
from energy_sweep.device import Device
from energy_sweep.model.resnet import ResNet
from energy_sweep.optimizer import SGD
from energy_sweep.optimizer.schedule import Trunk
from energy_sweep.record import BadInput
from energy_sweep.training.parts import describe, make


@dataclass(frozen=True)
class Odd:
    name: str = "odd"
    sizes: tuple[int, ...] = (1, 2)
    more: dict[str, Any] = field(default_factory=lambda: {"list": [1, None], "class": "x"})
    derived: int = field(init=False, default=3)


@pytest.mark.parametrize(
    "part",
    [Digits(), Sides(), ResNet(), SGD(schedule=Trunk(warmup_steps=3)), Device(), Odd()],
    ids=lambda part: part.name,
)
def test_a_part_survives_the_way_to_another_process(part: Any) -> None:
    assert make(json.loads(json.dumps(describe(part)))) == part


def test_what_another_process_could_not_make_is_refused() -> None:
    class Model:
        name = "own"

    in_main = dataclasses.make_dataclass("Mine", [], frozen=True)
    in_main.__module__ = "__main__"
    for part in (Model(), in_main(), Odd(more={"deep": object()})):
        with pytest.raises(BadInput, match=r"device\.processes=1"):
            describe(part)


def test_only_dataclasses_are_made() -> None:
    with pytest.raises(TypeError, match="not a dataclass"):
        make({"class": "os:system", "fields": {}})
