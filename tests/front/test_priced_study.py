"""Every face of a study prices it once: calls are counted while the verbs run, as they are."""

from __future__ import annotations

import contextlib
import cProfile
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import toy_study
from stored_study import store_study

from benchmarks.formula import run_formula
from energy_sweep.app.main import main
from energy_sweep.app.verbs import options as verbs
from energy_sweep.front import PricedStudy, rows
from energy_sweep.front.bill import bill
from energy_sweep.front.configurations import configurations, price_list, rows_of, varying
from energy_sweep.front.infeasible import infeasible_rows
from energy_sweep.front.rivals import compared
from energy_sweep.front.savings import savings
from energy_sweep.record import BadInput, EnergySweepError, Objective
from energy_sweep.study import server

# What makes rows of a study, and what else is computed of all its trials.
ROWS = (price_list, configurations, varying, rows_of, compared)
MORE = (bill, infeasible_rows, savings)


@contextlib.contextmanager
def counting() -> Iterator[Counter[str]]:
    """How often each of the functions above was called, once the work inside is done.

    By the profiler that is written in C, which hardly slows down what it looks at.
    """
    names = {one.__code__: one.__name__ for one in (*ROWS, *MORE)}
    calls, profiler = Counter[str](), cProfile.Profile(builtins=False)
    with profiler:
        yield calls
    for entry in profiler.getstats():
        if entry.code in names:
            calls[names[entry.code]] += entry.callcount


def once(*functions: Any) -> dict[str, int]:
    return {one.__name__: 1 for one in functions}


# A page holds three objectives, of which each has rows of its own; prices are those of the study.
PAGE = {**once(*ROWS, *MORE), **{one.__name__: 3 for one in ROWS if one is not price_list}}


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("priced") / "outputs"
    store_study(folder, "toy", toy_study.grid(rates=(0.01, 10.0), epochs=(10,)))
    return folder


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (["front"], once(*ROWS, bill, savings)),
        (["front", "--json"], once(*ROWS, *MORE)),
        (["front", "--csv"], once(*ROWS)),
        (["choose"], once(*ROWS)),
        (["report", "--to", "page.html"], PAGE),
    ],
)
def test_a_verb_prices_a_study_once(
    outputs: Path,
    words: list[str],
    wanted: dict[str, int],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    with counting() as calls:
        assert verbs.run([*words, "--outputs", str(outputs)]) == 0
    assert calls == wanted


def test_deploy_prices_a_study_once(outputs: Path, tmp_path: Path) -> None:
    with counting() as calls, pytest.raises(BadInput, match="is gone"):
        # What it was chosen for and what it costs is known before what it ran with is looked for.
        verbs.run(["deploy", "--outputs", str(outputs), "--to", str(tmp_path / "made")])
    assert calls == once(*ROWS)


@pytest.mark.no_cover
def test_the_dashboard_prices_a_study_once(outputs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def at_once(work: Callable[[threading.Event], None]) -> None:
        work(threading.Event())  # in this thread, since a profiler sees its own alone

    monkeypatch.setattr(server, "until_interrupted", at_once)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        words = ["dashboard", "--outputs", str(outputs), "--no-browser", "--port", port]
        with counting() as calls, pytest.raises(BadInput, match=f"port {port}"):
            verbs.run(words)  # notes and page are made before it is served
    assert calls == PAGE


@pytest.mark.no_cover
def test_the_end_of_a_sweep_prices_the_study_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = ["-m", "meter=replay", "search/space=none", "device.plan=channels_last", "epochs=2"]
    with counting() as calls:
        assert main([*settings, "batch=32"], run=run_formula) == 0
    assert calls == once(*ROWS, bill, savings)


def test_its_parts_are_those_of_the_functions_that_a_library_calls() -> None:
    study = toy_study.grid(rates=(0.001, 0.01, 10.0))
    priced = PricedStudy(study, Objective(name="training"))
    assert priced.rows == rows(study, "training")
    assert {row.trial for row in priced.ranked} == {row.trial for row in priced.rows}
    assert [row.joules for row in priced.front] == sorted(row.joules for row in priced.front)
    assert set(priced.row_by_trial) | {row.trial for row in priced.infeasible} == {
        trial.number for trial in study.trials
    }


def test_seeds_of_a_configuration_share_its_row_and_what_has_no_price_has_none() -> None:
    uses = [("trunk", "t", "epoch", 1.0)]
    trials = [toy_study.trial(n, uses, seed=n, lr=0.1) for n in (0, 1)]
    trials.append(toy_study.trial(2, [("trunk", "gone", "gone", 1.0)], lr=0.2))
    record = toy_study.study(trials, [toy_study.stage("trunk", "t", "epoch", (1, 2.0, 0.0))])
    priced = PricedStudy(record)
    assert priced.row_by_trial[0] is priced.row_by_trial[1]
    assert priced.row_by_trial.keys() == {0, 1}
    assert priced.unpriced == (2,)
    bare = PricedStudy(toy_study.study(trials, []))
    assert bare.unpriced == (0, 1, 2)
    with pytest.raises(EnergySweepError, match="cannot be priced"):
        _ = bare.rows
