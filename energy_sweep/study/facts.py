"""What a study says of itself, from its two copies."""

from __future__ import annotations

from typing import Any, cast

from energy_sweep.record import JsonDict, MeterFacts, from_json
from energy_sweep.record.seal import Damaged, parse, seal, unseal
from energy_sweep.study.copies import LOST, Findings
from energy_sweep.study.paths import DATABASE, JOURNAL
from energy_sweep.study.reading import Rows

FACTS = ("name", "meter", "machine", "identity", "data", "constraints")
NEEDED = FACTS[:4]


def sealed_fact(value: Any) -> Any:
    """A fact as the database holds it: an object is sealed, a word is as it is."""
    return seal(value) if isinstance(value, dict) else value


def merge_facts(
    rows: Rows | None, studies: list[JsonDict], findings: Findings
) -> tuple[JsonDict, bool]:
    """The study's own facts, and whether the journal ends with just these."""
    noted: JsonDict = {}
    for document in studies:
        try:
            content, sealed = unseal(document)
            for name in content.keys() & set(FACTS):
                _check(name, content[name])
        except Damaged:
            sealed, content = False, {}
        if sealed:
            noted = content
        else:
            findings.of_file(JOURNAL, f"{JOURNAL}: what it says of the study is damaged")
    facts: JsonDict = dict(noted)
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
        return _missing() if name in NEEDED else (None, False)
    try:
        value = parse(text)
    except Damaged:
        raise Damaged("it is not JSON") from None
    content, sealed = (value, False) if name == "name" else unseal(value)
    _check(name, content)
    return content, sealed


def _check(name: str, value: Any) -> None:
    """Damaged for a fact that no study has: a name of several lines, a meter without parts."""
    if name == "name":
        is_right = isinstance(value, str) and value.isprintable()
    else:
        is_right = isinstance(value, dict)
    if not is_right:
        _missing()
    if name == "meter":
        try:
            facts = from_json(MeterFacts, cast(JsonDict, value))
        except (TypeError, ValueError, AttributeError):
            raise Damaged("parts of it are missing") from None
        if any(len(band) != 2 for band in (facts.scale_band, *facts.scale_bands.values())):
            raise Damaged("parts of it are missing")


def _missing() -> tuple[Any, bool]:
    raise Damaged("it is missing")
