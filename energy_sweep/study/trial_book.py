"""What this process knows of the trials of a study: what was there, and then line by line."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace

from energy_sweep.record import JsonDict, TrialRecord, TrialResult, from_json
from energy_sweep.record.seal import Damaged, unseal
from energy_sweep.study.attributes import claimed_record, identity
from energy_sweep.study.copies import journalled
from energy_sweep.study.journal import CLAIM, FAILED, HELD, OF_TRIAL, RESULT, STUDY, TOLD, Lines
from energy_sweep.study.merging import Merged

NOBODY = ""  # holds a trial that its worker let go of


class TrialBook:
    """The facts of a study and its trials by number, as its journal tells of them.

    `running` are those that nobody has ended; `holders` began each, or took it over last.
    """

    def __init__(self, facts: JsonDict, known: Merged, lines: Lines) -> None:
        self.facts = dict(facts)
        self.trials = {number: one.record for number, one in known.trials.items()}
        self.identities = {number: identity(one.claim) for number, one in known.trials.items()}
        self.running = {number for number, one in self.trials.items() if one.state == "running"}
        self.holders: dict[int, str] = {}
        self.count = known.count
        for line in lines.lines:
            if line.kind == HELD:  # which is no part of what is known of trials
                with suppress(Damaged, KeyError, TypeError, ValueError):
                    self._apply(HELD, line.document)

    def take_in(self, lines: Lines) -> tuple[list[int], bool]:
        """What others wrote: the numbers of trials that changed, and if facts did."""
        numbers, facts = dict[int, None](), False
        for line in lines.lines:
            try:
                number = self._apply(line.kind, line.document)
            except (Damaged, KeyError, TypeError, ValueError):
                continue  # who opens the study next reads the database too, names it and mends it
            facts |= line.kind == STUDY
            if number is not None:
                numbers[number] = None
        return list(numbers), facts

    def _apply(self, kind: str, document: JsonDict) -> int | None:
        if kind == STUDY:
            content, is_sealed = unseal(document)
            self.facts = content if is_sealed else self.facts
            return None
        number = document[OF_TRIAL]
        if kind == HELD:
            content, is_sealed = unseal(document)
            if is_sealed:
                self.holders[number] = str(content["worker"])
        else:
            self._fill(kind, number, journalled(kind, number, document).content)
        return number

    def _fill(self, kind: str, number: int, content: JsonDict) -> None:
        if kind == CLAIM:
            self.begin(number, content)
        elif number not in self.trials:
            raise Damaged("its claim is missing")
        elif kind == RESULT:
            self.put_result(number, from_json(TrialResult, content))
        elif kind in (TOLD, FAILED):
            self.end(number, error=content["error"] if kind == FAILED else None)

    def begin(self, number: int, claim: JsonDict) -> None:
        """A trial was claimed."""
        self.trials[number] = claimed_record(number, "running", claim, None, None)
        self.identities[number] = identity(claim)
        self.running.add(number)
        self.count = max(self.count, number + 1)

    def put_result(self, number: int, result: TrialResult) -> None:
        """A trial has its result, and is not ended yet."""
        self.trials[number] = replace(self.trials[number], result=result)

    def end(self, number: int, *, error: str | None = None) -> None:
        """A trial has ended, with its result or by an error."""
        known = self.trials[number]
        self.running.discard(number)
        if error is not None or known.result is None:
            changed = replace(known, state="failed", result=None, error=error)
        else:
            state = "measured" if known.result.infeasible is None else "infeasible"
            changed = replace(known, state=state)
        self.trials[number] = changed

    def in_order(self, numbers: Iterable[int] | None = None) -> tuple[TrialRecord, ...]:
        """Trials by their numbers."""
        return tuple(self.trials[number] for number in sorted(numbers or self.trials))
