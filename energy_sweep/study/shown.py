"""Studies as the dashboard shows them: several files as one storage, trials with what they mean.

Optuna keeps what it was told of a trial at its end, which is not all that is known by now: joules
are pooled anew, seeds are merged, and its *Best Trials* know no constraints. So the dashboard looks
at the stored trials through this, which changes nothing that is stored.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from optuna.storages import BaseStorage
from optuna.study import StudyDirection
from optuna.study._frozen import FrozenStudy
from optuna.trial import FrozenTrial, TrialState

from energy_sweep.study.attributes import ours
from energy_sweep.study.reading import GENERATION

FIGURE = "dashboard:plot_data:"  # with its title and the number of a part
NOTE_OF_A_TRIAL = "dashboard"  # its key is dashboard:TRIAL ID:..., in the attributes of its study


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownTrial:
    """What is shown of a trial in place of what is stored.

    `values` are accuracy and joules as they are known today, None where it is out of the running
    (`lines` say why); `steps` is a value by epoch; `lines` stand for its attributes.
    """

    values: tuple[float, float] | None
    steps: Mapping[int, float] = field(default_factory=dict[int, float])
    lines: Mapping[str, str | float] = field(default_factory=dict[str, "str | float"])


Shown = Mapping[int, ShownTrial]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedStudy:
    """One database, how its study is called, and what is shown of it and of its trials."""

    storage: BaseStorage
    name: str
    facts: Mapping[str, str]
    trials: Shown
    figures: Mapping[str, str] = field(default_factory=dict[str, str])  # Plotly's JSON by title


def shown_id(local: int, index: int, count: int) -> int:
    """The id of a study or trial of one of several storages, among all of them."""
    return local * count + index


class ShownStudies(BaseStorage):
    """All studies of several storages; ids of the k-th of N storages are id * N + k."""

    def __init__(self, served: Sequence[ServedStudy]) -> None:
        self._served = tuple(served)

    def _at(self, number: int) -> tuple[ServedStudy, int]:
        local, index = divmod(number, len(self._served))
        return self._served[index], local

    def _id(self, one: ServedStudy, local: int) -> int:
        return shown_id(local, self._served.index(one), len(self._served))

    def _trial(self, one: ServedStudy, trial: FrozenTrial) -> FrozenTrial:
        shown = as_shown(trial, one.trials.get(trial.number))
        shown._trial_id = self._id(one, trial._trial_id)
        return shown

    def _renamed(self, one: ServedStudy, key: str, to: Callable[[int], int]) -> str:
        """The key of an attribute of a study that holds the id of a trial."""
        head, *tail = key.split(":")
        if head == NOTE_OF_A_TRIAL and tail and tail[0].isdecimal():
            tail[0] = str(to(int(tail[0])))
        return ":".join([head, *tail])

    # What is read

    def get_all_studies(self) -> list[FrozenStudy]:
        found = list[FrozenStudy]()
        for one in self._served:
            for study in one.storage.get_all_studies():
                shown = copy.copy(study)
                shown._study_id = self._id(one, study._study_id)
                if GENERATION in study.user_attrs:
                    shown.study_name = one.name
                shown.user_attrs = facts_of(one, study.user_attrs)
                is_ours = GENERATION in study.user_attrs
                shown.system_attrs = self._told(one, study.system_attrs, is_ours)
                found.append(shown)
        return found

    def _told(
        self, one: ServedStudy, attributes: Mapping[str, Any], is_ours: bool
    ) -> dict[str, Any]:
        drawn = {f"{FIGURE}{title}:0": plain for title, plain in one.figures.items() if is_ours}
        told = {
            self._renamed(one, key, lambda local: self._id(one, local)): value
            for key, value in attributes.items()
        }
        return {**told, **drawn}

    def get_study_id_from_name(self, study_name: str) -> int:
        for study in self.get_all_studies():
            if study.study_name == study_name:
                return study._study_id
        raise KeyError(study_name)

    def get_study_name_from_id(self, study_id: int) -> str:
        for study in self.get_all_studies():
            if study._study_id == study_id:
                return study.study_name
        raise KeyError(study_id)

    def get_study_directions(self, study_id: int) -> list[StudyDirection]:
        one, local = self._at(study_id)
        return one.storage.get_study_directions(local)

    def get_study_user_attrs(self, study_id: int) -> dict[str, Any]:
        one, local = self._at(study_id)
        return facts_of(one, one.storage.get_study_user_attrs(local))

    def get_study_system_attrs(self, study_id: int) -> dict[str, Any]:
        one, local = self._at(study_id)
        is_ours = GENERATION in one.storage.get_study_user_attrs(local)
        return self._told(one, one.storage.get_study_system_attrs(local), is_ours)

    def get_trial(self, trial_id: int) -> FrozenTrial:
        one, local = self._at(trial_id)
        return self._trial(one, one.storage.get_trial(local))

    def get_all_trials(
        self,
        study_id: int,
        deepcopy: bool = True,
        states: Container[TrialState] | None = None,
    ) -> list[FrozenTrial]:
        one, local = self._at(study_id)
        stored = one.storage.get_all_trials(local, deepcopy=False)
        shown = [self._trial(one, trial) for trial in stored]
        return [trial for trial in shown if states is None or trial.state in states]

    # What is written, where that was asked for, goes to the stored study

    def create_new_study(
        self, directions: Sequence[StudyDirection], study_name: str | None = None
    ) -> int:
        one = self._served[0]
        return self._id(one, one.storage.create_new_study(directions, study_name))

    def delete_study(self, study_id: int) -> None:
        one, local = self._at(study_id)
        one.storage.delete_study(local)

    def set_study_user_attr(self, study_id: int, key: str, value: Any) -> None:
        one, local = self._at(study_id)
        one.storage.set_study_user_attr(local, key, value)

    def set_study_system_attr(self, study_id: int, key: str, value: Any) -> None:
        one, local = self._at(study_id)
        key = self._renamed(one, key, lambda shown: self._at(shown)[1])
        one.storage.set_study_system_attr(local, key, value)

    def create_new_trial(self, study_id: int, template_trial: FrozenTrial | None = None) -> int:
        one, local = self._at(study_id)
        return self._id(one, one.storage.create_new_trial(local, template_trial))

    def set_trial_param(
        self, trial_id: int, param_name: str, param_value_internal: float, distribution: Any
    ) -> None:
        one, local = self._at(trial_id)
        one.storage.set_trial_param(local, param_name, param_value_internal, distribution)

    def set_trial_state_values(
        self, trial_id: int, state: TrialState, values: Sequence[float] | None = None
    ) -> bool:
        one, local = self._at(trial_id)
        return one.storage.set_trial_state_values(local, state, values)

    def set_trial_intermediate_value(
        self, trial_id: int, step: int, intermediate_value: float
    ) -> None:
        one, local = self._at(trial_id)
        one.storage.set_trial_intermediate_value(local, step, intermediate_value)

    def set_trial_user_attr(self, trial_id: int, key: str, value: Any) -> None:
        one, local = self._at(trial_id)
        one.storage.set_trial_user_attr(local, key, value)

    def set_trial_system_attr(self, trial_id: int, key: str, value: Any) -> None:
        one, local = self._at(trial_id)
        one.storage.set_trial_system_attr(local, key, value)


def as_shown(trial: FrozenTrial, shown: ShownTrial | None) -> FrozenTrial:
    """A trial with what is known of it today; one that nothing is known of loses its raw facts."""
    made = copy.copy(trial)
    if shown is None:
        if ours([trial]):
            made.user_attrs = {}
        return made
    if trial.state is TrialState.COMPLETE and shown.values is None:
        made.state, made.values = TrialState.PRUNED, None
    elif trial.state is TrialState.COMPLETE:
        made.values = list(shown.values or ())
    made.intermediate_values = {**trial.intermediate_values, **shown.steps}
    made.user_attrs = dict(shown.lines)
    return made


def facts_of(one: ServedStudy, attributes: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes of a study of ours in lines that a person reads; of others, as they are."""
    return dict(one.facts if GENERATION in attributes else attributes)
