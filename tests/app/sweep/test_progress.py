"""The lines that a sweep prints."""

from __future__ import annotations

import dataclasses
import io
import sys

import pytest

from energy_sweep.app.sweep.announce import axis_text, next_commands, outcome_text, plan_text
from energy_sweep.app.sweep.bar import Bar
from energy_sweep.app.sweep.live_line import DRAWINGS_A_SECOND, SweepState, line_of
from energy_sweep.app.sweep.progress import ProgressPrinter
from energy_sweep.app.sweep.trial_text import duration, fraction, words
from energy_sweep.record import MeterFacts, Objective, Quality, StageRecord, TrialResult
from energy_sweep.search import Finished, Job, Outcome, Planned, RunOrder, Started
from energy_sweep.search.events import BuyingBegins
from energy_sweep.study.space import Axis

METER = MeterFacts(sources=("s",), domains=("cpu",), quality=Quality.ESTIMATED)
JOB = Job(params={"lr": 0.1}, config={}, seed=0, overrides=("lr=0.1",), stages=())
LR = Axis(name="lr", values=(0.1, 0.2), source="search.space")


def order(jobs: tuple[Job, ...]) -> RunOrder:
    return RunOrder(jobs=jobs, repeats=0, duplicates=0, alone_epochs=20.0, shared_epochs=5.0)


def planned(*, jobs: int, total: int | None = 2, sampler: str | None = None) -> Planned:
    plan = order((JOB,) * jobs)
    return Planned(
        plan=None if sampler else plan, sampler=sampler, measured=0, total=total, adopted=()
    )


def finished(**changes: object) -> Finished:
    result = TrialResult(config={}, seed=0, stages=(), n_validation=10, correct=9)
    values = {"number": 3, "job": JOB, "result": result, "error": None, "joules": 6.4}
    values |= {"contended": False}
    values |= {"spent_joules": 12.0, "front": 4, "measured": 1, "total": 2}
    return Finished(**{**values, **changes})  # type: ignore[arg-type]


def test_plan_tells_axes_sources_and_the_saving() -> None:
    text = plan_text(planned(jobs=2), (LR,))
    assert "lr  0.1, 0.2  search.space" in text
    assert "search/space=none drops" in text
    assert "2 to run: 20 epochs one by one, 5 with shared stages (4.0 times fewer)" in text
    assert "nothing new to run" in plan_text(planned(jobs=0), (LR,))
    assert "100 configurations, 0 measured; tpe chooses" in plan_text(
        planned(jobs=0, total=100, sampler="tpe"), ()
    )
    assert "until the budget is used up" in plan_text(
        planned(jobs=0, total=None, sampler="tpe"), ()
    )


def test_a_line_per_trial_says_how_joules_were_obtained(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with ProgressPrinter(axes=(LR,), meter=METER, plans={}, objective=Objective()) as watch:
        watch(planned(jobs=2))
        watch(Started(number=3, job=JOB, measured=0, total=2))
        watch(finished())
        watch(finished(result=None, joules=None, error="a bug"))
    lines = capsys.readouterr().err.splitlines()
    line = "trial 3  1/2  lr=0.1  accuracy .900  lifetime 6.4 J estimated  spent 12 J estimated"
    line += "  front 4"
    assert "objective lifetime: joules of training and 100,000 images" in lines
    assert any(said.startswith(f"{line}  left ~") for said in lines)
    assert lines[-1] == "trial 3  1/2  lr=0.1  failed: a bug"


def test_repeated_seeds_are_counted_and_what_is_bought_has_no_count(
    capsys: pytest.CaptureFixture[str],
) -> None:
    jobs = tuple(dataclasses.replace(JOB, seed=seed) for seed in range(3))
    with ProgressPrinter(axes=(LR,), meter=METER, plans={}, objective=Objective()) as watch:
        watch(dataclasses.replace(planned(jobs=0, total=1), plan=order(jobs)))
        for number, job in enumerate(jobs):
            watch(finished(number=number, job=job, measured=1, total=1))
        watch(BuyingBegins(setting="confirm", left_joules=2.0))
        watch(finished(number=3, job=dataclasses.replace(JOB, seed=3), measured=1, total=1))
    said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("trial ")]
    assert [line.split("  ")[1] for line in said] == ["1/3", "2/3", "3/3", "lr=0.1"]
    assert ["left ~" in line for line in said] == [True, True, False, False]


def test_plans_are_told_once_as_they_are_made(capsys: pytest.CaptureFixture[str]) -> None:
    def tried(batch: int) -> StageRecord:
        facts = {"plan": {"layout": "contiguous", "compile": False}, "bf16": None}
        settings = {"model": {"name": "net"}, "shape": [1, 8, 8], "batch": batch}
        settings["precision"] = "fp32"
        return StageRecord(stage="calibrate", key="", cost_key="", facts=facts, settings=settings)

    plans = {"a": tried(32)}
    with ProgressPrinter(axes=(LR,), meter=METER, plans=plans, objective=Objective()) as watch:
        watch(planned(jobs=2))
        plans["b"] = tried(64)
        watch(Started(number=3, job=JOB, measured=0, total=2))
        watch(Started(number=4, job=JOB, measured=0, total=2))
    said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("plan: ")]
    assert [line.split(" fp32")[0] for line in said] == [
        "plan: net 8x8 batch 32",
        "plan: net 8x8 batch 64",
    ]


def test_bar_keeps_lines_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with ProgressPrinter(axes=(LR,), meter=METER, plans={}, objective=Objective()) as watch:
        watch(planned(jobs=2))
        watch(Started(number=3, job=JOB, measured=0, total=2))
        watch(finished())
        watch(Outcome(new=(3,), infeasible=(), failed=(), repeats=0, stopped="done"))
    assert "accuracy .900" in terminal.getvalue()
    assert "1 new; nothing is left in the space" in terminal.getvalue()


@pytest.mark.parametrize("width", [20, 79, 99, 159])
def test_the_live_line_fits_and_says_the_first_things_first(width: int) -> None:
    state = SweepState(
        quality="estimated",
        measured=23,
        total=108,
        spent_joules=31.4,
        saved_joules=112.0,
        front=7,
        doubt=0.94,
        seconds_left=200.0,
        now="trial 24: batch=32 lr=0.1 epochs=10 compression.level=0.5",
    )
    line = line_of(state.parts(stages=61), width)
    assert len(line) <= width and line.startswith("23/108 trials")
    assert ("spent 31.4 J, saved 112 J estimated" in line) == (width >= 79)
    assert ("61 stages" in line) == (width >= 99)
    assert line.endswith("level=0.5") == (width >= 159)


def test_what_is_not_known_or_nothing_is_not_said() -> None:
    state = SweepState(quality="estimated", saved_joules=-3.0)
    assert line_of(state.parts(stages=2), 200) == "0 trials  2 stages  spent 0 J estimated"
    assert DRAWINGS_A_SECOND == 1.0


def test_bar_draws_at_most_once_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = io.StringIO()
    monkeypatch.setattr(sys, "stderr", terminal)
    bar = Bar(10, 0)
    drawn = []
    monkeypatch.setattr(bar._progress, "refresh", lambda: drawn.append(1))
    for number in range(10):
        bar.show("working", number)
    bar.close()
    assert len(drawn) <= 2


def test_outcome_and_next_commands() -> None:
    outcome = Outcome(new=(1,), infeasible=(2,), failed=(3,), repeats=4, stopped="failures")
    assert outcome_text(outcome).startswith("1 new, 1 infeasible, 1 failed, 4 known before;")
    told = next_commands(["a b", "--outputs", "there"], best=0.9)
    assert "deploy 'a b' --outputs there --to deployed" in told


def test_small_words() -> None:
    assert axis_text(Axis(name="lr", low=0.1, high=1, log=True)) == "0.1 to 1 (log)"
    assert [duration(s) for s in (5, 600, 7200)] == ["5 s", "10 min", "2.0 h"]
    assert (fraction(0.9834), fraction(1.0)) == (".983", "1.000")
    assert words({"batch": 32, "compression.level": 0.5}) == "batch=32 compression.level=0.5"
