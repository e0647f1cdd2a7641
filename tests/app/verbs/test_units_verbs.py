"""Other units on every face: front, choose, compare, measure and the page."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import toy_study
from stored_study import store_study

from energy_sweep.app.main import main
from energy_sweep.record import JsonDict

DE = ("--price", "0.3", "--currency", "EUR", "--grid", "DE")
CITED = "(DE 2024, Ember, CC BY 4.0)"


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("units") / "outputs"
    store_study(folder, "toy", toy_study.grid())
    store_study(folder, "small", toy_study.grid(rates=(0.01,)))
    return folder


def told(outputs: Path, capsys: pytest.CaptureFixture[str], *words: str) -> JsonDict:
    assert main([*words, "--outputs", str(outputs), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def said(outputs: Path, capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main([*words, "--outputs", str(outputs)]) == 0
    return capsys.readouterr().out


def check(figures: JsonDict) -> None:
    """Money and CO2 follow from the joules by the factors that were typed."""
    hours = figures["joules"] / 3.6e6
    assert figures["kilowatt_hours"] == pytest.approx(hours)
    assert figures["money"] == pytest.approx(0.3 * hours)
    assert figures["kilograms_co2e"] == pytest.approx(0.34414 * hours)


def test_a_front_is_told_in_other_units_beside_its_joules(
    outputs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document = told(outputs, capsys, "front", "toy", *DE)
    units = document.pop("units")
    assert document == told(outputs, capsys, "front", "toy")
    assert (units["grid"], units["year"], units["currency"]) == ("DE", 2024, "EUR")
    assert [one["trial"] for one in units["rows"]] == [row["trial"] for row in document["front"]]
    for one, row in zip(units["rows"], document["front"], strict=True):
        check(one["objective"])
        check(one["million_images"])
        assert one["objective"]["joules"] == row["joules"]
        assert one["objective"]["uncertainty_joules"] == row["uncertainty_joules"]
        assert one["million_images"]["joules"] == pytest.approx(1e6 * row["joules_per_image"])
    assert units["spent"]["joules"] == document["spent_joules"]
    assert units["one_by_one"]["joules"] == document["attributed_joules"]
    text = said(outputs, capsys, "front", "toy", *DE)
    assert "kgCO2e DE 2024" in text and CITED in text and "one unknown factor between" in text
    assert "kWh" not in said(outputs, capsys, "front", "toy")


def test_a_choice_is_told_in_other_units(outputs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = told(outputs, capsys, "choose", "toy", "--knee", *DE)
    check(document["units"]["objective"])
    assert document["units"]["objective"]["joules"] == document["joules"]
    lines = said(outputs, capsys, "choose", "toy", "--knee", *DE).splitlines()
    unit_lines = [line for line in lines if line.startswith("  units ")]
    assert len(unit_lines) == 2 and all(CITED in line for line in unit_lines)
    assert "1 million images: " in unit_lines[1] and "estimated, ± " in unit_lines[1]


def test_a_comparison_is_told_in_other_units(
    outputs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document = told(outputs, capsys, "compare", "toy", "0", "3", *DE)
    check(document["units"]["difference"])
    assert document["units"]["difference"]["joules"] == document["joules_change"]
    assert "difference  1 million images" in said(outputs, capsys, "compare", "toy", "0", "3", *DE)
    studies = told(outputs, capsys, "compare", "toy", "small", *DE)
    assert set(studies["units"]) == {"toy", "small"}
    check(studies["units"]["small"]["spent"])
    text = said(outputs, capsys, "compare", "toy", "small", "--carbon", "0.35")
    assert text.count("kgCO2e at 0.35 kg a kWh, as typed") == 2


def test_the_page_has_them_where_factors_are_typed(
    outputs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "page.html"
    said(outputs, capsys, "report", "toy", "--to", str(page), *DE)
    text = page.read_text(encoding="utf-8")
    assert '<section id="units"' in text and CITED in text
    data = text.split('id="data-units">')[1].split("</script>")[0]
    assert json.loads(data)["kilograms_co2e_per_kwh"] == pytest.approx(0.34414)
    said(outputs, capsys, "report", "toy", "--to", str(page))
    assert '<section id="units"' not in page.read_text(encoding="utf-8")


def test_a_measured_program_is_told_in_other_units(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "joules.json"
    words = ["measure", "--meter", "estimate", "--to", str(path), *DE, "--", "true"]
    assert main(words) == 0
    assert CITED in " ".join(capfd.readouterr().err.split())
    document = json.loads(path.read_text(encoding="utf-8"))
    check(document["units"])
    assert document["units"]["joules"] == document["joules"]


@pytest.mark.parametrize(
    "verb", [["front"], ["choose"], ["compare", "0", "3"], ["report"], ["measure", "--", "true"]]
)
def test_factors_that_contradict_each_other_are_refused_by_every_face(
    outputs: Path, verb: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    where = [] if verb[0] == "measure" else ["--outputs", str(outputs)]
    head, tail = (verb[:1], verb[1:])
    for typed, line in (
        (["--grid", "DE", "--carbon", "1"], "type one of them"),
        (["--price", "1"], "--currency EUR"),
        (["--grid", "XX"], "no grid is called XX"),
        (["--carbon", "0"], "not a positive number"),
    ):
        assert main([*head, *typed, *where, *tail]) == 2
        said = capsys.readouterr().err
        assert line in said and len(said.splitlines()) == 1


@pytest.mark.parametrize("width", [80, 120])
def test_units_fit_the_terminal(
    outputs: Path,
    width: int,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    for words in (["front", "toy"], ["compare", "toy", "0", "3"], ["compare", "toy", "small"]):
        lines = said(outputs, capsys, *words, *DE).splitlines()
        assert all(len(line) <= width for line in lines)
