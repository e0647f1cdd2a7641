"""Calls of a function of one's own as trials: each is one stage, measured as a whole."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from numbers import Integral
from pathlib import Path
from typing import Any, NamedTuple

from energy_sweep.front.constraints import Constraints
from energy_sweep.hardware.cpu import cpu_model, usable_cores
from energy_sweep.meter import Meter, meter_id
from energy_sweep.meter.measure import Measured, measure, open_for_block, per_busy_thread
from energy_sweep.record import (
    BadInput,
    JsonDict,
    Mark,
    Objective,
    StageRecord,
    StageUse,
    StudyRecord,
    TrialResult,
    digest,
)
from energy_sweep.search.base import search_study
from energy_sweep.search.budget import Budget
from energy_sweep.search.events import OnEvent
from energy_sweep.search.prior_knowledge import (
    compares,
    learned_answers,
    start_points,
    without_joules,
)
from energy_sweep.search.run_order import Job
from energy_sweep.store import StageStore
from energy_sweep.study import Answer, open_study
from energy_sweep.study.paths import STAGES, is_study
from energy_sweep.study.space import Axis, Space
from energy_sweep.study.stored import load_study

# How many answers were right, of how many; called with a value of every axis, by name.
Function = Callable[..., tuple[int, int]]
STAGE = "trunk"
OBJECTIVE = Objective("training")
LIMITED = ("min_accuracy", "max_joules")  # what a call tells


def search_function(
    function: Function,
    space: Space,
    folder: Path,
    name: str,
    *,
    budget: Budget,
    sampler: str,
    seed: int,
    wishes: Wishes,
    meter: Meter | Mapping[str, Any] | str,
    tell: OnEvent | None,
) -> StudyRecord:
    """Measure the calls that the study `name` in `folder` lacks; give all that is known."""
    constraints, start = _limits(wishes.constraints), start_points(wishes.start, space)
    with function_trials(function, folder / STAGES, meter) as trials:
        records, facts = trials.store.current, trials.facts
        learned = _learned(wishes.learn_from, folder, space, facts)
        with open_study(folder, name, space=space, **facts) as study:
            search_study(
                study,
                records,
                space,
                describe=trials.describe,
                run=trials.run,
                budget=budget,
                objective=OBJECTIVE,
                sampler=sampler,
                seed=seed,
                constraints=constraints,
                start=start,
                learned=learned,
                tell=tell,
            )
            return study.record(records())


class Wishes(NamedTuple):
    """What a search is asked beyond its space and budget: limits by name, points to begin with, and
    the study of the same axes to learn from."""

    constraints: Mapping[str, float] | None = None
    start: Sequence[Mapping[str, Any]] = ()
    learn_from: str | None = None


def _limits(given: Mapping[str, float] | None) -> Constraints | None:
    """The limits of a search; BadInput for what a call of a function does not tell."""
    for name in given or ():
        if name not in LIMITED:
            typed = " or ".join(LIMITED)
            raise BadInput(f"constraints: {name} is nothing that a call tells: hand in {typed}")
    return None if given is None else Constraints.of(given, typed="constraints: ")


def _learned(name: str | None, folder: Path, space: Space, facts: JsonDict) -> list[Answer]:
    """What the study `name` beside this one's `folder` says, and its joules where they compare."""
    if name is None:
        return []
    other = folder.parent / name
    if other == folder or not is_study(other):
        raise BadInput(f"learn_from={name}: hand in the name of another study in {folder.parent}")
    record = load_study(other)
    answers = learned_answers(record, space, OBJECTIVE)
    return answers if compares(record, **facts) else without_joules(answers)


@contextmanager
def function_trials(
    function: Function, stages: Path, meter: Meter | Mapping[str, Any] | str
) -> Generator[FunctionTrials]:
    """Open a meter by name, and hold the store: what is damaged in it is measured again."""
    opened = open_for_block(meter)
    try:
        facts = opened.facts()
        store = StageStore(stages, meter_id=meter_id(facts), coefficients=facts.coefficients)
        with store.claim:
            store.put_aside()
            yield FunctionTrials(function, opened, store)
    finally:
        if opened is not meter:
            opened.close()


def study_name(function: Function, name: str | None) -> str:
    """What the study is called: as its function, unless it has a `name` of its own."""
    called = str(getattr(function, "__name__", type(function).__name__) if name is None else name)
    if called == "<lambda>":
        raise BadInput("a lambda has no name for its study: hand in name='mine'")
    return called


def checked_space(function: Function, axes: Space | Mapping[str, Any] | Iterable[Axis]) -> Space:
    """The axes as a space; refuses what the function does not take, or no study keeps."""
    if not callable(function):
        raise BadInput(f"search({function!r}): hand in the function to search over, then its space")
    space = axes if isinstance(axes, Space) else Space(axes)
    for axis in space.axes:
        for value in axis.values or ():
            if not isinstance(value, str | int | float | bool | None):
                raise BadInput(
                    f"{axis.name}={value!r}: an axis holds numbers and words: hand in a word, and"
                    " look up in your function what it stands for"
                )
    try:
        inspect.signature(function).bind(**dict.fromkeys(space.names))
    except TypeError as error:
        names = ", ".join(space.names) or "no axis at all"
        raise BadInput(f"{_called(function)} cannot be called with {names}: {error}") from error
    except ValueError:  # some built-in functions do not say what they take
        pass
    return space


def _called(function: Function) -> str:
    return getattr(function, "__qualname__", type(function).__qualname__)


@dataclass(frozen=True, slots=True)
class FunctionTrials:
    """Describes and measures calls of a function."""

    function: Function
    meter: Meter
    store: StageStore

    @property
    def facts(self) -> JsonDict:
        """What a study of these trials is opened by."""
        machine = {"device_class": f"{cpu_model()} | {usable_cores()} cores"}
        return {"meter": self.meter.facts(), "machine": machine, "identity": self.identity}

    @property
    def identity(self) -> JsonDict:
        """What all trials must share: the function, and its source where that can be read."""
        found = {"function": _called(self.function)}
        with suppress(OSError, TypeError):
            found["source"] = digest(inspect.getsource(self.function))[:12]
        return found

    def describe(self, params: JsonDict) -> Job:
        dials = {name: value for name, value in params.items() if name != "seed"}
        config, seed = {"function": _called(self.function), **dials}, int(params.get("seed", 0))
        cost = digest([self.identity, config])
        use = StageUse(stage=STAGE, key=digest([cost, seed]), cost_key=cost, units=1.0)
        return Job(params=params, config=config, seed=seed, overrides=(), stages=(use,))

    def run(self, number: int, job: Job) -> TrialResult:
        del number
        [use] = job.stages
        with self.store.alone(use.key, STAGE) as known:
            record = known if known is not None and known.marks else self._call(job, use, known)
        return TrialResult(
            config=job.config,
            seed=job.seed,
            stages=job.stages,
            n_validation=record.facts["of"],
            correct=record.facts["correct"],
        )

    def _call(self, job: Job, use: StageUse, known: StageRecord | None) -> StageRecord:
        """Call the function in a window; what a call that failed took stays on the bill."""
        facts = JsonDict()
        reading = None
        try:
            with measure(self.meter, label=_called(self.function)) as reading:
                facts = _facts(self.function(**job.params), _called(self.function))
        finally:
            lost = known.lost if known is not None else ()
            marks = () if reading is None else (self._mark(reading),)
            record = StageRecord(
                stage=use.stage,
                key=use.key,
                cost_key=use.cost_key,
                marks=marks if facts else (),
                lost=lost if facts else (*lost, *marks),
                facts=facts,
                settings=job.params,
            )
            self.store.put(record)
        return record

    def _mark(self, reading: Measured) -> Mark:
        energy = reading.energy
        return Mark(units=1.0, reading=per_busy_thread(energy, self.meter.facts().coefficients))


def _facts(answer: Any, called: str) -> JsonDict:
    """What a call returned, checked."""
    pair: list[Any] = list(answer) if isinstance(answer, tuple | list) else []  # pyright: ignore
    whole = [isinstance(number, Integral) for number in pair]
    if whole != [True, True] or not 0 <= pair[0] <= pair[1] or not pair[1]:
        raise BadInput(
            f"{called} returned {answer!r}: return two whole numbers, how many validation images"
            " were right and how many there are, so that the accuracy has an interval"
        )
    return {"correct": int(pair[0]), "of": int(pair[1])}
