"""The one writer of an open study: each fact goes to the database, and then to the journal."""

from __future__ import annotations

import math
from collections.abc import Mapping

from optuna.storages import RDBStorage
from optuna.trial import TrialState, create_trial

from energy_sweep.recipe.dials import Dials
from energy_sweep.record import JsonDict, TrialResult, to_json
from energy_sweep.record.seal import seal
from energy_sweep.study import database
from energy_sweep.study.attributes import INFEASIBLE, told_constraints
from energy_sweep.study.display import Display, shown
from energy_sweep.study.facts import sealed_fact
from energy_sweep.study.journal import CLAIM, FAILED, RESULT, STUDY, TOLD, Journal, of_trial
from energy_sweep.study.lease import Lease
from energy_sweep.study.space import Space


class StudyWriter:
    """Writes what becomes known of a study, and keeps the lease of the trial that runs.

    Optuna `is_untold` of constraints where its file was made anew.
    """

    def __init__(
        self,
        storage: RDBStorage,
        journal: Journal,
        *,
        space: Space,
        display: Display,
        is_untold: bool = False,
    ) -> None:
        found = database.current(storage)
        if found is None:
            raise ValueError("the study was not created")
        self.is_untold = is_untold
        self._study_id = found[0]
        self._storage = storage
        self._journal = journal
        self._space = space
        self._display = display
        self._lease = Lease(storage)
        # Nobody else writes while the lock is held, so what was read once stays true.
        self._count = storage.get_n_trials(self._study_id)
        self._ids: dict[int, int] = {}

    @property
    def next_number(self) -> int:
        """The number that the next claim gives."""
        return self._count

    def fact(self, name: str, facts: JsonDict) -> None:
        """Write one of the study's facts, of all of them."""
        self._storage.set_study_user_attr(self._study_id, name, sealed_fact(facts[name]))
        self._journal.append(STUDY, seal(facts), durable=True)

    def tell_constraints(self, violations: Mapping[int, Mapping[str, float]]) -> None:
        """Show all trials under other constraints, by their numbers, in a new Optuna study."""
        self._study_id = database.retell(self._storage, self._display, violations)
        self._ids.clear()

    def claim(self, claim: JsonDict, dials: Dials) -> int:
        """Start a trial, hold it and give its number; Optuna shows its dials."""
        values, distributions = shown(dials, self._display)
        number, self._count = self._count, self._count + 1
        # One attribute for all that does not change: each one costs several queries.
        claim = of_trial(number, claim)
        trial = create_trial(
            state=TrialState.RUNNING,
            params=values,
            distributions=distributions,
            user_attrs={"claim": claim, "lease": [self._lease.worker, 0]},
        )
        trial_id = self._storage.create_new_trial(self._study_id, trial)
        self._journal.append(CLAIM, claim)
        self._ids[number] = trial_id
        self._lease.hold(trial_id)
        return number

    def hold(self, number: int) -> None:
        """Take the lease of a trial that a killed sweep left."""
        trial_id = self._id(number)
        self._storage.set_trial_user_attr(trial_id, "lease", [self._lease.worker, 0])
        self._lease.hold(trial_id)

    def result(self, number: int, result: TrialResult) -> None:
        """Write the result of a trial, the truth."""
        document = of_trial(number, to_json(result))
        self._storage.set_trial_user_attr(self._id(number), "result", document)
        self._journal.append(RESULT, document, durable=True)

    def tell(
        self,
        number: int,
        result: TrialResult,
        joules: float | None,
        violations: Mapping[str, float],
    ) -> None:
        """End a trial that has its result, and show its accuracy and joules in Optuna."""
        trial_id = self._id(number)
        self._lease.release()
        if result.infeasible is not None:
            self._constrain(trial_id, INFEASIBLE)
            self._storage.set_trial_state_values(trial_id, TrialState.PRUNED)
        elif result.accuracy is None or joules is None or not math.isfinite(joules):
            raise ValueError(f"trial {number} needs an accuracy and joules, or a reason for none")
        else:
            values = (result.accuracy, joules)
            self._constrain(trial_id, told_constraints(violations))
            self._storage.set_trial_state_values(trial_id, TrialState.COMPLETE, values)
        self._journal.append(TOLD, of_trial(number, {"joules": joules}))

    def _constrain(self, trial_id: int, told: JsonDict) -> None:
        for key, value in told.items():
            self._storage.set_trial_system_attr(trial_id, key, value)

    def fail(self, number: int, error: str) -> None:
        """End a trial that has failed."""
        trial_id = self._id(number)
        self._lease.release()
        self._storage.set_trial_user_attr(trial_id, "error", error)
        self._storage.set_trial_state_values(trial_id, TrialState.FAIL)
        self._journal.append(FAILED, of_trial(number, {"error": error}), durable=True)

    def close(self) -> None:
        """Write no more."""
        self._lease.close()
        # What no axis of this sweep said of its trials, a stored one may: it is known by now.
        database.mend(self._storage, self._space)
        database.disconnect(self._storage)
        self._journal.close()

    def _id(self, number: int) -> int:
        if number not in self._ids:
            lookup = self._storage.get_trial_id_from_study_id_trial_number
            self._ids[number] = lookup(self._study_id, number)
        return self._ids[number]
