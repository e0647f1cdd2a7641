"""Exports of a study that was really swept, each read back by the library that it is for."""

from __future__ import annotations

import csv
import json
import math
import os
import re
import shutil
import struct
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import toy_study
from stored_study import store_study

from energy_sweep.app.main import main
from energy_sweep.export import FORMATS
from energy_sweep.front import PricedStudy
from energy_sweep.record import BadInput
from energy_sweep.study import stored

# `codecarbon.output_methods.emissions_data.EmissionsData` of CodeCarbon 3.3.2, its fields in order.
CODECARBON = """timestamp project_name run_id experiment_id duration emissions emissions_rate
cpu_power gpu_power ram_power cpu_energy gpu_energy ram_energy energy_consumed water_consumed
country_name country_iso_code region cloud_provider cloud_region os python_version
codecarbon_version cpu_count cpu_model gpu_count gpu_model longitude latitude ram_total_size
tracking_mode cpu_utilization_percent gpu_utilization_percent ram_utilization_percent ram_used_gb
on_cloud pue wue"""


@pytest.fixture(scope="module")
def swept(finished: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A copy of the finished study, in whose outputs' folder the tests work."""
    home = tmp_path_factory.mktemp("exports")
    shutil.copytree(finished, home / "outputs" / "study")
    before = Path.cwd()
    os.chdir(home)
    yield home
    os.chdir(before)


@pytest.fixture(scope="module")
def rows(swept: Path) -> dict[str, dict[str, Any]]:
    """What `front --json` says, by the number of the trial."""
    document = _json("front", "study")
    assert len(document["front"]) + len(document["dominated"]) == 4
    return {str(row["trial"]): row for row in (*document["front"], *document["dominated"])}


def _json(*words: str) -> dict[str, Any]:
    """What a verb prints as JSON, in a process of its own."""
    command = [sys.executable, "-m", "energy_sweep", *words, "--json"]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(ran.stdout)


def export(to: str, *words: str) -> None:
    assert main(["export", "study", "--to", to, *words]) == 0


def agree(metrics: Mapping[str, float], row: Mapping[str, Any], *, digits: float = 0.0) -> None:
    """The figures of an export are those of the row, to the digits that its format keeps."""
    for name in ("accuracy", "accuracy_low", "accuracy_high", "joules", "uncertainty_joules"):
        assert math.isclose(metrics[name], row[name], rel_tol=digits), name
    thousand = 1000 * row["joules_per_image"]
    assert math.isclose(metrics["joules_per_1000_images"], thousand, rel_tol=digits or 1e-12)
    low, high = (metrics[f"joules_per_1000_images_{end}"] for end in ("low", "high"))
    assert low <= metrics["joules_per_1000_images"] <= high
    assert math.isclose(metrics["belongs"], row["belongs"], rel_tol=digits)


def test_mlflow_finds_a_run_for_each_trial(rows: dict[str, Any]) -> None:
    import mlflow

    for _ in range(2):  # the second one doubles nothing
        export("mlflow")
    mlflow.set_tracking_uri(f"sqlite:///{Path('exported/mlflow/mlflow.db').absolute()}")
    found = mlflow.search_runs(experiment_names=["study"], output_format="list")
    sweep = [run for run in found if run.data.tags["energy_sweep.trial"] == "sweep"]
    trials = [run for run in found if run not in sweep]
    assert len(sweep) == 1 and len(trials) == 4
    document = _json("front", "study")
    assert sweep[0].data.metrics["spent_joules"] == document["spent_joules"]
    assert sweep[0].data.metrics["one_by_one_joules"] == document["attributed_joules"]
    client = mlflow.MlflowClient()
    for run in trials:
        row = rows[run.data.tags["energy_sweep.trial"]]
        agree(run.data.metrics, row)
        assert run.data.tags["mlflow.parentRunId"] == sweep[0].info.run_id
        assert run.data.tags["energy_sweep.quality"] == "estimated"
        assert run.info.status == "FINISHED"
        assert run.data.params["epochs"] == str(row["params"]["epochs"])
        history = client.get_metric_history(run.info.run_id, "epoch_joules")
        assert [one.step for one in sorted(history, key=lambda one: one.step)] == list(
            range(1, len(history) + 1)
        )
        stages = [row["stages"][name]["joules"] for name in ("trunk", "cooldown")]
        assert len(history) >= row["params"]["epochs"] and sum(stages) > 0
    # Another price is a new value of the same run.
    export("mlflow", "--objective", "training")
    experiment = client.get_experiment_by_name("study")
    [run] = client.search_runs([experiment.experiment_id], "tags.`energy_sweep.trial` = '0'")
    metrics = run.data.metrics
    assert metrics["joules"] == metrics["training_joules"] < rows["0"]["joules"]
    assert run.data.tags["energy_sweep.objective"] == "training"


def test_tensorboard_reads_scalars_and_hyperparameters(rows: dict[str, Any]) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.plugins.hparams import plugin_data_pb2

    for _ in range(2):
        export("tensorboard")
    folders = sorted(Path("exported/tensorboard/study").glob("trial-*"))
    assert [folder.name for folder in folders] == [f"trial-{one:04d}" for one in range(4)]
    for folder in folders:
        assert len(list(folder.iterdir())) == 1
        events = EventAccumulator(str(folder)).Reload()
        row = rows[str(int(folder.name.removeprefix("trial-")))]
        tags = events.Tags()
        metrics = {
            tag.removeprefix("trial/"): events.Scalars(tag)[-1].value for tag in tags["scalars"]
        }
        agree(metrics, row, digits=1e-6)
        assert len(events.Scalars("epoch/joules")) >= row["params"]["epochs"]
        assert "about/quality/text_summary" in tags["tensors"]
        raw = events.PluginTagToContent("hparams")["_hparams_/session_start_info"]
        held = plugin_data_pb2.HParamsPluginData.FromString(raw).session_start_info.hparams
        assert held["epochs"].number_value == row["params"]["epochs"]


def test_codecarbon_finds_its_columns_and_kilowatt_hours(rows: dict[str, Any]) -> None:
    for _ in range(2):
        export("codecarbon-csv", "--carbon", "0.4")
    path = Path("exported/codecarbon-csv/emissions.csv")
    found = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
    assert list(found[0])[: len(CODECARBON.split())] == CODECARBON.split()
    assert len(found) == len({row["run_id"] for row in found}) == 4
    training = {str(r["trial"]): r for r in _rows(_json("front", "study", "--objective=training"))}
    for row in found:
        hours = training[row["trial"]]["joules"] / 3.6e6
        assert float(row["energy_consumed"]) == pytest.approx(hours, rel=1e-12)
        assert float(row["emissions"]) == pytest.approx(0.4 * hours, rel=1e-12)
        assert row["energy_quality"] == "estimated" and "0.4 kg" in row["emissions_source"]
        assert (
            row["country_name"] == "" and float(row["accuracy"]) == rows[row["trial"]]["accuracy"]
        )
    theirs = path.read_text(encoding="utf-8").replace(found[0]["run_id"], "theirs")
    path.write_text(theirs, encoding="utf-8")
    export("codecarbon-csv")
    again = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
    assert len(again) == 5 and again[0]["run_id"] == "theirs" and again[1]["emissions"] == ""


def _rows(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [*document["front"], *document["dominated"]]


def test_a_model_card_loads_with_its_metadata(rows: dict[str, Any]) -> None:
    import huggingface_hub as hub

    for _ in range(2):
        export("hf-card", "--trial", "3", "--carbon", "0.25", "--place", "Norway")
    card = hub.ModelCard.load("exported/hf-card/README.md")
    data, row = card.data, rows["3"]
    told = data.co2_eq_emissions
    training = {r["trial"]: r for r in _rows(_json("front", "study", "--objective=training"))}[3]
    assert told["emissions"] == pytest.approx(1000 * 0.25 * training["joules"] / 3.6e6)
    assert told["training_type"] == "pre-training"
    assert told["geographical_location"] == "Norway"
    assert "estimated" in told["source"] and "0.25 kg" in told["source"]
    assert "cores" in told["hardware_used"]
    [result] = data.eval_results
    assert result.metric_type == "accuracy" and result.metric_value == row["accuracy"]
    own = data.to_dict()["energy_sweep"]
    assert own["quality"] == "estimated" and own["training"]["joules"] == training["joules"]
    label = own["per_1000_images"]
    assert label["joules"] == pytest.approx(1000 * row["joules_per_image"])
    assert label["low_joules"] <= label["joules"] <= label["high_joules"]
    assert "**estimated**" in card.text and f"{row['accuracy']:.4f}" in card.text
    export("hf-card", "--min-accuracy", "0.01")
    assert "co2_eq_emissions" not in hub.ModelCard.load("exported/hf-card/README.md").data.to_dict()


def test_json_holds_all_of_it(rows: dict[str, Any]) -> None:
    for _ in range(2):
        export("json")
    document = json.loads(Path("exported/json/study.json").read_text(encoding="utf-8"))
    assert document["tags"]["quality"] == "estimated"
    for trial in document["trials"]:
        agree(trial["metrics"], rows[str(trial["number"])])
        assert trial["epochs"][0]["epoch"] == 1


def records(path: Path) -> Iterator[Any]:
    """The records of an offline run: LevelDB's log format, after a header of seven bytes."""
    from wandb.proto import wandb_internal_pb2

    content, at, part = path.read_bytes(), 7, b""
    assert content[:4] == b":W&B"
    while at + 7 <= len(content):
        left = 32768 - at % 32768
        if left < 7:  # too little for a header: the rest of the block is empty
            at += left
            continue
        size, kind = struct.unpack_from("<HB", content, at + 4)
        part += content[at + 7 : at + 7 + size]
        at += 7 + size
        if kind in (1, 4):  # whole, or the last part of it
            yield wandb_internal_pb2.Record.FromString(part)
            part = b""


def test_wandb_keeps_offline_runs(rows: dict[str, Any]) -> None:
    for _ in range(2):
        export("wandb-offline")
    runs = sorted(Path("exported/wandb-offline/study/wandb").glob("offline-run-*/*.wandb"))
    assert len(runs) == 4
    for path in runs:
        summary: dict[str, float] = {}
        config: dict[str, Any] = {}
        epochs = 0
        for record in records(path):
            for item in record.summary.update:
                summary[item.key or item.nested_key[0]] = json.loads(item.value_json)
            for item in record.run.config.update:
                config[item.key] = json.loads(item.value_json)
            epochs += record.HasField("history")
        assert config["energy_sweep"]["quality"] == "estimated"
        row = rows[config["energy_sweep"]["trial"]]
        agree(summary, row)
        assert config["epochs"] == row["params"]["epochs"] <= epochs


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--to", "mlflow", "--min-accuracy", "0.9"], "leave out --min-accuracy"),
        (["--to", "hf-card", "--trial", "99"], "has no trial 99"),
        (["--to", "json", "--into", "outputs/study/here"], "lies inside the study"),
        (["--to", "excel"], "invalid choice"),
    ],
)
def test_bad_words_are_one_line(
    swept: Path, words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", "study", *words]) == 2
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1


@pytest.mark.parametrize("to", ["mlflow", "tensorboard", "wandb-offline", "hf-card"])
def test_a_library_that_is_missing_is_one_line_that_says_what_to_install(
    swept: Path, to: str
) -> None:
    hidden = {"mlflow": "mlflow", "tensorboard": "tensorboard", "wandb-offline": "wandb"}
    name = hidden.get(to, "huggingface_hub")
    script = f"import sys; sys.modules[{name!r}] = None; from energy_sweep.app.main import main; "
    script += f"sys.exit(main(['export', 'study', '--to', {to!r}, '--into', 'nowhere']))"
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert ran.returncode == 2 and "type pip install" in ran.stderr
    assert ran.stderr.count("\n") == 1 and not list(Path().glob("nowhere/*"))


def test_files_of_others_stay(swept: Path) -> None:
    for to, path in (
        ("hf-card", "README.md"),
        ("json", "study.json"),
        ("codecarbon-csv", "emissions.csv"),
        ("tensorboard", "study/notes.txt"),
        ("mlflow", "mlflow.db"),
    ):
        mine = Path("mine", path)
        mine.parent.mkdir(parents=True, exist_ok=True)
        mine.write_text("mine\n")
        assert main(["export", "study", "--to", to, "--into", "mine"]) == 2, to
        assert mine.read_text() == "mine\n"


def test_what_a_stranger_calls_a_study_is_no_path(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = store_study(tmp_path / "outputs", "toy", toy_study.grid())
    record = stored.load_study(folder)
    object.__setattr__(record, "name", "../../up")
    from energy_sweep.export import export as write
    from energy_sweep.record import Objective

    priced = PricedStudy(record, Objective())
    write(priced, "json", tmp_path / "here" / "there")
    assert [path.name for path in (tmp_path / "here" / "there").iterdir()] == ["up.json"]
    object.__setattr__(record, "name", "<script>alert(1)</script>`| # [a](javascript:b)")
    write(priced, "hf-card", tmp_path / "card", trial=0)
    words = (tmp_path / "card" / "README.md").read_text(encoding="utf-8").split("---\n")[2]
    assert not re.search("<script|`|]\\(", words) and "# &#60;script&#62;" in words
    with pytest.raises(BadInput, match="type --to mlflow"):
        write(PricedStudy(record, Objective()), "excel", tmp_path)
    assert list(FORMATS) == [*FORMATS]
