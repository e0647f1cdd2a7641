"""What another study says before a sweep begins."""

from __future__ import annotations

from pathlib import Path

from energy_sweep.app.stored_study import find_study
from energy_sweep.record import BadInput, JsonDict, Objective
from energy_sweep.search.prior_knowledge import (
    LEARN,
    compares,
    learned_answers,
    start_points,
    without_joules,
)
from energy_sweep.study import Answer, check_space
from energy_sweep.study.space import Space
from energy_sweep.study.stored import load_study
from energy_sweep.text.terminal import escape


def check_asked(settings: JsonDict, space: Space) -> None:
    """Raise BadInput for a sampler or a point to begin with that the space has no room for."""
    check_space(settings["sampler"], space)
    start_points(settings["start"], space)


def learn_from(
    name: str | None, outputs: Path, space: Space, objective: Objective, facts: JsonDict
) -> list[Answer]:
    """What the study `name` says of a space, with its joules where these compare; it is said how
    much that is. `facts` are those by which a study is opened.

    BadInput where there is none, where it swept other axes, or where it is the study itself.
    """
    if name is None:
        return []
    if name == facts["name"]:
        raise BadInput(f"{LEARN}={name} is this study, which knows that: type that of another one")
    record = load_study(find_study(name, outputs))
    answers = learned_answers(record, space, objective)
    told = f"learns from {len(answers)} configurations of {record.name}"
    here = {key: facts[key] for key in ("meter", "machine", "identity")}
    if compares(record, **here):
        print(escape(told), flush=True)
        return answers
    why = "joules are of another meter, machine, data set or split"
    print(escape(f"{told}, their accuracies alone: its {why}"), flush=True)
    return without_joules(answers)
