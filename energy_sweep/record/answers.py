"""Which validation images a net got right: one bit an image, so that nets are compared by image."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from energy_sweep.record.seal import Damaged
from energy_sweep.record.serialize import from_json

STAGE, FACT = "evaluate", "answers"  # where records keep them


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """Right (1) or wrong (0) for each of `count` images, in the order of the split.

    `asked` names the images: answers with the same name can be compared one by one. `right` are the
    bits, the first image's highest in the first byte, in base64.
    """

    asked: str
    count: int
    right: str

    @property
    def packed(self) -> bytes:
        """The bits, eight a byte; the last byte is filled up with zeros."""
        return base64.b64decode(self.right)

    @property
    def correct(self) -> int:
        """How many are right."""
        return int.from_bytes(self.packed, "big").bit_count()

    @staticmethod
    def of(packed: bytes, *, count: int, asked: str) -> Answers:
        """The answers whose bits these are."""
        return Answers(asked=asked, count=count, right=base64.b64encode(packed).decode())


def answers_in(facts: Mapping[str, Any]) -> Answers | None:
    """The answers in the facts of an evaluation; None where it kept none.

    Damaged where they are not as many, or not as many of them right, as the facts say.
    """
    if facts.get(FACT) is None:
        return None
    found = from_json(Answers, facts[FACT])
    try:
        packed = base64.b64decode(found.right, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Damaged(f"its answers are no base64 ({error})") from error
    bits, spare = int.from_bytes(packed, "big"), 8 * len(packed) - found.count
    if not 0 <= spare < 8 or bits & ((1 << spare) - 1):
        raise Damaged(f"its answers are not those to {found.count} images")
    if bits.bit_count() != facts.get("correct"):
        raise Damaged(f"{bits.bit_count()} of its answers are right, not {facts.get('correct')}")
    return found
