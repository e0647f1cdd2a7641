"""The study: one JSON result per trial, claims that survive a kill, and one sweep at a time."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any

from filelock import FileLock
from optuna.storages import RDBStorage
from optuna.trial import TrialState, create_trial

from energy_sweep.recipe.dials import SEED, Dials
from energy_sweep.record import (
    JsonDict,
    MeterFacts,
    StageRecord,
    StudyRecord,
    TrialRecord,
    TrialResult,
    digest,
    from_json,
    to_json,
)
from energy_sweep.record.seal import seal
from energy_sweep.study import database
from energy_sweep.study.attributes import INFEASIBLE, Identity, identity, study_record
from energy_sweep.study.display import Display, shown
from energy_sweep.study.facts import sealed_fact
from energy_sweep.study.journal import CLAIM, FAILED, RESULT, STUDY, TOLD, Journal, of_trial
from energy_sweep.study.lease import Lease
from energy_sweep.study.merging import Merged
from energy_sweep.study.space import Space

KEPT = ("params", "overrides", "result", "error", "dials")


class Study:
    """A study that this process alone may change until it is closed; use it in a `with` block."""

    def __init__(
        self,
        *,
        storage: RDBStorage,
        lock: FileLock,
        space: Space,
        display: Display,
        journal: Journal,
        facts: JsonDict,
        known: Merged,
        repairs: tuple[str, ...] = (),
    ) -> None:
        found = database.current(storage)
        if found is None:
            raise ValueError("the study was not created")
        self._study_id = found[0]
        self.repairs = repairs
        self._storage = storage
        self._lock = lock
        self._space = space
        self._display = display
        self._journal = journal
        self._facts = dict(facts)
        self._lease = Lease(storage)
        # Nobody else writes while the lock is held, so what was read once stays true.
        self._count = storage.get_n_trials(self._study_id)
        self._ids: dict[int, int] = {}
        self._trials = {number: one.record for number, one in known.trials.items()}
        self._identities = {number: identity(one.claim) for number, one in known.trials.items()}

    @property
    def name(self) -> str:
        return self._facts["name"]

    @property
    def meter(self) -> MeterFacts:
        return from_json(MeterFacts, self._facts["meter"])

    @property
    def trials(self) -> tuple[TrialRecord, ...]:
        return tuple(self._trials[number] for number in sorted(self._trials))

    @property
    def next_number(self) -> int:
        """The number that the next claim gives."""
        return self._count

    def keep_data(self, data: JsonDict) -> bool:
        """Store what the data set is; True where that was stored already."""
        if self._facts.get("data") == data:
            return True
        self._storage.set_study_user_attr(self._study_id, "data", sealed_fact(data))
        self._facts["data"] = data
        self._journal.append(STUDY, seal(self._facts), durable=True)
        return False

    def trial(self, number: int) -> TrialRecord:
        return self._trials[number]

    def identity(self, number: int) -> Identity:
        """Configuration key and seed of a trial, known from its claim on."""
        return self._identities[number]

    def claim(
        self,
        *,
        params: JsonDict,
        overrides: Sequence[str],
        config: JsonDict,
        seed: int = 0,
        dials: JsonDict | None = None,
    ) -> int:
        """Start a trial and give its number; everything known of it is stored in one write.

        `dials` are all that it is set to, by the names that are typed: without them, the names of
        the configuration.
        """
        dials, key = config if dials is None else dials, digest(config)
        known = Dials(params=params, resolved={SEED: seed, **dials}, config=config)
        values, distributions = shown(known, self._display)
        # One attribute for all that does not change: each one costs several queries.
        claim = {"params": params, "overrides": list(overrides), "config_key": key, "seed": seed}
        number, self._count = self._count, self._count + 1
        claim = of_trial(number, claim | {"dials": dials})
        trial = create_trial(
            state=TrialState.RUNNING,
            params=values,
            distributions=distributions,
            user_attrs={"claim": claim, "lease": [self._lease.worker, 0]},
        )
        trial_id = self._storage.create_new_trial(self._study_id, trial)
        self._journal.append(CLAIM, claim)
        self._ids[number] = trial_id
        self._trials[number] = TrialRecord(
            number=number,
            state="running",
            params=params,
            overrides=tuple(overrides),
            dials=dials,
        )
        self._identities[number] = (key, seed)
        self._lease.hold(trial_id)
        return number

    def left_running(self) -> tuple[TrialRecord, ...]:
        """Trials that a killed sweep left running, to be finished under their own numbers.

        One that has its result already was killed just before it was told: it is only told.
        """
        return tuple(trial for trial in self.trials if trial.state == "running")

    def hold(self, number: int) -> None:
        """Take the lease of an adopted trial."""
        trial_id = self._id(number)
        self._storage.set_trial_user_attr(trial_id, "lease", [self._lease.worker, 0])
        self._lease.hold(trial_id)

    def finish(self, number: int, result: TrialResult, joules: float | None) -> None:
        """Store the result, the truth, and tell Optuna its accuracy and joules, a display copy.

        An infeasible result has no joules of the objective; any other needs finite ones.
        """
        trial_id = self._id(number)
        if self._trials[number].result is None:
            document = of_trial(number, to_json(result))
            self._storage.set_trial_user_attr(trial_id, "result", document)
            self._journal.append(RESULT, document, durable=True)
        self._lease.release()
        if result.infeasible is not None:
            self._mark_infeasible(trial_id)
            self._storage.set_trial_state_values(trial_id, TrialState.PRUNED)
        elif result.accuracy is None or joules is None or not math.isfinite(joules):
            raise ValueError(f"trial {number} needs an accuracy and joules, or a reason for none")
        else:
            values = (result.accuracy, joules)
            self._storage.set_trial_state_values(trial_id, TrialState.COMPLETE, values)
        self._journal.append(TOLD, of_trial(number, {"joules": joules}))
        state = "measured" if result.infeasible is None else "infeasible"
        self._change(number, state=state, result=result)

    def fail(self, number: int, error: str) -> None:
        """Give a trial up for a reason that is not its own; a later sweep may try it again."""
        trial_id = self._id(number)
        self._lease.release()
        self._storage.set_trial_user_attr(trial_id, "error", error)
        self._storage.set_trial_state_values(trial_id, TrialState.FAIL)
        self._journal.append(FAILED, of_trial(number, {"error": error}), durable=True)
        self._change(number, state="failed", result=None, error=error)

    def record(self, stages: Mapping[str, StageRecord]) -> StudyRecord:
        """Everything known of the study, as frozen values."""
        return study_record(self._facts, self.trials, stages)

    def close(self) -> None:
        """Let another sweep have the study."""
        self._lease.close()
        # What no axis of this sweep said of its trials, a stored one may: it is known by now.
        database.mend(self._storage, self._space)
        database.disconnect(self._storage)
        self._journal.close()
        self._lock.release()

    def __enter__(self) -> Study:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _id(self, number: int) -> int:
        if number not in self._ids:
            lookup = self._storage.get_trial_id_from_study_id_trial_number
            self._ids[number] = lookup(self._study_id, number)
        return self._ids[number]

    def _mark_infeasible(self, trial_id: int) -> None:
        for key, value in INFEASIBLE.items():
            self._storage.set_trial_system_attr(trial_id, key, value)

    def _change(self, number: int, **changes: Any) -> None:
        known = self._trials[number]
        kept = {name: getattr(known, name) for name in KEPT}
        self._trials[number] = TrialRecord(number=number, **(kept | changes))
