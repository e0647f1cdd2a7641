"""A study on disk: trials, their claims, and Optuna, which nothing else imports."""

from energy_sweep.study.attributes import Identity
from energy_sweep.study.base import Study
from energy_sweep.study.dashboard import annotate, at_hand, serve
from energy_sweep.study.opening import load_study, open_study
from energy_sweep.study.suggest import SAMPLERS, Answer, check_settings, suggest

__all__ = [
    "SAMPLERS",
    "Answer",
    "Identity",
    "Study",
    "annotate",
    "at_hand",
    "check_settings",
    "load_study",
    "open_study",
    "serve",
    "suggest",
]
