"""The commands that are printed: each is one line that a shell runs as it stands."""

from __future__ import annotations

import shlex

from energy_sweep.record import TrialRecord
from energy_sweep.text.terminal import one_line

PROGRAM = ("python", "-m", "energy_sweep")


def program(*words: str) -> str:
    """The program with these words, quoted for a shell."""
    return one_line(shlex.join([*PROGRAM, *words]))


def command(trial: TrialRecord) -> str:
    """The command that runs this trial again, alone; of a function of one's own, the call."""
    if trial.result is not None and "function" in trial.result.config:
        given = ", ".join(f"{name}={value!r}" for name, value in trial.params.items())
        return one_line(f"{_function_name(trial.result.config['function'])}({given})")
    return program(*(trial.overrides or [f"{k}={v}" for k, v in trial.params.items()]))


def _function_name(name: object) -> str:
    """The name of a function as Python has it; whatever else a file says is quoted."""
    text = str(name)
    is_name = all(part.isidentifier() for part in text.replace(".<locals>", "").split("."))
    return text if is_name else repr(text)
