"""The commands that are printed: each is one line that a shell runs as it stands."""

from __future__ import annotations

import shlex

from energy_sweep.record import TrialRecord

PROGRAM = ("python", "-m", "energy_sweep")


def program(*words: str) -> str:
    """The program with these words, quoted for a shell."""
    return shlex.join([*PROGRAM, *words])


def command(trial: TrialRecord) -> str:
    """The command that runs this trial again, alone."""
    return program(*(trial.overrides or [f"{k}={v}" for k, v in trial.params.items()]))
