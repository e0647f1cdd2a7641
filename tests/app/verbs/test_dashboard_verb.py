"""One dashboard of all studies, as its own interface tells them, while others hold connections."""

from __future__ import annotations

import json
import socket
import threading
import urllib.request
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import toy_study
from stored_study import store_study

from energy_sweep.app.main import main
from energy_sweep.app.verbs import serving
from energy_sweep.front import PricedStudy
from energy_sweep.record import Objective
from energy_sweep.study import stored

NAMES = ("one", "others/two")


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two studies: one of a grid, and one of which a rate diverges and seeds are repeated."""
    folder = tmp_path_factory.mktemp("all") / "outputs"
    store_study(folder, NAMES[0], toy_study.grid())
    store_study(folder, NAMES[1], toy_study.grid(rates=(0.01, 1.0)))
    return folder


@pytest.fixture(scope="module")
def address(outputs: Path) -> Iterator[str]:
    """Where the dashboard of both answers, while two clients hold idle connections."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    typed = Namespace(
        name=None,
        outputs=outputs,
        port=port,
        json=True,
        write=False,
        no_browser=True,
        objective="lifetime",
        images=100_000,
        unconstrained=False,
    )
    served = [
        serving.ToServe(stored=found, folder=found.folder, name=name)
        for name, found in serving.studies(typed)
    ]
    stop = threading.Event()
    thread = threading.Thread(target=serving.serve, args=(served, typed, stop))
    thread.start()
    idle = [_connected(port) for _ in range(2)]
    yield f"http://127.0.0.1:{port}"
    for client in idle:
        client.close()
    stop.set()
    thread.join(10)
    assert not thread.is_alive()


def _connected(port: int) -> socket.socket:
    """A client that says nothing, once there is somebody who would listen."""
    for _ in range(200):
        try:
            return socket.create_connection(("127.0.0.1", port))
        except OSError:
            threading.Event().wait(0.1)
    pytest.fail("the dashboard does not answer")


def asked(address: str, path: str) -> Any:
    with urllib.request.urlopen(f"{address}{path}", timeout=10) as answer:
        body = answer.read()
    return json.loads(body) if answer.headers["Content-Type"] == "application/json" else body


def detail(address: str, name: str) -> tuple[int, dict[str, Any]]:
    """The id of a study there, and all that is told of it."""
    found = asked(address, "/api/studies")["study_summaries"]
    [number] = [one["study_id"] for one in found if one["study_name"] == name]
    return number, asked(address, f"/api/studies/{number}")


@pytest.mark.parametrize("name", NAMES)
def test_best_trials_are_our_front(address: str, outputs: Path, name: str) -> None:
    _, told = detail(address, name)
    priced = PricedStudy(stored.load_study(outputs / name), Objective())
    best = {trial["number"]: tuple(trial["values"]) for trial in told["best_trials"]}
    assert best == {row.trial: (row.accuracy, row.joules) for row in priced.front}
    out = {row.trial for row in priced.infeasible}
    pruned = {trial["number"] for trial in told["trials"] if trial["state"] == "Pruned"}
    [front] = told["plotly_graph_objects"]
    drawn = json.loads(front["graph_object"])
    points = {x for trace in drawn["data"] if trace["name"] == "front" for x in trace["x"]}
    assert {row.joules for row in priced.front} <= points
    assert pruned == out and bool(out) == (name == NAMES[1])


@pytest.mark.parametrize("name", NAMES)
def test_attributes_are_lines_and_notes_are_those_of_the_trial(
    address: str, outputs: Path, name: str
) -> None:
    number, told = detail(address, name)
    facts = {one["key"]: one["value"] for one in told["user_attrs"]}
    assert "estimated" in facts["values"] and facts["meter"] == "estimate: cpu"
    priced = PricedStudy(stored.load_study(outputs / name), Objective())
    for trial in told["trials"]:
        lines = {one["key"]: one["value"] for one in trial["user_attrs"]}
        assert "claim" not in lines and not any("{" in text for text in lines.values())
        row = priced.row_by_trial.get(trial["number"])
        if row is not None:
            assert lines["accuracy"].startswith(f"{row.accuracy:.4f}, at 95 %")
            assert "J estimated" in lines["lifetime"]
            assert f"**{row.accuracy:.4f}**" in trial["note"]["body"]
    link = f"/artifacts/{number}/"
    path = told["note"]["body"].partition(link)[2].partition(")")[0]
    assert b"<html" in asked(address, link + path)[:2000]


def test_epochs_are_intermediate_values(finished: Path) -> None:
    from energy_sweep.app.verbs.shown_trials import shown_trials

    priced = PricedStudy(stored.load_study(finished), Objective("training"))
    shown, steps = shown_trials(priced)
    assert steps == "the mean training loss of each epoch"
    for number, one in shown.items():
        row = priced.row_by_trial[number]
        assert list(one.steps)[: row.params["epochs"]] == list(range(1, row.params["epochs"] + 1))
        assert one.values == (row.accuracy, row.joules)
        assert all(0 < loss < 10 for loss in one.steps.values())


def test_writing_is_for_one_study(outputs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dashboard", "--write", "--outputs", str(outputs)]) == 2
    assert "type dashboard NAME --write" in capsys.readouterr().err


def test_what_may_be_changed_is_shown_as_it_is_stored(tmp_path: Path) -> None:
    folder = store_study(tmp_path, "mine", toy_study.grid())
    found = stored.load_study(folder)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    typed = Namespace(name="mine", outputs=tmp_path, port=port, json=True, write=True)
    typed.no_browser, typed.objective, typed.images, typed.unconstrained = (
        True,
        "lifetime",
        10,
        False,
    )
    [(name, one)] = serving.studies(typed)
    stop = threading.Event()
    served = [serving.ToServe(stored=one, folder=one.folder, name=name)]
    thread = threading.Thread(target=serving.serve, args=(served, typed, stop))
    thread.start()
    _connected(port).close()
    number, told = detail(f"http://127.0.0.1:{port}", "mine")
    rename = urllib.request.Request(
        f"http://127.0.0.1:{port}/api/studies/{number}/rename",
        data=b'{"study_name": "other"}',
        headers={"Content-Type": "application/json"},
    )
    urllib.request.urlopen(rename, timeout=30).read()
    stop.set()
    thread.join(10)
    assert told["trials"][0]["values"][1] == 1.0  # as it was told
    assert "Started with `--write`" in told["note"]["body"]
    # Renamed there, it is whole: what is shown, and so copied, was what is stored.
    assert stored.load_study(folder).trials == found.trials
    assert stored.load_study(folder).damage == found.damage


def test_a_study_that_cannot_be_read_is_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store_study(tmp_path, "good", toy_study.grid())
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "study.db").write_bytes(b"no database" * 100)
    found = serving.studies(Namespace(name=None, outputs=tmp_path))
    assert [name for name, _ in found] == ["good"]
    assert capsys.readouterr().err.startswith("left out: bad: ")
