"""The two copies of one document, in the database and in the journal, and which one is believed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from energy_sweep.record import JsonDict
from energy_sweep.record.seal import SEAL, Damaged, parse, unseal
from energy_sweep.record.serialize import digest
from energy_sweep.study.journal import OF_TRIAL, RESULT, JournalLine
from energy_sweep.study.paths import DATABASE, JOURNAL
from energy_sweep.study.shapes import Document, shaped

SHOWN = 8  # numbers of trials that a line names one by one
LOST, LACKING = "lost", "it is missing"


@dataclass(slots=True)
class Findings:
    """What is wrong in either file, gathered so that equal faults of many trials are one line."""

    database_wrong: bool = False
    journal_wrong: bool = False
    _trials: dict[tuple[str, str, str, str], list[int]] = field(
        default_factory=lambda: defaultdict(list)
    )
    _others: list[str] = field(default_factory=list[str])

    def of_trial(self, file: str, what: str, number: int, reason: str, remedy: str = "") -> None:
        """The `what` of a trial is damaged in `file`; `remedy` says what is believed instead."""
        self._trials[file, what, reason, remedy].append(number)
        self._blame(file)

    def of_file(self, file: str, line: str) -> None:
        """Something beside single trials is damaged in `file`."""
        self._others.append(line)
        self._blame(file)

    def lines(self) -> tuple[str, ...]:
        """One line for each fault."""
        trials = (
            f"{file}: the {what} of {_numbers(numbers)}: {reason}{remedy and f': {remedy}'}"
            for (file, what, reason, remedy), numbers in self._trials.items()
        )
        return (*self._others, *trials)

    def _blame(self, file: str) -> None:
        self.database_wrong |= file == DATABASE
        self.journal_wrong |= file == JOURNAL


def _numbers(numbers: list[int]) -> str:
    named = ", ".join(map(str, sorted(numbers)[:SHOWN]))
    more = f" and {len(numbers) - SHOWN} more" if len(numbers) > SHOWN else ""
    return f"trial{'s' * (len(numbers) > 1)} {named}{more}"


def choose_copy(
    kind: str,
    number: int,
    text: str | None,
    lines: Iterable[JournalLine],
    findings: Findings,
    *,
    claim: JsonDict | None = None,
    has_database: bool = True,
) -> Document | None:
    """The document of a trial that is believed, without its seal; None where no sound one is left.

    `text` is what the database holds of it. Of two sound ones that differ, the sealed one counts;
    where both are, that of the database, from which the journal is written.
    """
    lines = list(lines)
    if len(lines) == 1 and lines[0].text == text:  # equal letters need no seal to be believed
        document = shaped(kind, _without_seal(lines[0].document))
        if document is not None:
            return document
    stored, problem, sealed = None, None, False
    if text is not None:
        try:
            stored, sealed = _sound(kind, number, _parsed(text), claim)
        except Damaged as error:
            problem = str(error)
    noted = _noted(kind, number, lines, findings, claim)
    if stored is None:
        if noted is not None and has_database:
            remedy = f"read from {JOURNAL}"
            findings.of_trial(DATABASE, kind, number, problem or LACKING, remedy)
        elif problem is not None:
            findings.of_trial(DATABASE, kind, number, problem, LOST)
        return noted
    if noted is not None and noted.content != stored.content:
        wrong, right = (JOURNAL, DATABASE) if sealed else (DATABASE, JOURNAL)
        findings.of_trial(wrong, kind, number, f"{right} says otherwise", f"read from {right}")
        return stored if sealed else noted
    return stored


def _noted(
    kind: str, number: int, lines: list[JournalLine], findings: Findings, claim: JsonDict | None
) -> Document | None:
    """The first sound copy in the journal: what was claimed or found once never changes."""
    first: Document | None = None
    for line in lines:
        try:
            found = journalled(kind, number, line.document, claim)
        except Damaged as error:
            findings.of_trial(JOURNAL, kind, number, str(error))
            continue
        if first is not None and first.content != found.content:
            findings.of_trial(JOURNAL, kind, number, "it is there twice, and differs")
        first = first or found
    return first


def journalled(
    kind: str, number: int, document: JsonDict, claim: JsonDict | None = None
) -> Document:
    """What a line of the journal says of a trial; Damaged where it is not what was written."""
    found, sealed = _sound(kind, number, document, claim)
    if not sealed:
        raise Damaged("it has lost its seal")
    return found


def _parsed(text: str) -> Any:
    try:
        return parse(text)
    except Damaged:
        raise Damaged("it is not JSON") from None


def _sound(kind: str, number: int, document: Any, claim: JsonDict | None) -> tuple[Document, bool]:
    """A document and whether it is sealed; Damaged where it cannot be true."""
    content, sealed = unseal(document)
    owner = content.pop(OF_TRIAL, number)
    if owner != number:
        raise Damaged(f"it is that of trial {owner}")
    found = shaped(kind, content)
    if found is None:
        raise Damaged("parts of it are missing")
    if kind == RESULT and not sealed and claim is not None:
        # What former versions wrote has no seal, but must be of the configuration claimed.
        key = digest(content["config"])
        if (key, content["seed"]) != (claim["config_key"], claim["seed"]):
            raise Damaged("it is that of another configuration")
    return found, sealed


def _without_seal(document: JsonDict) -> JsonDict:
    return {key: value for key, value in document.items() if key not in (SEAL, OF_TRIAL)}
