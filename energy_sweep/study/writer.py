"""The writer of an open study: in turn with others, each fact goes to the database, and then to
the journal."""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import AbstractContextManager, suppress

from optuna.exceptions import UpdateFinishedTrialError
from optuna.storages import RDBStorage
from optuna.trial import TrialState, create_trial

from energy_sweep.recipe.dials import Dials
from energy_sweep.record import JsonDict, TrialResult, to_json
from energy_sweep.record.seal import seal
from energy_sweep.study import database
from energy_sweep.study.attributes import INFEASIBLE, told_constraints
from energy_sweep.study.display import Display, shown
from energy_sweep.study.facts import sealed_fact
from energy_sweep.study.journal import (
    CLAIM,
    FAILED,
    HELD,
    RESULT,
    STUDY,
    TOLD,
    Journal,
    JournalLine,
    Lines,
    of_trial,
)
from energy_sweep.study.space import Space
from energy_sweep.study.trial_book import NOBODY
from energy_sweep.study.trial_numbers import count_of, number_of

LEASE = "lease"  # of a trial: the worker that holds it, for who looks into the database


class StudyWriter:
    """Writes what becomes known of a study, as the worker `me`; only in a turn.

    Optuna `is_untold` of constraints where its file was made anew.
    """

    def __init__(
        self,
        storage: RDBStorage,
        journal: Journal,
        *,
        space: Space,
        display: Display,
        me: str,
        is_untold: bool = False,
    ) -> None:
        self.is_untold = is_untold
        self.me = me
        self._storage = storage
        self._journal = journal
        self._space = space
        self._display = display
        self._ids: dict[int, int] = {}
        self._study_id = 0
        self.find()
        self.count = count_of(storage, self._study_id)  # of all numbers that are taken

    def find(self) -> None:
        """Find the Optuna study that counts, which others may have made anew."""
        found = database.current(self._storage)
        if found is None:
            raise ValueError("the study was not created")
        self._study_id = found[0]
        self._ids.clear()

    def news(self, *, in_turn: bool) -> Lines:
        """What others wrote since this was asked last."""
        return self._journal.news(in_turn=in_turn)

    def fact(self, name: str, facts: JsonDict) -> None:
        """Write one of the study's facts, of all of them."""
        self._storage.set_study_user_attr(self._study_id, name, sealed_fact(facts[name]))
        self._journal.append((STUDY, seal(facts)), durable=True)

    def tell_constraints(self, violations: Mapping[int, Mapping[str, float]]) -> None:
        """Show all trials under other constraints, by their numbers, in a new Optuna study."""
        self._study_id = database.retell(self._storage, self._display, violations)
        self._ids.clear()

    def claim(self, claim: JsonDict, dials: Dials) -> int:
        """Start a trial, hold it and give its number; Optuna shows its dials."""
        values, distributions = shown(dials, self._display)
        # One attribute for all that does not change: each one costs several queries.
        trial = create_trial(
            state=TrialState.RUNNING,
            params=values,
            distributions=distributions,
            user_attrs={CLAIM: of_trial(self.count, claim), LEASE: self.me},
        )
        trial_id = self._storage.create_new_trial(self._study_id, trial)
        number = number_of(self._storage, trial_id)
        if number != self.count:  # others, that are none of ours, put trials into the file
            self._storage.set_trial_user_attr(trial_id, CLAIM, of_trial(number, claim))
        self._journal.append((CLAIM, of_trial(number, claim)), self._held(number, self.me))
        self._ids[number], self.count = trial_id, number + 1
        return number

    def note_lost(self) -> Lines:
        """Note the trials that the database holds and the journal does not, and give these lines.

        Whoever began them died in between, or lost the answer with the database: nobody has them.
        """
        documents = list[tuple[str, JsonDict]]()
        for number in range(self.count, count_of(self._storage, self._study_id)):
            claim = self._storage.get_trial_user_attrs(self._id(number)).get(CLAIM)
            if isinstance(claim, dict):  # else it is none of ours
                documents += [(CLAIM, claim), self._held(number, NOBODY)]
            self.count = number + 1
        if documents:
            self._journal.append(*documents)
        return Lines(tuple(JournalLine(kind, "", document) for kind, document in documents))

    def hold(self, number: int) -> None:
        """Take over a trial."""
        self._storage.set_trial_user_attr(self._id(number), LEASE, self.me)
        self._journal.append(self._held(number, self.me))

    def let_go(self, number: int) -> None:
        """Leave a trial that runs to who comes next."""
        self._journal.append(self._held(number, NOBODY))

    def _held(self, number: int, worker: str) -> tuple[str, JsonDict]:
        return HELD, of_trial(number, {"worker": worker})

    def result(self, number: int, result: TrialResult) -> None:
        """Write the result of a trial, the truth."""
        document = of_trial(number, to_json(result))
        with _unless_told():
            self._storage.set_trial_user_attr(self._id(number), RESULT, document)
        self._journal.append((RESULT, document), durable=True)

    def tell(
        self,
        number: int,
        result: TrialResult,
        joules: float | None,
        violations: Mapping[str, float],
    ) -> None:
        """End a trial that has its result, and show its accuracy and joules in Optuna."""
        if result.infeasible is None and not _can_be_told(result, joules):
            raise ValueError(f"trial {number} needs an accuracy and joules, or a reason for none")
        trial_id = self._id(number)
        with _unless_told():
            if result.infeasible is not None:
                self._constrain(trial_id, INFEASIBLE)
                self._storage.set_trial_state_values(trial_id, TrialState.PRUNED)
            elif result.accuracy is not None and joules is not None:
                values = (result.accuracy, joules)
                self._constrain(trial_id, told_constraints(violations))
                self._storage.set_trial_state_values(trial_id, TrialState.COMPLETE, values)
        self._journal.append((TOLD, of_trial(number, {"joules": joules})))

    def _constrain(self, trial_id: int, told: JsonDict) -> None:
        for key, value in told.items():
            self._storage.set_trial_system_attr(trial_id, key, value)

    def fail(self, number: int, error: str) -> None:
        """End a trial that has failed."""
        trial_id = self._id(number)
        with _unless_told():
            self._storage.set_trial_user_attr(trial_id, "error", error)
            self._storage.set_trial_state_values(trial_id, TrialState.FAIL)
        self._journal.append((FAILED, of_trial(number, {"error": error})), durable=True)

    def show_all(self) -> None:
        """Let Optuna show what no axis of this sweep said of its trials, and a stored one may."""
        database.mend(self._storage, self._space)

    def close(self) -> None:
        """Write no more."""
        database.disconnect(self._storage)
        self._journal.close()

    def _id(self, number: int) -> int:
        if number not in self._ids:
            lookup = self._storage.get_trial_id_from_study_id_trial_number
            self._ids[number] = lookup(self._study_id, number)
        return self._ids[number]


def _can_be_told(result: TrialResult, joules: float | None) -> bool:
    return result.accuracy is not None and joules is not None and math.isfinite(joules)


def _unless_told() -> AbstractContextManager[object]:
    """Write to Optuna what it was not told yet: who died in between may have done that."""
    return suppress(UpdateFinishedTrialError)
