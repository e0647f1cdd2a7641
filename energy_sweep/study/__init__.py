"""A study on disk: trials, their claims, and Optuna, which nothing else imports.

What is named here is looked up on first use: who only needs an axis or a path loads no Optuna.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from energy_sweep.study.attributes import Identity as Identity
    from energy_sweep.study.base import Study as Study
    from energy_sweep.study.dashboard import StudyFolder as StudyFolder
    from energy_sweep.study.dashboard import annotate as annotate
    from energy_sweep.study.dashboard import at_hand as at_hand
    from energy_sweep.study.dashboard import serve as serve
    from energy_sweep.study.loading import load_study as load_study
    from energy_sweep.study.opening import open_study as open_study
    from energy_sweep.study.sampler_names import SAMPLERS as SAMPLERS
    from energy_sweep.study.samplers import check_settings as check_settings
    from energy_sweep.study.samplers import check_space as check_space
    from energy_sweep.study.suggest import Answer as Answer

_HOMES = {
    "Identity": "attributes",
    "Study": "base",
    "StudyFolder": "dashboard",
    "annotate": "dashboard",
    "at_hand": "dashboard",
    "serve": "dashboard",
    "load_study": "loading",
    "open_study": "opening",
    "SAMPLERS": "sampler_names",
    "check_settings": "samplers",
    "check_space": "samplers",
    "Answer": "suggest",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
