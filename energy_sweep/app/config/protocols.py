"""What a part must have to be one, so that a class of the user's is told what it lacks."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping

from energy_sweep.record import BadInput


def check_protocol(place: str, target: object, kind: type) -> None:
    """BadInput where a class has not all that the parts of its place have."""
    protocol = _protocols().get(place)
    if protocol is None:
        return
    wanted = members(protocol)
    fields = {"name", *(field.name for field in dataclasses.fields(kind))}
    lacks = [name for name in wanted if name not in fields and not hasattr(kind, name)]
    if lacks:
        raise BadInput(
            f"{place}._target_={target} has no {', '.join(lacks)}: give the class"
            f" {', '.join(wanted)}, as {protocol.__module__}.{protocol.__name__} says"
        )


def is_protocol(kind: object) -> bool:
    """Whether a type says what parts have, and is none itself."""
    return getattr(kind, "_is_protocol", False)


def members(protocol: type) -> list[str]:
    """The public names that a protocol asks for, in its own order."""
    return [name for name in vars(protocol) if not name.startswith("_")]


@functools.cache
def _protocols() -> Mapping[str, type]:
    from energy_sweep.compression.base import Compression
    from energy_sweep.dataset.base import DataSource
    from energy_sweep.model.base import Model
    from energy_sweep.optimizer import Optimizer
    from energy_sweep.optimizer.schedule import Schedule
    from energy_sweep.runtime.base import Runtime

    return {
        "compression": Compression,
        "dataset": DataSource,
        "model": Model,
        "optimizer": Optimizer,
        "optimizer.schedule": Schedule,
        "runtime": Runtime,
    }
