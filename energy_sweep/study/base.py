"""The study: one JSON result per trial, written in turn by the workers that joined it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

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
from energy_sweep.study.attributes import Identity, study_record
from energy_sweep.study.sharing import SharedStudy, TrialTaken


class Study(SharedStudy):
    """A study and its trials; what is written is written in turn with the other workers."""

    @property
    def name(self) -> str:
        return self._book.facts["name"]

    @property
    def meter(self) -> MeterFacts:
        return from_json(MeterFacts, self._book.facts["meter"])

    @property
    def trials(self) -> tuple[TrialRecord, ...]:
        return self._book.in_order()

    @property
    def next_number(self) -> int:
        """The number that the next claim gives."""
        return self._writer.count

    def keep_data(self, data: JsonDict) -> bool:
        """Store what the data set is; True where that was stored already."""
        return self._transact(lambda: self._keep_fact("data", data))

    @property
    def constraints(self) -> JsonDict:
        """The limits of its last search, by name."""
        return self._book.facts.get("constraints", {})

    def keep_constraints(
        self, constraints: JsonDict, violations: Mapping[int, Mapping[str, float]]
    ) -> None:
        """Store other limits, and show in Optuna how far each trial is outside of them."""

        def work() -> None:
            if self.constraints != constraints or (constraints and self._writer.is_untold):
                self._writer.tell_constraints(violations)
                self._writer.is_untold = False
                self._keep_fact("constraints", constraints)

        self._transact(work)

    def trial(self, number: int) -> TrialRecord:
        return self._book.trials[number]

    def identity(self, number: int) -> Identity:
        """Configuration key and seed of a trial, known from its claim on."""
        return self._book.identities[number]

    def claim(
        self,
        *,
        params: JsonDict,
        overrides: Sequence[str],
        config: JsonDict,
        seed: int = 0,
        dials: JsonDict | None = None,
        allowed: Callable[[], bool] = lambda: True,
    ) -> int:
        """Start a trial and give its number; everything known of it is stored in one write.

        `dials` are all that it is set to, by the names that are typed: without them, the names of
        the configuration. TrialTaken where it is not `allowed`, by all that is known in the turn.
        """
        dials, key = config if dials is None else dials, digest(config)
        claim = {"params": params, "overrides": list(overrides), "config_key": key, "seed": seed}
        resolved = Dials(params=params, resolved={SEED: seed, **dials}, config=config)

        def work() -> int:
            self._book.take_in(self._writer.note_lost())
            if not allowed():
                raise TrialTaken("another worker runs that configuration, or has run it")
            number = self._writer.claim(claim | {"dials": dials}, resolved)
            self._book.begin(number, claim | {"dials": dials})
            self._book.holders[number] = self._writer.me
            return number

        return self._transact(work)

    def running(self) -> tuple[TrialRecord, ...]:
        """Trials that nobody has ended."""
        return self._book.in_order(self._book.running) if self._book.running else ()

    def left_running(self) -> tuple[TrialRecord, ...]:
        """Trials whose worker is gone, to be finished under their own numbers.

        One that has its result already was lost just before it was told: it is only told.
        """
        held = {one.number: self._book.holders.get(one.number) for one in self.running()}
        if not set(held.values()) - {self._writer.me}:
            return ()
        living = {self._writer.me, *self.others()}
        return tuple(self.trial(number) for number, worker in held.items() if worker not in living)

    def hold(self, number: int) -> None:
        """Take over a trial whose worker is gone."""

        def work() -> None:
            self._check_free(number)
            self._writer.hold(number)
            self._book.holders[number] = self._writer.me

        self._transact(work)

    def finish(
        self,
        number: int,
        result: TrialResult,
        joules: float | None,
        violations: Mapping[str, float] | None = None,
    ) -> None:
        """Store the result, the truth, and tell Optuna its accuracy and joules, a display copy.

        An infeasible result has no joules; any other needs finite ones. `violations` are told too.
        TrialTaken where another worker took the trial over meanwhile.
        """

        def work() -> None:
            self._check_free(number)
            if self.trial(number).result is None:
                self._writer.result(number, result)
                self._book.put_result(number, result)
            self._writer.tell(number, result, joules, violations or {})
            self._book.end(number)

        self._transact(work)

    def fail(self, number: int, error: str) -> None:
        """Give a trial up for a reason that is not its own; a later sweep may try it again."""

        def work() -> None:
            self._check_free(number)
            self._writer.fail(number, error)
            self._book.end(number, error=error)

        self._transact(work)

    def record(self, stages: Mapping[str, StageRecord]) -> StudyRecord:
        """Everything known of the study, as frozen values."""
        return study_record(self._book.facts, self.trials, stages)
