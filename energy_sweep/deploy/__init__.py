"""A chosen configuration as a folder that a stranger can run, with what it was measured to do."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy
import yaml

from energy_sweep.dataset import reader
from energy_sweep.dataset.base import Data
from energy_sweep.dataset.licence import licence_of
from energy_sweep.dataset.split import Split
from energy_sweep.deploy.card import card
from energy_sweep.deploy.holdout import TEST_LOOKS as TEST_LOOKS
from energy_sweep.deploy.holdout import count_look, read_looks
from energy_sweep.deploy.proof import check_models, check_script, reading_of
from energy_sweep.front.achieved import name_of
from energy_sweep.front.limited import latency
from energy_sweep.front.prices import Prices
from energy_sweep.meter.base import Meter
from energy_sweep.recipe import Recipe, replace
from energy_sweep.recipe.plan import Plan
from energy_sweep.record import BadInput, JsonDict, TrialResult, from_json, to_json
from energy_sweep.record.files import PART, move_all, write_whole
from energy_sweep.runtime import OnnxRuntime
from energy_sweep.runtime.base import InferenceSession
from energy_sweep.runtime.program import make_program, save_program
from energy_sweep.store import StageStore
from energy_sweep.trial import deployed_trial
from energy_sweep.uncertainty.intervals import wilson

SIZES = (
    *("bytes", "parameters", "macs", "weight_bytes"),
    *("removed_weight_bits", "zero_weights", "int8_coverage"),
)


def deploy(
    recipe: Recipe,
    result: TrialResult,
    folder: Path,
    *,
    meter: Meter,
    store: StageStore,
    looks_file: Path,
    config: JsonDict,
    origin: JsonDict,
) -> JsonDict:
    """Write the model, its card and all that running and checking it takes; return the metrics.

    `meter` reads what has to be trained again because its weights were evicted; `looks_file` is the
    file that counts who has seen the test split; `config` is what runs the trial again; `origin`
    goes into the metrics (study, trial, command, joules). Where a fresh process does not give the
    same answers, or a file cannot be written, all is as it was, and no look is counted.
    """
    if folder.exists() and not folder.is_dir():
        raise BadInput(f"{folder} is a file: type --to with the name of a folder")
    read_looks(looks_file)  # which has to be sound before anything is trained again
    folder.mkdir(parents=True, exist_ok=True)
    data = _of_one_task(recipe.dataset.load())
    if "plan" in result.facts:
        recipe = replace(recipe, plan=from_json(Plan, result.facts["plan"]))
    with tempfile.TemporaryDirectory(dir=folder, prefix=PART) as name:
        part = Path(name)
        _write_models(recipe, data, part, meter=meter, store=store)
        numpy.savez_compressed(part / "test.npz", images=data.test.images, labels=data.test.labels)
        metrics = {
            **origin,
            **_accuracies(part / "model.onnx", recipe, data),
            "validation_correct_in_study": result.correct,
            "test_split_seen_by": None,
            **_facts(recipe, result, data),
            "inference": _inference(result, store, meter),
            "latency": to_json(latency([result], store.records())),
        }
        metrics["size"]["bytes"] = (part / metrics["measured_file"]).stat().st_size
        check_models(part)
        _write_script(part, data)
        metrics["dataset"]["proof"] = check_script(part, recipe.dataset, data)
        with count_look(looks_file, result.config_key) as seen_by:
            metrics["test_split_seen_by"] = seen_by
            _write_notes(part, metrics, config=config, origin=origin)
            move_all(part, folder)
    return metrics


def _write_models(
    recipe: Recipe, data: Data, part: Path, *, meter: Meter, store: StageStore
) -> None:
    """model.onnx and model.pt2: the one that was measured, and the same net in the other form."""
    with deployed_trial(recipe, meter=meter, store=store) as deployed:
        measured = part / f"model{recipe.runtime.suffix}"
        shutil.copyfile(deployed.path, measured)
        if measured.suffix != ".onnx":
            OnnxRuntime().export(deployed.network, data, part / "model.onnx")
        if measured.suffix != ".pt2":
            save_program(make_program(deployed.network, data), part / "model.pt2")


def _write_script(part: Path, data: Data) -> None:
    """predict.py, and what it needs: names, sizes, limits, and the code that reads files here."""
    labels = {
        "classes": list(data.classes),
        "shape": list(data.shape),
        "reading": to_json(reading_of(data)),
    }
    write_whole(part / "labels.json", json.dumps(labels, indent=1) + "\n")
    shutil.copyfile(Path(__file__).with_name("predict.py"), part / "predict.py")
    (part / "reader").mkdir()
    for path in Path(reader.__file__).parent.glob("*.py"):
        shutil.copyfile(path, part / "reader" / path.name)
    _write_sums(part)


def _write_notes(part: Path, metrics: JsonDict, *, config: JsonDict, origin: JsonDict) -> None:
    write_whole(part / "config.yaml", _as_yaml(config, origin))
    write_whole(part / "metrics.json", json.dumps(metrics, indent=2) + "\n")
    write_whole(part / "card.md", card(metrics))
    _write_sums(part)


def _write_sums(part: Path) -> None:
    """SHA256SUMS, by which predict.py, and anybody's sha256sum, sees a damage."""
    paths = [path for path in sorted(part.rglob("*.*")) if path.parent.name != "__pycache__"]
    lines = [
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(part).as_posix()}\n"
        for path in paths
        if path.is_file()
    ]
    write_whole(part / "SHA256SUMS", "".join(lines))


def _facts(recipe: Recipe, result: TrialResult, data: Data) -> JsonDict:
    """What the model is, what it was made of and from."""
    sizes = {name: result.facts[name] for name in SIZES if name in result.facts}
    return {
        "model": recipe.model.name,
        "compression": name_of(result.config["compression"]),
        "level": recipe.effective_level,
        "runtime": recipe.runtime.version,
        "measured_file": f"model{recipe.runtime.suffix}",
        "size": {**sizes, "dense": result.facts.get("dense")},
        "dataset": {
            "name": data.name,
            "licence": licence_of(recipe.dataset),
            "fingerprint": data.fingerprint,
            "reading": to_json(reading_of(data)),
            "read": _read(data),
            **{side: len(getattr(data, side).labels) for side in ("train", "validation", "test")},
        },
        "input": {"name": "images", "dtype": "uint8", "shape": ["N", *data.shape]},
        "classes": list(data.classes),
    }


def _read(data: Data) -> JsonDict:
    """What the data set said of itself, but where it lay on the machine that trained."""
    said = data.summary.document()
    found = {name: said["found"][name] for name in ("images", "sizes", "modes", "notes")}
    return {**found, "counts": said["counts"], "imbalance": said["imbalance"]}


def _inference(result: TrialResult, store: StageStore, meter: Meter) -> JsonDict:
    """Joules and seconds of an image by the number of images at once, as far as measured."""
    pools: Mapping[str, str] = result.facts.get("inference", {})
    records = [r for r in store.records().values() if r.cost_key in pools.values()]
    prices, found = Prices(records, repeatability=meter.facts().repeatability_of), JsonDict()
    for batch, key in sorted(pools.items(), key=lambda pair: int(pair[0])):
        marks = [mark for record in records if record.cost_key == key for mark in record.marks]
        if not marks:
            continue
        joules, uncertainty = prices.joules({key: 1.0})
        seconds = sum(mark.reading.seconds for mark in marks) / sum(mark.units for mark in marks)
        found[batch] = {
            "joules": joules,
            "uncertainty_joules": uncertainty,
            "quality": prices.quality({key: 1.0}).value,
            "contended": prices.is_contended({key: 1.0}),
            "seconds": seconds,
        }
    return found


def _of_one_task(data: Data) -> Data:
    """The data; BadInput where its nets answer two questions, since files of ours answer one."""
    if data.second_classes:
        raise BadInput(
            f"dataset={data.name}: its net answers two tasks, and what is deployed answers one:"
            " deploy a trial of a data set with one kind of labels"
        )
    return data


def _accuracies(model: Path, recipe: Recipe, data: Data) -> JsonDict:
    session = OnnxRuntime().open(model, recipe.device.threads)
    return {
        name: _accuracy(session, split, recipe.inference_batch)
        for name, split in (("test", data.test), ("validation", data.validation))
    }


def _accuracy(session: InferenceSession, split: Split, batch: int) -> JsonDict:
    logits = session.predict(split.images, batch)
    correct = int((logits.argmax(axis=1) == split.labels).sum())
    low, high = wilson(correct, len(split.labels))
    return {
        "accuracy": correct / len(split.labels),
        "accuracy_low": low,
        "accuracy_high": high,
        "correct": correct,
        "n": len(split.labels),
    }


def _as_yaml(config: JsonDict, origin: JsonDict) -> str:
    heading = (
        f"# Trial {origin['trial']} of {origin['study']}, as it ran. To run it again, here:\n"
        '# python -m energy_sweep --config-path "$PWD" --config-name config\n'
    )
    return heading + yaml.safe_dump(config, sort_keys=False, allow_unicode=True)
