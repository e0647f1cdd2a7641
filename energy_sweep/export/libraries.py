"""Libraries that only an export needs: found where they are installed, kept from the network."""

from __future__ import annotations

import importlib
import importlib.util
import os
from types import ModuleType

from energy_sweep.record import BadInput

# They would tell their makers of their use, ask for newer versions, or upload what they are given.
QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_DISABLE_AUTO_LOGGING": "true",
    "DO_NOT_TRACK": "1",
    "WANDB_MODE": "offline",
    "WANDB_SILENT": "true",
    "WANDB_ERROR_REPORTING": "false",
    "WANDB_DISABLE_GIT": "true",
    "HF_HUB_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
}


def check_installed(module: str, package: str, extra: str) -> None:
    """BadInput with what to install where there is no such library; nothing is imported."""
    if importlib.util.find_spec(module) is None:
        raise _missing(package, extra)


def _missing(package: str, extra: str, why: str = "") -> BadInput:
    return BadInput(
        f"{package} is not installed here{why}: type pip install {package}, or install"
        f" energy-sweep with its extra {extra}"
    )


def import_library(module: str, package: str, extra: str) -> ModuleType:
    """A module of a library; BadInput with what to install where there is none."""
    os.environ.update(QUIET)
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise _missing(package, extra, f" ({error})") from error
