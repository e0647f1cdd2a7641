"""A counted A100 beside an estimated processor: what no face may say of that, and what all do.

The meter is opened on a compiled libnvidia-ml.so.1, in a machine without RAPL.
"""

from __future__ import annotations

import dataclasses
import json
import re
import shutil
from pathlib import Path

import pytest
import toy_study
from meter.fake_nvml import UUIDS, FakeNvml
from stored_study import store_study

from energy_sweep.app.verbs import options as verbs
from energy_sweep.app.verbs.notes import study_note
from energy_sweep.front import PricedStudy
from energy_sweep.meter import Work, open_meter
from energy_sweep.record import (
    BadInput,
    EnergyReading,
    Mark,
    MeterFacts,
    Objective,
    StageRecord,
    StudyRecord,
)

WORK = Work(stage="trunk", images=1, parameters=1)
DECIDED = "does not change which configuration is cheaper"
UNDECIDED = "Which is cheaper depends on these factors: trials 0 and 1."
FACTORS = (
    "those of cpu and memory are estimated, times an unknown factor between 0.933 and 4; those of"
    " gpu:0 are counted, times an unknown factor between 0.885 and 1.09"
)


@pytest.fixture(scope="module", name="measured")
def _measured(tmp_path_factory: pytest.TempPathFactory) -> tuple[MeterFacts, EnergyReading]:
    """What meter=auto says of itself on such a machine, and a reading of it."""
    folder = tmp_path_factory.mktemp("a100")
    with FakeNvml(folder).preloaded():
        spec = {"name": "auto", "powercap": str(folder / "none"), "self_check": False}
        meter = open_meter(spec, devices=[UUIDS[0]])
        with meter.window(WORK) as window:
            reading = window.mark().reading
    return meter.facts(), reading


@pytest.fixture(name="study")
def _study(measured: tuple[MeterFacts, EnergyReading]) -> StudyRecord:
    """Two equal accuracies for 100 J of board and 5 J of processor, or 92 J and 12 J."""
    facts, reading = measured

    def record(stage: str, key: str, board: float, processor: float) -> StageRecord:
        joules = {"gpu:0": board, "cpu": processor}
        parts = tuple(
            dataclasses.replace(
                part,
                joules=joules.get(part.domain, 0.0),
                uncertainty_joules=0.0,
                edge_joules=0.0,
            )
            for part in reading.domains
        )
        terms = {"cpu_seconds": processor / 3.0, "gib_cpu_seconds": 0.0}
        whole = dataclasses.replace(reading, domains=parts, terms=terms, contended=False)
        mark = Mark(units=1.0, reading=dataclasses.replace(whole, started=None))
        return StageRecord(stage=stage, key=key, cost_key=key, marks=(mark,))

    found = [record("trunk", "wide", 100.0, 5.0), record("trunk", "deep", 92.0, 12.0)]
    found.append(record("infer", "image", 1e-6, 1e-7))
    trials = [
        toy_study.trial(
            number, [("trunk", net, net, 1.0), ("infer", "image", "image", 1.0)], model=net
        )
        for number, net in enumerate(("wide", "deep"))
    ]
    steady = dataclasses.replace(
        facts,
        repeatability=0.0,
        repeatability_by_domain=dict.fromkeys(facts.domains, 0.0),
    )
    return dataclasses.replace(toy_study.study(trials, found), meter=steady)


@pytest.fixture(name="outputs")
def _outputs(study: StudyRecord, tmp_path: Path) -> Path:
    store_study(tmp_path / "outputs", "mixed", study)
    return tmp_path / "outputs"


def told(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    capsys.readouterr()
    assert not verbs.run([str(word) for word in words])
    return capsys.readouterr().out


def plain(text: str) -> str:
    return " ".join(re.sub("<[^>]*>", " ", text).split())


def test_the_meter_keeps_the_band_of_each_source(
    measured: tuple[MeterFacts, EnergyReading],
) -> None:
    facts, reading = measured
    assert facts.sources == ("nvml", "estimate")
    assert facts.scale_band_of("nvml") == (0.885, 1.087)
    assert facts.scale_band_of("estimate") == pytest.approx((2.8 / 3, 4.0))
    assert facts.scale_band == (0.885, 4.0)
    assert {part.source for part in reading.domains} == set(facts.scale_bands)


def test_the_pair_is_undecided(study: StudyRecord) -> None:
    priced = PricedStudy(study, Objective("training"))
    assert [row.joules for row in priced.rows] == pytest.approx([105.0, 104.0])
    assert [row.rivals for row in priced.rows] == [(1,), (0,)]
    assert [row.beaten_by for row in priced.rows] == [(), ()]
    # The one of fewer joules is the cheaper one where the estimate's factor is below 8 / 7 of the
    # board's: ln(8 / 7 * .98 / .933) / ln(4 / .933) = .13 of its band, at the middle of the other.
    log_joules = priced.beliefs.log_joules
    assert 0.09 < (log_joules[:, 1] < log_joules[:, 0]).mean() < 0.17
    first, second = (row.belongs or 0.0 for row in priced.rows)
    assert first > second > 0


def test_with_one_factor_the_same_joules_are_decided(study: StudyRecord) -> None:
    bands = {"nvml": (1.0, 1.0), "estimate": (1.0, 1.0)}
    meter = dataclasses.replace(study.meter, scale_band=(1.0, 1.0), scale_bands=bands)
    priced = PricedStudy(dataclasses.replace(study, meter=meter), Objective("training"))
    assert [row.trial for row in priced.front] == [1]
    assert [row.beaten_by for row in priced.rows] == [(1,), ()]
    log_joules = priced.beliefs.log_joules
    assert (log_joules[:, 1] < log_joules[:, 0]).all()
    assert priced.scale_text == "The joules have no factor in common that is unknown."


def test_a_terminal_says_so(outputs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = plain(told(capsys, "front", "--outputs", outputs, "--objective", "training"))
    assert FACTORS in text and UNDECIDED in text
    assert DECIDED not in text
    text = plain(told(capsys, "choose", "--outputs", outputs, "--objective", "training"))
    assert "whether it costs less than 0 depends on the factors of the sources" in text


def test_json_says_so(outputs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("--outputs", outputs, "--objective", "training", "--json")
    document = json.loads(told(capsys, "front", *words))
    assert document["scale_dependent"] == [[0, 1]]
    factors = {one.pop("source"): one for one in document["scale_factors"]}
    assert factors["nvml"] == {
        "domains": ["gpu:0"],
        "quality": "counter",
        "low": 0.885,
        "high": 1.087,
    }
    assert factors["estimate"]["domains"] == ["cpu", "memory"]
    assert json.loads(told(capsys, "choose", *words))["scale_dependent"] == [0]


def test_the_page_and_the_dashboards_note_say_so(
    study: StudyRecord, outputs: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    page = tmp_path / "page.html"
    told(capsys, "report", "--outputs", outputs, "--objective", "training", "--to", page)
    text = plain(page.read_text(encoding="utf-8"))
    assert FACTORS in text and UNDECIDED in text
    assert DECIDED not in text
    note = study_note(PricedStudy(study, Objective("training")), "losses")
    assert UNDECIDED in note and DECIDED not in note


def test_watts_of_ones_own_have_a_band_of_their_own(
    outputs: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    fitted = {"cpu_watts_per_core": 3.0, "memory_watts_per_gib": 0.4, "cpu_watts_band": [2.9, 3.1]}
    file = tmp_path / "mine.json"
    file.write_text(json.dumps(fitted))
    words = ("--outputs", outputs, "--objective", "training", "--json", "--calibration", file)
    document = json.loads(told(capsys, "front", *words))
    (estimate,) = [one for one in document["scale_factors"] if one["source"] == "estimate"]
    assert (estimate["low"], estimate["high"]) == pytest.approx((2.9 / 3, 3.1 / 3))
    # Still, 8 J of board are worth .885 to 1.087 times as many.
    assert document["scale_dependent"] == [[0, 1]]


def test_measure_and_meters_speak_of_two_factors(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with FakeNvml(tmp_path).preloaded():
        lacking = ("--powercap", tmp_path / "none")
        command = ["measure", *map(str, lacking), "--", str(shutil.which("true"))]
        assert verbs.run(command) == 0
        said = plain(capfd.readouterr().err)
        assert FACTORS in said
        assert "share one unknown factor" not in said
        assert not verbs.run(["meters", *map(str, lacking)])
        assert "no unknown factor in common" in plain(capfd.readouterr().out)


def test_a_gpu_and_a_cpu_are_two_studies_on_one_page(
    study: StudyRecord, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    on_cpu = toy_study.study(
        study.trials,
        [
            toy_study.stage("trunk", "wide", "wide", (1.0, 420.0, 1.0)),
            toy_study.stage("trunk", "deep", "deep", (1.0, 315.0, 1.0)),
            toy_study.stage("infer", "image", "image", (1.0, 1e-5, 1e-7)),
        ],
    )
    outputs, page = tmp_path / "outputs", tmp_path / "gpu-cpu.html"
    store_study(outputs, "on-gpu", dataclasses.replace(study, machine={"device_class": "A100"}))
    store_study(outputs, "on-cpu", on_cpu)
    words = ["compare", "on-gpu", "on-cpu", "--outputs", str(outputs), "--objective", "training"]
    with pytest.raises(BadInput, match="type --across-machines"):
        verbs.run(words)
    said = plain(told(capsys, *words, "--across-machines", "--to", page))
    # 420 J for 105, and 315 for 104.
    assert "on-gpu and on-cpu have 2 configurations in common, which cost 3.51 times" in said
    shown = page.read_text(encoding="utf-8")
    for text in ("Do not compare", "A100", "Toy CPU, 2 cores", "gpu:0", "3.51 times as much"):
        assert text in shown
