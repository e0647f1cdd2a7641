"""What `deploy` writes is enough to recompute the accuracy without this package."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy
import onnxruntime
import pytest
import torch
import yaml
from PIL import Image
from training.toy_parts import Sides

from energy_sweep.compression import Prune, Quantize
from energy_sweep.dataset.digits import Digits
from energy_sweep.deploy import deploy, reload
from energy_sweep.deploy.card import card
from energy_sweep.deploy.holdout import count_look, read_looks
from energy_sweep.device import Device
from energy_sweep.meter import meter_id, open_meter
from energy_sweep.meter.base import Meter
from energy_sweep.model.small_cnn import SmallCNN
from energy_sweep.optimizer import SGD
from energy_sweep.recipe import Recipe
from energy_sweep.record import BadInput, EnergySweepError, JsonDict, TrialResult
from energy_sweep.runtime import Inductor, OnnxRuntime, OpenVino
from energy_sweep.store import StageStore
from energy_sweep.trial import run_trial

ORIGIN: JsonDict = {"study": "toy", "trial": 4, "command": "python -m energy_sweep epochs=2"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A trial that ran, and where its stages lie."""

    recipe: Recipe
    result: TrialResult
    meter: Meter
    store: StageStore

    def deploy(self, folder: Path, looks_file: Path) -> JsonDict:
        return deploy(
            self.recipe,
            self.result,
            folder,
            meter=self.meter,
            store=self.store,
            looks_file=looks_file,
            config={"epochs": 2, "name": "toy"},
            origin=ORIGIN,
        )


@pytest.fixture(scope="module")
def trial(tmp_path_factory: pytest.TempPathFactory) -> Trial:
    """A small pruned network, trained for real."""
    recipe = Recipe(
        dataset=Digits(),
        model=SmallCNN(width=8, depth=2),
        optimizer=SGD(lr=0.05),
        compression=Prune(recover_epochs=1),
        runtime=OnnxRuntime(),
        device=Device(name="cpu", plan="channels_last"),
        batch=64,
        lr=0.05,
        epochs=2,
        level=0.5,
    )
    meter = open_meter("replay")
    store = StageStore(tmp_path_factory.mktemp("stages"), meter_id=meter_id(meter.facts()))
    result = run_trial(recipe, meter=meter, store=store)
    return Trial(recipe=recipe, result=result, meter=meter, store=store)


@pytest.fixture(scope="module")
def deployed(trial: Trial, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("deployed") / "new"
    trial.deploy(folder, folder.parent / "looks.json")
    return folder


def test_it_writes_all_files_and_leaves_nothing_half_done(deployed: Path) -> None:
    names = {path.name for path in deployed.iterdir()}
    models = {"model.onnx", "model.pt2", "predict.py", "reader", "labels.json", "card.md"}
    assert names == models | {"test.npz", "config.yaml", "metrics.json", "SHA256SUMS"}


def test_the_card_says_what_was_measured(deployed: Path) -> None:
    metrics = json.loads((deployed / "metrics.json").read_text())
    text = (deployed / "card.md").read_text()
    test = metrics["test"]
    assert f"**{test['accuracy']:.4f}** on the test split ({test['correct']} of {test['n']}" in text
    assert f"{test['accuracy_low']:.4f} to {test['accuracy_high']:.4f}" in text
    assert "CC BY 4.0" in text and metrics["command"] in text
    assert metrics["dataset"]["read"]["modes"] == {"L": 1797}
    assert [sum(side) for side in metrics["dataset"]["read"]["counts"].values()] == [
        metrics["dataset"][side] for side in ("train", "validation", "test")
    ]
    assert set(metrics["inference"]) == {"1", "64"}
    for figure in metrics["inference"].values():
        assert f"{figure['joules']:.3g}" in text and figure["quality"] in text


BOARD = {"source": "nvml", "domains": ["gpu:0"], "quality": "counter", "low": 0.885, "high": 1.087}
CPU = {"source": "estimate", "domains": ["cpu"], "quality": "estimated", "low": 0.93, "high": 4.0}
EXACT = {**BOARD, "low": 1.0, "high": 1.0}


@pytest.mark.parametrize(
    ("factors", "says", "says_not"),
    [
        ([CPU], "scaled together by 0.93 to 4", "no one factor"),
        ([CPU, BOARD], "times an unknown factor between 0.93 and 4; those of gpu:0", "together"),
        ([EXACT], "4.2 J +- 1 J", "factor"),
    ],
)
def test_the_card_says_which_factors_its_joules_may_be_off_by(
    deployed: Path, factors: list[JsonDict], says: str, says_not: str
) -> None:
    metrics = json.loads((deployed / "metrics.json").read_text())
    joules = {"objective": "training", "joules": 4.2, "uncertainty_joules": 1.0}
    bands = {"scale_band": [factors[0]["low"], factors[0]["high"]], "scale_factors": factors}
    text = card({**metrics, "joules": {**joules, "quality": "estimated", **bands}})
    assert says in text and says_not not in text


def test_the_script_says_what_images_show(deployed: Path, tmp_path: Path) -> None:
    test = numpy.load(deployed / "test.npz", allow_pickle=False)
    names = [str(tmp_path / f"{index}.png") for index in range(40)]
    for name, image in zip(names, test["images"], strict=False):
        Image.fromarray(image[0]).save(name)
    done = subprocess.run(
        [sys.executable, deployed / "predict.py", *names], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    said = [line.split(": ")[1].split(" ")[0] for line in done.stdout.splitlines()]
    session = onnxruntime.InferenceSession(deployed / "model.onnx")
    logits = session.run(None, {"images": test["images"][:40]})[0]
    assert said == [str(index) for index in logits.argmax(axis=1)]


def test_a_larger_picture_in_colour_is_brought_to_size(deployed: Path, tmp_path: Path) -> None:
    Image.new("RGB", (50, 37), (120, 30, 200)).save(tmp_path / "large.png")
    done = subprocess.run(
        [sys.executable, deployed / "predict.py", tmp_path / "large.png"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0 and done.stdout.count("\n") == 1


def test_torch_runs_the_program_at_any_batch(deployed: Path) -> None:
    test = numpy.load(deployed / "test.npz", allow_pickle=False)
    program = torch.export.load(deployed / "model.pt2").module()
    session = onnxruntime.InferenceSession(deployed / "model.onnx")
    for count in (1, 3, 64):
        images = numpy.ascontiguousarray(test["images"][:count])
        logits = session.run(None, {"images": images})[0]
        with torch.no_grad():
            found = program(torch.from_numpy(images)).numpy()
        assert numpy.allclose(found, logits, atol=1e-3)


def test_nothing_is_written_where_a_fresh_process_answers_otherwise(
    trial: Trial, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reload, "__file__", str(tmp_path / "broken.py"))
    (tmp_path / "broken.py").write_text("raise SystemExit('no such library')")
    with pytest.raises(EnergySweepError, match="fresh process cannot run the files: no such"):
        trial.deploy(tmp_path / "to", tmp_path / "looks.json")
    assert list((tmp_path / "to").iterdir()) == []
    assert not (tmp_path / "looks.json").exists()  # nobody was told an accuracy


def test_a_folder_that_cannot_take_all_files_is_left_as_it_was(
    trial: Trial, tmp_path: Path
) -> None:
    folder, looks_file = tmp_path / "to", tmp_path / "looks.json"
    (folder / "test.npz").mkdir(parents=True)  # one of the last to be moved
    (folder / "card.md").write_text("mine")
    with pytest.raises(IsADirectoryError, match=r"test\.npz"):
        trial.deploy(folder, looks_file)
    assert {path.name for path in folder.iterdir()} == {"test.npz", "card.md"}
    assert (folder / "card.md").read_text() == "mine" and not looks_file.exists()


def test_a_look_is_not_counted_where_nothing_is_shown(tmp_path: Path) -> None:
    looks_file = tmp_path / "looks.json"
    with count_look(looks_file, "a"):
        pass
    for key in ("a", "b"):
        with pytest.raises(KeyboardInterrupt), count_look(looks_file, key):
            assert key in read_looks(looks_file)  # a kill here leaves it counted
            raise KeyboardInterrupt
    assert read_looks(looks_file) == ["a"]


def test_accuracy_can_be_recomputed_with_onnxruntime_and_numpy_alone(deployed: Path) -> None:
    metrics = json.loads((deployed / "metrics.json").read_text())
    test = numpy.load(deployed / "test.npz", allow_pickle=False)
    session = onnxruntime.InferenceSession(str(deployed / "model.onnx"))
    given = session.get_inputs()[0]
    assert given.name == metrics["input"]["name"] and test["images"].dtype == numpy.uint8
    right = 0
    for start in range(0, len(test["labels"]), 100):  # another batch than it was trained with
        part = slice(start, start + 100)
        logits = session.run(None, {given.name: test["images"][part]})[0]
        right += int((logits.argmax(axis=1) == test["labels"][part]).sum())
    assert metrics["test"]["correct"] == right and metrics["test"]["n"] == len(test["labels"])
    assert metrics["test"]["accuracy_low"] < metrics["test"]["accuracy"]
    assert metrics["test"]["accuracy"] < metrics["test"]["accuracy_high"]


def test_the_deployed_file_is_the_network_that_was_validated(trial: Trial, deployed: Path) -> None:
    metrics = json.loads((deployed / "metrics.json").read_text())
    assert metrics["validation"]["correct"] == trial.result.correct
    assert metrics["validation"]["n"] == trial.result.n_validation
    assert {key: metrics[key] for key in ORIGIN} == ORIGIN


def test_the_test_split_shares_no_image_with_the_others(trial: Trial, deployed: Path) -> None:
    data = trial.recipe.dataset.load()
    seen = {image.tobytes() for split in (data.train, data.validation) for image in split.images}
    test = numpy.load(deployed / "test.npz")["images"]
    assert not [image for image in test if image.tobytes() in seen]


def test_config_is_plain_and_says_how_to_run_it(deployed: Path) -> None:
    text = (deployed / "config.yaml").read_text()
    assert text.startswith("# Trial 4 of toy") and "python -m energy_sweep --config-path" in text
    assert yaml.safe_load(text) == {"epochs": 2, "name": "toy"}


def test_looks_at_the_test_split_are_counted_by_configuration(tmp_path: Path) -> None:
    looks_file = tmp_path / "looks.json"
    counts = list[int]()
    for key in ("a", "b", "a", "c", "b"):
        with count_look(looks_file, key) as seen_by:
            counts.append(seen_by)
    assert counts == [1, 2, 2, 3, 3]


@pytest.mark.no_cover
def test_deploying_again_is_no_new_look_and_replaces_the_files(
    trial: Trial, deployed: Path
) -> None:
    before = {path.name: path.read_bytes() for path in deployed.iterdir() if path.is_file()}
    metrics = trial.deploy(deployed, deployed.parent / "looks.json")
    assert metrics["test_split_seen_by"] == 1
    assert (deployed / "metrics.json").read_bytes() == before["metrics.json"]
    assert {path.name for path in deployed.iterdir()} == {*before, "reader"}


@pytest.mark.no_cover
def test_evicted_weights_are_trained_again_to_the_same_network(
    trial: Trial, tmp_path: Path
) -> None:
    trial.store.clear()
    metrics = trial.deploy(tmp_path / "again", tmp_path / "looks.json")
    assert metrics["validation"]["correct"] == trial.result.correct


@pytest.mark.no_cover
def test_the_plan_that_the_trial_ran_by_is_not_tried_anew(trial: Trial, tmp_path: Path) -> None:
    unplanned = dataclasses.replace(trial.recipe, device=Device(name="cpu"))
    before = dict(trial.store.records())
    again = dataclasses.replace(trial, recipe=unplanned)
    metrics = again.deploy(tmp_path / "again", tmp_path / "looks.json")
    assert metrics["validation"]["correct"] == trial.result.correct
    assert dict(trial.store.records()) == before


def test_a_file_where_the_folder_should_be_is_refused(trial: Trial, tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    taken.touch()
    with pytest.raises(BadInput, match="name of a folder"):
        trial.deploy(taken, tmp_path / "looks.json")
    assert not (tmp_path / "looks.json").exists()


@pytest.mark.parametrize(
    ("runtime", "compression", "measured"),
    [
        pytest.param(
            *(Inductor(device="cpu"), Quantize(calibration="minmax", images=64), "model.pt2"),
            id="inductor-quantize",
            marks=pytest.mark.contracts,  # compiles for half a minute
        ),
        pytest.param(
            *(OpenVino(), Quantize(calibration="minmax", images=64), "model.onnx"),
            id="openvino-quantize",
        ),
    ],
)
@pytest.mark.slow
def test_what_another_runtime_measured_is_deployed_too(
    runtime: Any, compression: Any, measured: str, trial: Trial, tmp_path: Path
) -> None:
    # 64 images a split: a compiler has no other size of batches to compile for than 64 and 1.
    parts = {"dataset": Sides(images=320), "runtime": runtime, "compression": compression}
    recipe = dataclasses.replace(trial.recipe, **parts)
    result = run_trial(recipe, meter=trial.meter, store=trial.store)
    made = dataclasses.replace(trial, recipe=recipe, result=result)
    metrics = made.deploy(tmp_path / "new", tmp_path / "looks.json")
    assert metrics["measured_file"] == measured
    assert metrics["size"]["bytes"] == (tmp_path / "new" / measured).stat().st_size
    assert metrics["size"]["bytes"] == result.facts["bytes"]
    images = numpy.load(tmp_path / "new" / "test.npz", allow_pickle=False)["images"]
    net, onnx_net = (tmp_path / "new" / name for name in (measured, "model.onnx"))
    found, float_net = (
        one.open(path, 1).predict(images, 64).argmax(axis=1)
        for one, path in ((runtime, net), (OnnxRuntime(), onnx_net))
    )
    assert (found == float_net).mean() > 0.97
    card = (tmp_path / "new" / "card.md").read_text()
    assert f"- {measured}: " in card and ("joules were measured on" in card) == (
        measured == "model.pt2"
    )
