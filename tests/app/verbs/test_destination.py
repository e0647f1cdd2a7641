"""Verbs write over nothing that they did not write, and into no study."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import toy_study
from stored_study import store_study

from energy_sweep.app.main import main
from energy_sweep.app.verbs.destination import check_deployment, fresh_folder
from energy_sweep.record import BadInput


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return store_study(tmp_path_factory.mktemp("destinations"), "toy", toy_study.grid())


def files(folder: Path) -> dict[str, bytes]:
    """What every file of a folder holds."""
    return {str(p): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_nothing_of_the_users_is_written_over(
    study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "config.yaml").write_text("mine: 1\n")
    (mine / "notes.html").write_text("<!doctype html>\n<title>mine</title>\n")
    (mine / "data.json").write_text('{"joules": 1}\n')
    before = files(tmp_path) | files(study)
    for words in (
        ["deploy", str(study), "--to", str(mine)],
        ["report", str(study), "--to", str(mine / "notes.html")],
        ["measure", "--to", str(mine / "data.json"), "--", "touch", str(mine / "ran")],
        ["meters", "--calibrate", "--to", str(mine / "data.json")],
    ):
        assert main(words) == 2
        said = capsys.readouterr().err
        assert "--force to write over it" in said and len(said.splitlines()) == 1
    assert files(tmp_path) | files(study) == before


def test_no_file_of_a_study_is_written_over_even_by_force(
    study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = files(study)
    for words in (
        ["report", str(study), "--to", str(study / "study.db"), "--force"],
        ["deploy", str(study), "--to", str(study / "trials" / "1"), "--force"],
        ["measure", "--to", str(study / "trials" / "x.json"), "--force", "--", "true"],
        ["meters", "--calibrate", "--to", str(study / "stages" / "x.json"), "--force"],
    ):
        assert main(words) == 2
        assert "lies inside the study toy" in capsys.readouterr().err
    assert files(study) == before


def test_a_page_is_written_over_a_page_and_by_force_over_anything(
    study: Path, tmp_path: Path
) -> None:
    page = tmp_path / "page.html"
    assert [main(["report", str(study), "--to", str(page)]) for _ in range(2)] == [0, 0]
    page.write_text("mine")
    assert main(["report", str(study), "--to", str(page)]) == 2
    assert page.read_text() == "mine"
    assert main(["report", str(study), "--to", str(page), "--force"]) == 0
    assert page.read_bytes().startswith(b"<!doctype html>")
    assert [main(["report", str(study)]) for _ in range(2)] == [0, 0]


def test_a_deployment_goes_over_an_older_one_and_leaves_nothing_where_it_fails(
    tmp_path: Path,
) -> None:
    check_deployment(tmp_path, force=False)  # empty
    (tmp_path / "model.onnx").touch()
    with pytest.raises(BadInput, match="--force"):
        check_deployment(tmp_path, force=False)
    check_deployment(tmp_path, force=True)
    metrics = {"study": "toy", "trial": 3, "measured_file": "model.onnx"}
    (tmp_path / "metrics.json").write_text(json.dumps(metrics))
    check_deployment(tmp_path, force=False)
    new = tmp_path / "above" / "new"
    with pytest.raises(RuntimeError), fresh_folder(new):
        new.mkdir(parents=True)
        raise RuntimeError
    assert not new.parent.exists()
