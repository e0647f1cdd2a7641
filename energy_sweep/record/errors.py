"""What this package raises on purpose, each with the exit code of the command line."""

from __future__ import annotations


class EnergySweepError(Exception):
    """Everything this package raises on purpose; `exit_code` is what the command line returns."""

    exit_code = 1


class BadInput(EnergySweepError):
    """What the user typed cannot be run; the message says what to type instead."""

    exit_code = 2


class NothingFits(EnergySweepError):
    """No configuration satisfies the constraints; the message names the nearest one."""

    exit_code = 3


class Infeasible(EnergySweepError):
    """A trial that cannot be finished for a reason of its own (a diverged loss, a memory cap)."""
