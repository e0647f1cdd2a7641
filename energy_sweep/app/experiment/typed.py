"""An experiment that is typed as if it were an option of Hydra."""

from __future__ import annotations

from collections.abc import Sequence

from energy_sweep.app.config.conf_folder import conf_folder
from energy_sweep.app.help import is_preset
from energy_sweep.record import BadInput
from energy_sweep.text.commands import program

SIZES = ("smoke", "full")
GROUP, SIZE = "experiment", "experiment.size"


def check_no_preset(arguments: Sequence[str]) -> None:
    """BadInput where one is typed behind -m: it is several sweeps, and a verb runs them."""
    parts = [word.partition("=") for word in arguments]
    typed = {part[0].lstrip("+"): part[2] for part in parts}
    name = typed.get(GROUP, "")
    if not name.replace("_", "").replace("-", "").isalnum():
        return
    if is_preset(conf_folder() / GROUP / f"{name}.yaml"):
        size = ["--size", typed[SIZE]] if SIZE in typed else []
        line = program("experiment", name, *size)
        raise BadInput(f"{name} is several sweeps with claims about them: type {line}")
