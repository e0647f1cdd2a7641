"""The value of any dial in a trial, by the name that is typed for it.

A trial names only what its own command varied. What others vary is looked up in what it was made
of: the dials as they were resolved, groups by their choice, or else its canonical configuration.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from energy_sweep.record import JsonDict, TrialRecord

# Where a canonical configuration keeps what is typed under another name.
PLACES = {
    "compression.level": ("level",),
    "compression.max_accuracy_loss": ("max_accuracy_loss",),
    "compression.teacher": ("teacher",),
    "compression.teacher_width": ("teacher", "width"),
    "compression.teacher_epochs": ("teacher", "epochs"),
    "compression.teachers": ("teacher", "members"),
    "inference.batch": ("inference_batch",),
    "model.pretrained": ("pretrained",),
    "model.pretrained_share": ("pretrained", "share"),
}
SEED = "seed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dials:
    """What a trial was set to: by the axes of its command, by all words typed, and resolved.

    `resolved` holds every dial by its typed name, `config` the canonical configuration; either may
    be empty, the one in old studies, the other until a trial has its result.
    """

    params: JsonDict
    words: tuple[str, ...] = ()
    resolved: JsonDict = field(default_factory=dict[str, Any])
    config: JsonDict = field(default_factory=dict[str, Any])

    @staticmethod
    def of(trial: TrialRecord) -> Dials:
        """Those of a trial."""
        result = trial.result
        return Dials(
            params=trial.params,
            words=trial.overrides,
            resolved=trial.dials,
            config={} if result is None else {**result.config, SEED: result.seed},
        )

    def get(self, name: str) -> Any:
        """The value of a dial; None where it has none, or is not known."""
        for known in (self.params, self.resolved):
            if name in known:
                return known[name]
        return in_config(self.config, name)

    def knows(self, name: str) -> bool:
        """Whether the value of a dial, or that there is none, is known."""
        return name in self.params or name in self.resolved or bool(self.config)

    def pick(self, names: Iterable[str]) -> JsonDict:
        """The values of some dials."""
        return {name: self.get(name) for name in names}


def axes(trials: Sequence[Dials]) -> tuple[str, ...]:
    """Names of the dials along which trials differ, but for the seed, in the order of typing.

    They are the axes of any command, and what one command fixed and another fixed otherwise.
    """
    swept = dict.fromkeys(name for trial in trials for name in trial.params)
    words = dict.fromkeys(_dial_name(word) for trial in trials for word in trial.words)
    found = [name for name in swept if _has_several(trial.get(name) for trial in trials)]
    # A word that reaches no configuration (where images lie, how long to wait) tells none apart.
    settled = [trial.config for trial in trials if trial.config]
    found += [
        name
        for name in words
        if name not in swept and _has_several(in_config(config, name) for config in settled)
    ]
    return tuple(name for name in found if name != SEED)


def in_config(config: JsonDict, name: str) -> Any:
    """A dial of a canonical configuration by its typed name; None where it has none."""
    if name in config:
        return _typed_form(config[name])
    node: Any = config
    for key in PLACES.get(name, re.split(r"[./]", name)):
        node = _lookup(node, key)
    return _typed_form(node)


def value_text(value: Any) -> str:
    """A value as a command line takes it."""
    return "null" if value is None else str(value)


def list_text(names: Iterable[str]) -> str:
    """A list as it is typed."""
    return f"[{','.join(names)}]"


def _lookup(node: Any, key: str) -> Any:
    if isinstance(node, Mapping):
        return cast(JsonDict, node).get(key)
    if isinstance(node, list):  # the steps of a chain, by the names of their techniques
        for step in cast(list[JsonDict], node):
            technique = step.get("technique", {})
            if technique.get("name") == key:
                return {**technique, "level": step.get("level")}
    return None


def _typed_form(value: Any) -> Any:
    """A part by its name, a chain by those of its steps, a list as it is typed."""
    if isinstance(value, Mapping):
        part = cast(JsonDict, value)
        if "steps" in part:
            return list_text(step["technique"]["name"] for step in part["steps"])
        return part.get("name")
    if isinstance(value, list | tuple):
        return list_text(map(str, cast(Sequence[Any], value)))
    return value


def _dial_name(word: str) -> str:
    return word.partition("=")[0].lstrip("+~")


def _has_several(values: Iterable[Any]) -> bool:
    return len({_mark(value) for value in values}) > 1


def _mark(value: Any) -> str:
    """The same for equal values: 1 is 1.0, and neither is True."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return repr(float(value) if is_number else value)
