"""What is known of a study, from its two copies: a damaged one is put aside, and named."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from energy_sweep.record import JsonDict, TrialRecord, TrialResult
from energy_sweep.record.seal import Damaged, parse, seal
from energy_sweep.study.attributes import claimed_record
from energy_sweep.study.copies import LACKING, LOST, Findings, choose_copy, journalled
from energy_sweep.study.facts import merge_facts
from energy_sweep.study.journal import (
    CLAIM,
    FAILED,
    OF_TRIAL,
    RESULT,
    STUDY,
    TOLD,
    JournalLine,
    Lines,
    of_trial,
)
from energy_sweep.study.paths import DATABASE, JOURNAL
from energy_sweep.study.reading import Rows, StoredTrial, is_number
from energy_sweep.study.shapes import Document

OPTUNAS = {"running": "RUNNING", "measured": "COMPLETE", "infeasible": "PRUNED", "failed": "FAIL"}

Noted = dict[int, dict[str, list[JournalLine]]]


@dataclass(frozen=True, slots=True)
class Known:
    """A trial as the copies say it: its record, its documents, and the joules told to Optuna."""

    record: TrialRecord
    claim: JsonDict
    result: JsonDict | None
    joules: float | None

    @property
    def kinds(self) -> frozenset[str]:
        """The kinds of lines that a journal has of this trial."""
        found = {CLAIM} if self.result is None else {CLAIM, RESULT}
        last = {"failed": {FAILED}, "running": set[str]()}.get(self.record.state, {TOLD})
        return frozenset(found | last)

    def documents(self) -> Iterator[tuple[str, JsonDict]]:
        """The lines of a journal on this trial, sealed."""
        number, state = self.record.number, self.record.state
        yield CLAIM, of_trial(number, self.claim)
        if self.result is not None:
            yield RESULT, of_trial(number, self.result)
        if state == "failed":
            yield FAILED, of_trial(number, {"error": self.record.error})
        elif state != "running":
            yield TOLD, of_trial(number, {"joules": self.joules})


@dataclass(frozen=True, slots=True)
class Merged:
    """A study from both copies; `lacks` are what the journal does not hold yet, by trial."""

    facts: JsonDict
    trials: dict[int, Known]
    count: int = 0  # of all numbers that are taken
    lacks_facts: bool = False
    lacks: tuple[tuple[int, frozenset[str]], ...] = ()
    damage: tuple[str, ...] = ()
    database_wrong: bool = False
    journal_wrong: bool = False

    def documents(self) -> Iterator[tuple[str, JsonDict]]:
        """All lines of the journal."""
        if self.facts:
            yield STUDY, seal(self.facts)
        for number in sorted(self.trials):
            yield from self.trials[number].documents()

    def lacking(self) -> Iterator[tuple[str, JsonDict]]:
        """The lines that the journal does not hold yet."""
        if self.lacks_facts:
            yield STUDY, seal(self.facts)
        for number, kinds in self.lacks:
            yield from (one for one in self.trials[number].documents() if one[0] in kinds)


def merge(rows: Rows | None, reason: str | None, lines: Lines) -> Merged:
    """The study of a database and a journal; `reason` says why the former cannot be read, if so."""
    findings = Findings()
    if reason is not None and lines.lines:
        found = f"{DATABASE} is damaged ({reason}): read from {JOURNAL}"
        findings.of_file(DATABASE, found)
    for problem in rows.damage if rows else ():
        findings.of_file(DATABASE, f"{DATABASE} is damaged ({problem})")
    noted, studies = _by_trial(lines, findings)
    facts, is_noted = merge_facts(rows, studies, findings)
    merger = _Merger(rows, noted, findings)
    stored = rows.trials if rows else {}
    known = {number: merger.known(number) for number in sorted({*stored, *noted})}
    trials = {number: one for number, one in known.items() if one is not None}
    return Merged(
        facts=facts,
        trials=trials,
        count=max([*trials, *stored, *noted], default=-1) + 1,
        lacks_facts=bool(facts) and not is_noted,
        lacks=tuple(merger.lacks),
        damage=findings.lines(),
        database_wrong=findings.database_wrong,
        journal_wrong=findings.journal_wrong,
    )


def _by_trial(lines: Lines, findings: Findings) -> tuple[Noted, list[JsonDict]]:
    """The lines of each trial by kind, and those of the study."""
    noted: Noted = defaultdict(lambda: defaultdict(list))
    studies: list[JsonDict] = []
    damaged = len(lines.damaged)
    for line in lines.lines:
        number: Any = line.document.get(OF_TRIAL)
        if line.kind == STUDY:
            studies.append(line.document)
        elif is_number(number):
            noted[number][line.kind].append(line)
        else:
            damaged += 1
    if damaged:
        findings.of_file(JOURNAL, f"{JOURNAL}: {damaged} of its lines cannot be read")
    return noted, studies


@dataclass(slots=True)
class _Merger:
    """Believes one copy of each document of a trial, and gathers what the journal lacks."""

    rows: Rows | None
    noted: Noted
    findings: Findings
    lacks: list[tuple[int, frozenset[str]]] = field(
        default_factory=list[tuple[int, frozenset[str]]]
    )

    def known(self, number: int) -> Known | None:
        """A trial, None where it is not ours or lost its claim."""
        row = self.rows.trials.get(number) if self.rows else None
        lines = self.noted.get(number, {})
        claimed = self._chosen(CLAIM, number, row, lines)
        if claimed is None:
            texts = row.texts if row else {}
            if (texts or lines) and CLAIM not in {*texts, *lines}:  # and else it was said above
                self.findings.of_trial(DATABASE, CLAIM, number, LACKING, LOST)
            return None
        claim = claimed.content
        found = self._chosen(RESULT, number, row, lines, claim)
        plain, result = (None, None) if found is None else found
        told = self._last(TOLD, number, lines)
        failed = self._last(FAILED, number, lines)
        joules = told.get("joules") if told else row.values.get(1) if row else None
        state, error = self._state(number, row, result, told, failed)
        record = claimed_record(number, state, claim, result, error)
        known = Known(record, claim, plain, joules)
        if missing := known.kinds - lines.keys():
            self.lacks.append((number, missing))
        return known

    def _chosen(
        self,
        kind: str,
        number: int,
        row: StoredTrial | None,
        lines: dict[str, list[JournalLine]],
        claim: JsonDict | None = None,
    ) -> Document | None:
        text = row.texts.get(kind) if row else None
        some, has_database = lines.get(kind, []), self.rows is not None
        return choose_copy(
            kind, number, text, some, self.findings, claim=claim, has_database=has_database
        )

    def _last(self, kind: str, number: int, lines: dict[str, list[JournalLine]]) -> JsonDict | None:
        content = None
        for line in lines.get(kind, []):
            try:
                content = journalled(kind, number, line.document).content
            except Damaged as error:
                self.findings.of_trial(JOURNAL, f"line '{kind}'", number, str(error))
        return content

    def _state(
        self,
        number: int,
        row: StoredTrial | None,
        result: TrialResult | None,
        told: JsonDict | None,
        failed: JsonDict | None,
    ) -> tuple[str, str | None]:
        """The state of a trial, and why it failed: of the documents there are, not of a word."""
        error = failed["error"] if failed else _error(row)
        stored = row.state if row else None
        gave_up = stored == OPTUNAS["failed"] and (error is not None or result is None)
        if failed or gave_up:
            state = "failed"
        elif result is None or (told is None and stored in (None, OPTUNAS["running"])):
            state = "running"
        else:
            state = "measured" if result.infeasible is None else "infeasible"
        if stored is not None and stored != OPTUNAS[state]:
            reason = f"{stored}, where its documents say {state}"
            self.findings.of_trial(DATABASE, "state", number, reason)
        if row and state == "measured" and not {0, 1} <= row.values.keys():
            self.findings.of_trial(DATABASE, "values", number, "they are missing")
        return state, error


def _error(row: StoredTrial | None) -> str | None:
    """Why a trial failed, by the database."""
    text = row.texts.get("error") if row else None
    try:
        return None if text is None else str(parse(text))
    except Damaged:
        return text
