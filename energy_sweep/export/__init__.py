"""What a study found, told to other tools, each in its own form and by its own library."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING

from energy_sweep.record import BadInput

if TYPE_CHECKING:
    from energy_sweep.front import PricedStudy
    from energy_sweep.front.other_units import OtherUnits

CARD = "hf-card"  # of one trial; all others are of all trials
# The module that writes each, imported when it is asked for.
FORMATS = {
    "mlflow": "mlflow_runs",
    "tensorboard": "tensorboard_events",
    "wandb-offline": "wandb_runs",
    "codecarbon-csv": "codecarbon_file",
    CARD: "model_card",
    "json": "json_file",
}


def export(
    priced: PricedStudy,
    to: str,
    folder: Path,
    *,
    units: OtherUnits | None = None,
    trial: int | None = None,
    place: str | None = None,
) -> str:
    """Write a study into a folder in the form `to`; gives what to type to look at it.

    A model card is that of one `trial`, which ran at `place`; `units` say what a kWh emitted. Again
    into the same folder, it replaces what it wrote.
    """
    from energy_sweep.export.study_figures import study_figures  # which loads NumPy

    if to not in FORMATS:
        raise BadInput(f"--to {to}: type --to {'|'.join(FORMATS)}")
    module = importlib.import_module(f"{__name__}.{FORMATS[to]}")
    study = study_figures(priced, units)
    if to != CARD:
        return module.write(study, folder)
    chosen = next((one for one in study.trials if one.number == trial), None)
    if chosen is None:
        raise BadInput(f"--to {CARD} is of one trial: type --trial with its number")
    return module.write(study, folder, chosen, place)
