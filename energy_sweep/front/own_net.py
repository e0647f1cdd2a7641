"""The one net of a configuration that its files are made of, where several seeds were trained."""

from __future__ import annotations

from energy_sweep.front.merged import Configuration


def own_net_text(configuration: Configuration) -> str:
    """Says that an accuracy is a mean over seeds, and what the net to deploy has of its own.

    Empty where there is one net.
    """
    if len(configuration.by_seed) < 2:
        return ""
    trial, result = configuration.runs[0]
    own = (result.correct or 0) / result.n_validation
    return (
        f"its accuracy is the mean of {len(configuration.by_seed)} seeds: the net of trial"
        f" {trial.number}, which deploy takes, has {own:.3f}"
    )


def below_floor_text(configuration: Configuration, trial: int, floor: float | None) -> str:
    """Says that the net of a trial is below a least accuracy that the mean of its seeds keeps.

    It names the trial of another seed that keeps it by itself. Empty where the net keeps it.
    """
    by_trial = {
        run.number: (result.correct or 0) / result.n_validation
        for run, result in configuration.runs
    }
    if floor is None or by_trial[trial] >= floor:
        return ""
    best = max(by_trial, key=lambda number: by_trial[number])
    other = f": trial {best} of the same settings has {by_trial[best]:.3f} (deploy --trial {best})"
    return (
        f"the mean of {len(configuration.by_seed)} seeds keeps an accuracy of at least {floor:g},"
        f" and this net alone, with {by_trial[trial]:.3f}, does not"
        f"{other if by_trial[best] >= floor else ''}"
    )
