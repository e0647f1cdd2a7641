"""The study: one JSON result per trial, claims that survive a kill, and one sweep at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any

from filelock import FileLock

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
)
from energy_sweep.study.attributes import Identity, identity, study_record
from energy_sweep.study.merging import Merged
from energy_sweep.study.writer import StudyWriter

KEPT = ("params", "overrides", "result", "error", "dials")


class Study:
    """A study that this process alone may change until it is closed; use it in a `with` block."""

    def __init__(
        self,
        *,
        writer: StudyWriter,
        lock: FileLock,
        facts: JsonDict,
        known: Merged,
        repairs: tuple[str, ...] = (),
    ) -> None:
        self.repairs = repairs
        self._writer = writer
        self._lock = lock
        self._facts: JsonDict = dict(facts)
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
        return self._writer.next_number

    def keep_data(self, data: JsonDict) -> bool:
        """Store what the data set is; True where that was stored already."""
        if self._facts.get("data") == data:
            return True
        self._facts = self._facts | {"data": data}
        self._writer.fact("data", self._facts)
        return False

    @property
    def constraints(self) -> JsonDict:
        """The limits of its last search, by name."""
        return self._facts.get("constraints", {})

    def keep_constraints(
        self, constraints: JsonDict, violations: Mapping[int, Mapping[str, float]]
    ) -> None:
        """Store other limits, and show in Optuna how far each trial is outside of them."""
        if self.constraints != constraints or (constraints and self._writer.is_untold):
            self._writer.tell_constraints(violations)
            self._facts = self._facts | {"constraints": constraints}
            self._writer.fact("constraints", self._facts)

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
        claim = {"params": params, "overrides": list(overrides), "config_key": key, "seed": seed}
        resolved = Dials(params=params, resolved={SEED: seed, **dials}, config=config)
        number = self._writer.claim(claim | {"dials": dials}, resolved)
        self._trials[number] = TrialRecord(
            number=number,
            state="running",
            params=params,
            overrides=tuple(overrides),
            dials=dials,
        )
        self._identities[number] = (key, seed)
        return number

    def left_running(self) -> tuple[TrialRecord, ...]:
        """Trials that a killed sweep left running, to be finished under their own numbers.

        One that has its result already was killed just before it was told: it is only told.
        """
        return tuple(trial for trial in self.trials if trial.state == "running")

    def hold(self, number: int) -> None:
        """Take the lease of an adopted trial."""
        self._writer.hold(number)

    def finish(
        self,
        number: int,
        result: TrialResult,
        joules: float | None,
        violations: Mapping[str, float] | None = None,
    ) -> None:
        """Store the result, the truth, and tell Optuna its accuracy and joules, a display copy.

        An infeasible result has no joules; any other needs finite ones. `violations` are told too.
        """
        if self._trials[number].result is None:
            self._writer.result(number, result)
        self._writer.tell(number, result, joules, violations or {})
        state = "measured" if result.infeasible is None else "infeasible"
        self._change(number, state=state, result=result)

    def fail(self, number: int, error: str) -> None:
        """Give a trial up for a reason that is not its own; a later sweep may try it again."""
        self._writer.fail(number, error)
        self._change(number, state="failed", result=None, error=error)

    def record(self, stages: Mapping[str, StageRecord]) -> StudyRecord:
        """Everything known of the study, as frozen values."""
        return study_record(self._facts, self.trials, stages)

    def close(self) -> None:
        """Let another sweep have the study."""
        self._writer.close()
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

    def _change(self, number: int, **changes: Any) -> None:
        known = self._trials[number]
        kept = {name: getattr(known, name) for name in KEPT}
        self._trials[number] = TrialRecord(number=number, **(kept | changes))
