"""What cannot be an axis, since a study has only one of it."""

from __future__ import annotations

import functools

from energy_sweep.app.config.messages import or_one
from energy_sweep.record import BadInput

# Everything that makes a study what it is: trials that differ here have no common front.
ONE_PER_STUDY = (
    *("name", "outputs", "storage", "stages", "allow", "experiment", "runtime", "device", "meter"),
)
OWN_SPLIT = (
    "dataset",
    *(f"dataset.{key}" for key in ("validation", "test", "root", "download", "subset", "channels")),
    *(f"dataset.{key}" for key in ("near_bits", "seed", "moved", "contrast", "noise")),
    *(f"dataset.{key}" for key in ("cache", "file", "factory")),
)


def check_sweepable(name: str, typed: str) -> None:
    """Raise BadInput for what a study has one of, or what says nothing of a trial."""
    group = name.split(".")[0].split("/")[0].split("@")[0]
    if name in ONE_PER_STUDY or group == "meter":
        raise BadInput(
            f"{name} is one per study: sweep it in separate commands, each with name=NAME"
        )
    if name in OWN_SPLIT:
        raise BadInput(
            f"{name} is one per study, since accuracy on other images does not compare:"
            f" sweep it in separate commands{or_one(typed)}"
        )
    if name == "profile":
        raise BadInput("profile changes nothing of a trial: type one value, profile=true")
    if group in ("search", "objective", "study", "track"):
        raise BadInput(
            f"{name} describes the whole sweep: type one value, such as search.trials=20"
        )


@functools.cache
def may_vary(name: str) -> bool:
    """Whether trials of one study may differ in a dial."""
    try:
        check_sweepable(name, name)
    except BadInput:
        return False
    return not name.startswith("hydra/")
