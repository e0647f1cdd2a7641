"""A seal: the digest that a JSON document carries of itself, so that damage to it is seen.

It guards against accidents and careless edits. Who edits a document on purpose can seal it anew.
"""

from __future__ import annotations

import hashlib
import json
from typing import cast

from energy_sweep.errors import EnergySweepError
from energy_sweep.plain import Plain

SEAL = "seal"


class Damaged(EnergySweepError):
    """A document that does not hold what was written."""


def seal(document: Plain) -> Plain:
    """The document with its seal, the SHA-256 of everything else in it, in canonical form."""
    content = {name: value for name, value in document.items() if name != SEAL}
    return {**content, SEAL: _digest(content)}


def unseal(document: object) -> tuple[Plain, bool]:
    """The document without its seal, and whether it had one: those of former versions have none.

    Damaged where it is no object, or does not match its seal.
    """
    if not isinstance(document, dict):
        raise Damaged("it is not a JSON object")
    content = cast(Plain, document).copy()
    known = content.pop(SEAL, None)
    if known is None:
        return content, False
    if known != _digest(content):
        raise Damaged("its content does not match its seal")
    return content, True


def _digest(content: Plain) -> str:
    # A loss that diverged may be NaN, which JSON as Python writes it can say.
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
