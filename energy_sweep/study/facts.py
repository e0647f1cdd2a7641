"""What a study says of itself, from its two copies."""

from __future__ import annotations

import json
from typing import Any

from energy_sweep.record import MeterFacts, Plain, from_plain
from energy_sweep.seal import Damaged, seal, unseal
from energy_sweep.study.copies import LOST, Findings
from energy_sweep.study.reading import Rows
from energy_sweep.study_files import DATABASE, JOURNAL

FACTS = ("name", "meter", "machine", "identity", "data")
NEEDED = FACTS[:4]


def sealed_fact(value: Any) -> Any:
    """A fact as the database holds it: an object is sealed, a word is as it is."""
    return seal(value) if isinstance(value, dict) else value


def merge_facts(rows: Rows | None, studies: list[Plain], findings: Findings) -> tuple[Plain, bool]:
    """The study's own facts, and whether the journal ends with just these."""
    noted: Plain = {}
    for document in studies:
        try:
            content, sealed = unseal(document)
        except Damaged:
            sealed, content = False, {}
        if sealed:
            noted = content
        else:
            findings.of_file(JOURNAL, f"{JOURNAL}: what it says of the study is damaged")
    facts: Plain = dict(noted)
    for name in FACTS if rows else ():
        try:
            value, sealed = _fact(name, rows.facts.get(name) if rows else None)
        except Damaged as error:
            remedy = f"read from {JOURNAL}" if name in noted else LOST
            findings.of_file(DATABASE, f"{DATABASE}: its {name}: {error}: {remedy}")
            continue
        if not sealed and name in noted and noted[name] != value:
            if value is not None:
                line = f"{DATABASE}: its {name}: {JOURNAL} says otherwise, and is read"
                findings.of_file(DATABASE, line)
        elif value is not None:
            facts[name] = value
    return facts, facts == noted


def _fact(name: str, text: str | None) -> tuple[Any, bool]:
    """A fact of the study as the database holds it, None where it does not, and if it is sealed."""
    if text is None:
        return (None, False) if name == "data" else _missing()
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise Damaged("it is not JSON") from None
    if name == "name":
        return (value, False) if isinstance(value, str) else _missing()
    content, sealed = unseal(value)
    if name == "meter":
        try:
            from_plain(MeterFacts, content)
        except (TypeError, ValueError, AttributeError):
            raise Damaged("parts of it are missing") from None
    return content, sealed


def _missing() -> tuple[Any, bool]:
    raise Damaged("it is missing")
