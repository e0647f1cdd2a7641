"""The notebook of the docs, cell by cell, and what a loaded study gives."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from typing import Any

import pytest
import toy_study
from stored_study import store_study

from energy_sweep import LoadedStudy, Objective, choose, load_study, rows, search
from energy_sweep.analysis import load_study as load
from energy_sweep.front import as_document, front_document

PAGE = Path(__file__).parents[1] / "docs/a-study.ipynb"


@pytest.fixture(autouse=True)
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LoadedStudy:
    """The toy study under the name of the default sweep."""
    monkeypatch.chdir(tmp_path)
    store_study(tmp_path / "outputs", "digits-small_cnn", toy_study.grid())
    return load("digits-small_cnn")


def run_cells(page: dict[str, Any]) -> dict[str, Any]:
    """What each code cell shows, by its id: the value of its last line, as Jupyter would."""
    names: dict[str, Any] = {"__name__": "__main__"}
    shown: dict[str, Any] = {}
    for cell in page["cells"]:
        if cell["cell_type"] != "code":
            continue
        tree = ast.parse("".join(cell["source"]))
        last = tree.body[-1]
        if isinstance(last, ast.Expr):
            exec(compile(ast.Module(tree.body[:-1], []), cell["id"], "exec"), names)
            value = eval(compile(ast.Expression(last.value), cell["id"], "eval"), names)
            shown[cell["id"]] = value
        else:
            exec(compile(tree, cell["id"], "exec"), names)
    return shown


def test_every_cell_runs_and_shows_what_it_should(
    study: LoadedStudy, capsys: pytest.CaptureFixture[str]
) -> None:
    page = json.loads(PAGE.read_text(encoding="utf-8"))
    assert (page["nbformat"], page["nbformat_minor"]) == (4, 5)
    cells = page["cells"]
    assert len({cell["id"] for cell in cells}) == len(cells)
    shown = run_cells(page)
    for cell in cells:  # nothing of a machine is kept
        assert cell["cell_type"] == "markdown" or (
            cell["outputs"] == [] and cell["execution_count"] is None
        )
    assert repr(shown["load"]) == (
        "<study digits-small_cnn: 24 trials with a result, joules estimated>"
    )
    assert shown["quality"][0] == "estimated"
    front = [row.trial for row in study.front("training")]
    assert [trial for trial, _, _ in shown["front"]] == front
    assert Path("report.html").stat().st_size > 1e6
    assert "cheapest of" in capsys.readouterr().out


def test_a_figure_shows_itself_and_has_no_button_that_uploads_it(
    study: LoadedStudy, monkeypatch: pytest.MonkeyPatch
) -> None:
    import plotly.io

    monkeypatch.setattr(plotly.io.renderers, "default", "plotly_mimetype")
    figure = study.figure()
    [plain] = figure._repr_mimebundle_().values()
    assert plain["config"]["showSendToCloud"] is False
    page = figure._repr_html_()
    assert '"showSendToCloud": false' in page and not re.findall("<script[^>]* src=", page)
    drawn = [x for trace in plain["data"] if trace.get("name") == "front" for x in trace["x"]]
    assert {row.joules for row in study.front()} <= set(drawn)


def test_the_table_has_the_rows_of_the_front_document(study: LoadedStudy) -> None:
    table = study.table("training")
    document = as_document(study.priced("training"))
    every = [*document["front"], *document["dominated"]]
    assert list(table["trial"]) == [row["trial"] for row in every]
    assert list(table["joules"]) == [row["joules"] for row in every]
    assert list(table["on_front"]).count(True) == len(document["front"])
    assert list(table["batch"]) == [row["params"]["batch"] for row in every]
    assert type(table).__name__ == "DataFrame" and set(table["quality"]) == {"estimated"}
    assert list(table)[:4] == ["trial", "on_front", "batch", "lr"]


def test_without_pandas_a_table_is_columns(
    study: LoadedStudy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    table = study.table()
    assert isinstance(table, dict) and {len(column) for column in table.values()} == {24}


def test_a_loaded_study_is_the_record_that_it_was(study: LoadedStudy) -> None:
    assert rows(study, "training") == study.priced("training").rows
    assert choose(study, min_accuracy=0.9).row == study.choose(min_accuracy=0.9).row
    assert front_document(study, Objective("inference"))["front"]
    assert study.priced("training") is study.priced(Objective("training"))
    assert load_study(Path("outputs/digits-small_cnn")).trials == study.trials
    assert LoadedStudy.of(study) is study


def test_a_search_gives_a_study_to_look_at() -> None:
    found = search(lambda width: (width, 100), {"width": [8, 16]}, name="x", meter="replay")
    assert [row.params for row in found.front("training")] != []
