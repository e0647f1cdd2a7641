"""What is swept and what is fixed, read from Hydra overrides and from `search.space`."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hydra.core.config_loader import ConfigLoader
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import (
    IntervalSweep,
    Override,
    QuotedString,
    RangeSweep,
    Transformer,
)

from energy_sweep.app.config.command_line import check_choice
from energy_sweep.app.config.compression_lists import expand
from energy_sweep.app.config.fixed_dials import check_sweepable
from energy_sweep.app.config.groups import chooses_group, group_options
from energy_sweep.app.config.messages import parse_error
from energy_sweep.record import BadInput, JsonDict
from energy_sweep.study.space import Axis, Space

LEVEL = "compression.level"
MOST_VALUES = 1000  # of one axis: each is built and checked before the first trial
COMMAND_LINE, DEFAULT_SPACE, PARAMS = "command line", "search.space", "hydra.sweeper.params"


@dataclass(frozen=True, slots=True)
class Slot:
    """The place among the words of a command line where an axis has its value."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Axes:
    """The space of a sweep, and how its points are written as Hydra overrides.

    `sentence` is what holds for every trial and the places of the axes, in the order in which they
    were typed, since the later word wins; `keys` are the names as typed, with their `+`; `groups`
    are the axes that choose a config group, `entangled` those that set what another word sets too;
    `texts` writes the values that are not plain numbers or words.
    """

    space: Space
    sentence: tuple[str | Slot, ...]
    keys: Mapping[str, str]
    groups: frozenset[str]
    entangled: frozenset[str]
    texts: Mapping[tuple[str, str], str]

    @property
    def fixed(self) -> tuple[str, ...]:
        """What holds for every trial."""
        return tuple(word for word in self.sentence if isinstance(word, str))

    @property
    def lasting(self) -> tuple[str, ...]:
        """What is fixed and says something of a trial, not only of the search for it."""
        return tuple(text for text in self.fixed if _describes_trial(text))

    def override(self, name: str, value: Any) -> str:
        """One axis at one value, as typed on a command line."""
        return f"{self.keys[name]}={self.texts.get((name, repr(value)), value)}"

    def overrides(self, params: Mapping[str, Any]) -> tuple[str, ...]:
        """All that makes the trial of a point, in the order in which it was typed."""
        words = (
            self.override(word.name, params[word.name]) if isinstance(word, Slot) else word
            for word in self.sentence
            if isinstance(word, Slot) or _describes_trial(word)
        )
        return tuple(expand(words))

    def without(self, name: str) -> Axes:
        """The same axes but one."""
        kept = tuple(axis for axis in self.space.axes if axis.name != name)
        return dataclasses.replace(
            self,
            space=Space(kept),
            sentence=tuple(word for word in self.sentence if word != Slot(name)),
            groups=self.groups - {name},
        )

    def corner(self) -> JsonDict:
        """A point of the space: the first value of every axis."""
        return {axis.name: values_to_check(axis)[0] for axis in self.space.axes}


def values_to_check(axis: Axis) -> tuple[Any, ...]:
    """The values of a finite axis, the ends of an interval."""
    if axis.values is not None:
        return axis.values
    ends = (axis.low, axis.high)
    return tuple(int(end) if axis.integer else end for end in ends if end is not None)


def read_axes(
    loader: ConfigLoader,
    arguments: Sequence[str],
    space: Mapping[str, Any],
    params: Mapping[str, Any],
) -> Axes:
    """The axes of a command line, over those of `hydra.sweeper.params`, over `search.space`.

    A name given twice counts where it is nearest to the user, so that `lr=0.01` fixes an axis;
    what adds a key goes on adding it.
    """
    if not isinstance(space, Mapping):  # an interpolation may come to anything
        raise BadInput(f"search.space={space}: type the axes themselves, such as lr=0.01,0.1")
    sources = (
        (DEFAULT_SPACE, [f"{key}={expression}" for key, expression in space.items()]),
        (PARAMS, [f"{key}={expression}" for key, expression in params.items()]),
        (COMMAND_LINE, arguments),
    )
    options_of = group_options(loader)
    chosen: dict[str, tuple[str, Override]] = {}
    for source, typed in sources:
        for override in _parse(loader, typed):
            if options := options_of(override.key_or_group):
                check_choice(override, options)
            name = override.get_key_element().lstrip("+")
            _, before = chosen.pop(name, (source, override))
            if _is_addition(before) and not _is_addition(override):
                [override] = _parse(loader, [f"++{_input_text(override)}"])
            chosen[name] = (source, override)
    swept = {name: pair for name, pair in chosen.items() if pair[1].is_sweep_override()}
    if "compression" in swept and LEVEL in chosen:
        # Of several techniques each makes its own of a level, and none has no level at all.
        swept[LEVEL] = chosen[LEVEL]
    texts: dict[tuple[str, str], str] = {}
    axes = [_axis(name, source, override, texts) for name, (source, override) in swept.items()]
    # What the user typed comes first, so that it heads every line that lists a trial.
    axes.sort(key=lambda axis: axis.source == DEFAULT_SPACE)
    groups = {name for name, (_, typed) in chosen.items() if chooses_group(options_of, typed)}
    values = {name: o.key_or_group for name, (_, o) in chosen.items() if name not in groups}
    sentence: list[str | Slot] = []
    for name, (_, override) in chosen.items():
        sentence += [Slot(name)] if name in swept else expand([_input_text(override)])
    return Axes(
        space=Space(tuple(axes)),
        sentence=tuple(sentence),
        keys={name: override.get_key_element() for name, (_, override) in swept.items()},
        groups=frozenset(groups & swept.keys()),
        entangled=frozenset(name for name in values if name in swept and _overlaps(name, values)),
        texts=texts,
    )


def _parse(loader: ConfigLoader, texts: Iterable[str]) -> Iterator[Override]:
    parser = OverridesParser.create(config_loader=loader)
    for text in texts:
        try:
            yield parser.parse_overrides([text])[0]
        except Exception as error:
            raise BadInput(parse_error(text)) from error


def _input_text(override: Override) -> str:
    return override.input_line or ""


def _is_addition(override: Override) -> bool:
    return override.is_add() or override.is_force_add()


@functools.lru_cache(maxsize=65_536)
def _describes_trial(text: str) -> bool:
    """Whether an override says something of a trial, not only of the search for it."""
    return not text.lstrip("+").startswith(("search.", "search/", "search=", "track="))


def _overlaps(name: str, keys: Mapping[str, str]) -> bool:
    """Whether another override sets what this one sets, or a part or the whole of it."""
    own = f"{keys[name]}."
    others = (f"{key}." for other, key in keys.items() if other != name)
    return any(other.startswith(own) or own.startswith(other) for other in others)


def _axis(name: str, source: str, override: Override, texts: dict[tuple[str, str], str]) -> Axis:
    check_sweepable(name, _input_text(override))
    typed: Any = override.value()
    if isinstance(typed, RangeSweep):
        _check_range(name, override, typed)
    elif isinstance(typed, IntervalSweep):
        integer = isinstance(typed.start, int) and isinstance(typed.end, int)
        return Axis(
            name=name,
            low=typed.start,
            high=typed.end,
            log="log" in typed.tags,
            integer=integer,
            source=source,
        )
    values: list[Any] = []
    for element in override.sweep_iterator() if override.is_sweep_override() else [typed]:
        value, text = _value(element), _text(element)
        if str(value) != text:
            texts[name, repr(value)] = text
        if value not in values:
            values.append(value)
    if not values:
        raise BadInput(f"{_input_text(override)} matches nothing: type {name}=VALUE,VALUE")
    return Axis(name=name, values=tuple(values), source=source)


def _check_range(name: str, override: Override, typed: RangeSweep) -> None:
    """Raise BadInput for a range that has no end, or more values than an axis, unexpanded."""
    start, stop, step = typed.start or 0, typed.stop or 0, typed.step
    text = _input_text(override)
    if not (step and all(map(math.isfinite, (start, stop, step)))):
        raise BadInput(f"{text} has no end: type three finite numbers, and a step that is not 0")
    count = math.ceil((stop - start) / step)
    if count > MOST_VALUES:
        whole = f"int(interval({start},{stop - 1}))"
        ints = all(isinstance(one, int) for one in (start, stop, step))
        interval = whole if ints else f"interval({start:g},{stop:g})"
        raise BadInput(
            f"{text} has {count:,} values, and an axis at most {MOST_VALUES:,}: type a longer step,"
            f" or '{name}={interval}', in which a sampler chooses"
        )


def _value(element: Any) -> Any:
    if isinstance(element, QuotedString):
        return element.text
    if element is None or isinstance(element, str | int | float):
        return element
    return _text(element)  # a list or a mapping: its text names it


def _text(element: Any) -> str:
    return str(Transformer.str(element))
