"""A seal: the digest that a JSON document carries of itself, so that damage to it is seen.

It guards against accidents and careless edits. Who edits a document on purpose can seal it anew.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from typing import Any, cast

from energy_sweep.record.errors import EnergySweepError
from energy_sweep.record.serialize import JsonDict

SEAL = "seal"
MOST_NESTED = 64  # lists and objects within each other; nothing that we write has a quarter of that
CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"))
SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


class Damaged(EnergySweepError):
    """A document that does not hold what was written."""


def parse(text: str | bytes) -> Any:
    """What a JSON text holds; Damaged where it holds none, or is nested as nothing is by us."""
    try:
        text = text if isinstance(text, str) else text.decode()
        value = json.loads(text)
        if SURROGATE.search(text):
            json.dumps(value, ensure_ascii=False).encode()  # half a letter cannot be written
    except (ValueError, RecursionError) as error:
        raise Damaged(" ".join(str(error).split())) from error
    if text.count("[") + text.count("{") > MOST_NESTED:
        check_nesting(value)
    return value


def check_nesting(value: object) -> None:
    """Damaged for what is nested so deeply that walking through it would end the program."""
    layer: list[Any] = [value]
    for _ in range(MOST_NESTED):
        layer = [item for one in layer for item in _items(one)]
        if not layer:
            return
    raise Damaged(f"it is nested more than {MOST_NESTED} times")


def _items(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return cast(JsonDict, value).values()
    return cast("list[Any]", value) if isinstance(value, list) else ()


def seal(document: JsonDict) -> JsonDict:
    """The document with its seal, the SHA-256 of everything else in it, in canonical form."""
    content = {name: value for name, value in document.items() if name != SEAL}
    return {**content, SEAL: _digest(content)}


def unseal(document: object) -> tuple[JsonDict, bool]:
    """The document without its seal, and whether it had one: those of former versions have none.

    Damaged where it is no object, or does not match its seal.
    """
    if not isinstance(document, dict):
        raise Damaged("it is not a JSON object")
    content = cast(JsonDict, document).copy()
    known = content.pop(SEAL, None)
    if known is None:
        return content, False
    if known != _digest(content):
        raise Damaged("its content does not match its seal")
    return content, True


def _digest(content: JsonDict) -> str:
    # A loss that diverged may be NaN, which JSON as Python writes it can say.
    text = CANONICAL.encode(content)
    return hashlib.sha256(text.encode()).hexdigest()
