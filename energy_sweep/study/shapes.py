"""Whether a document has the parts that one of its kind has; a seal is made by anybody."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from energy_sweep.record import JsonDict, TrialResult, from_json
from energy_sweep.record.serialize import LARGEST, digest
from energy_sweep.study.journal import CLAIM, FAILED, RESULT

CLAIMED = {"params": dict, "overrides": list, "config_key": str, "seed": int}


class Document(NamedTuple):
    """What a document says; where it is one of a result, also that as it is handled."""

    content: JsonDict
    result: TrialResult | None = None


def shaped(kind: str, content: JsonDict) -> Document | None:
    """The document, None where it cannot be one of this kind of a trial."""
    if kind == RESULT:
        result = _result(content)
        return None if result is None else Document(content, result)
    return Document(content) if _has_shape(kind, content) else None


def _has_shape(kind: str, content: JsonDict) -> bool:
    if kind == CLAIM:
        return (
            all(isinstance(content.get(name), of) for name, of in CLAIMED.items())
            and _are_words(content["overrides"])
            and isinstance(content.get("dials", {}), dict)
        )
    if kind == FAILED:
        return isinstance(content.get("error"), str | type(None))
    return content.get("joules") is None or _is_number(content["joules"])


def _result(content: JsonDict) -> TrialResult | None:
    try:
        result = from_json(TrialResult, content)
        digest(result.config)
    except (TypeError, ValueError, AttributeError, KeyError):
        return None
    correct = 0 if result.correct is None else result.correct
    config, facts = result.config, result.facts
    is_right = (
        0 <= correct <= result.n_validation > 0
        and _is_number(config.get("level", 0.0))
        and ("compression" not in config or _is_compression(config["compression"]))
        and all(fits(facts[name]) for name, fits in FACTS.items() if name in facts)
    )
    return result if is_right else None


def _is_compression(value: Any) -> bool:
    """A technique with its name, or a chain of them."""
    if not isinstance(value, dict):
        return False
    if "steps" not in value:
        return isinstance(value.get("name"), str)
    steps = value["steps"]
    return isinstance(steps, list) and all(
        isinstance(step, dict) and _is_compression(step.get("technique")) for step in steps
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and abs(value) < LARGEST


def _are_words(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _are_named_words(value: Any) -> bool:
    return isinstance(value, dict) and _are_words(list(value.values()))


def _are_named_numbers(value: Any) -> bool:
    return isinstance(value, dict) and all(_is_number(one) for one in value.values())


def _is_number_or_none(value: Any) -> bool:
    return value is None or _is_number(value)


# What is read of the facts of a trial, wherever a study is shown.
FACTS: dict[str, Callable[[Any], bool]] = {
    "inference": _are_named_words,
    "calibrate": _are_words,
    "channels": _are_named_numbers,
    "dense_channels": _are_named_numbers,
    "ranks": lambda value: isinstance(value, dict),
    "sparsity_by_layer": _are_named_numbers,
    "removed_weight_bits": _is_number_or_none,
    "zero_weights": _is_number_or_none,
    "plan": lambda value: isinstance(value, dict),
}
