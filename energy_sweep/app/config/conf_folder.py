"""Where the configuration groups are."""

from __future__ import annotations

from pathlib import Path

from energy_sweep.record import EnergySweepError


def conf_folder() -> Path:
    """The folder of the configuration groups: inside the installed package, or beside it."""
    package = Path(__file__).resolve().parents[2]
    for folder in (package / "conf", package.parent / "conf"):
        if (folder / "config.yaml").is_file():
            return folder
    raise EnergySweepError(f"no conf folder in {package} or beside it: install energy-sweep again")
