"""A chosen configuration as files that a stranger can run: the model, its test split, its facts."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

import numpy
import yaml
from filelock import FileLock

from energy_sweep.dataset.base import Data
from energy_sweep.dataset.split import Split
from energy_sweep.execution import Plan
from energy_sweep.meter.base import Meter
from energy_sweep.recipe import Recipe, replace
from energy_sweep.record import BadInput, Plain, TrialResult, from_plain
from energy_sweep.runtime.base import Session
from energy_sweep.stage import StageStore, write_atomically
from energy_sweep.statistics import wilson
from energy_sweep.trial import trained_network

LEDGER = "test_split.json"


def deploy(
    recipe: Recipe,
    result: TrialResult,
    folder: Path,
    *,
    meter: Meter,
    store: StageStore,
    ledger: Path,
    config: Plain,
    origin: Plain,
) -> Plain:
    """Write model.onnx, test.npz, config.yaml and metrics.json; return the metrics.

    `meter` reads what has to be trained again because its weights were evicted; `ledger` is the
    file that counts who has seen the test split; `config` is what runs the trial again; `origin`
    goes into the metrics (study, trial, command, joules).
    """
    if folder.exists() and not folder.is_dir():
        raise BadInput(f"{folder} is a file: type --to with the name of a folder")
    folder.mkdir(parents=True, exist_ok=True)
    data = recipe.dataset.load()
    if "plan" in result.facts:
        recipe = replace(recipe, plan=from_plain(Plan, result.facts["plan"]))
    module = trained_network(recipe, meter=meter, store=store)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".part-") as name:
        part = Path(name)
        recipe.runtime.export(module, data, path=part / "model.onnx")
        metrics = {
            **origin,
            **_accuracies(part / "model.onnx", recipe, data),
            "validation_correct_in_study": result.correct,
            "test_split_seen_by": count_look(ledger, result.config_key),
            "input": {"name": "images", "dtype": "uint8", "shape": ["N", *data.shape]},
            "classes": list(data.classes),
        }
        numpy.savez_compressed(part / "test.npz", images=data.test.images, labels=data.test.labels)
        (part / "config.yaml").write_text(_as_yaml(config, origin), encoding="utf-8")
        (part / "metrics.json").write_text(json.dumps(metrics, indent=2) + "\n")
        for path in part.iterdir():
            os.replace(path, folder / path.name)
    return metrics


def count_look(ledger: Path, config_key: str) -> int:
    """How many configurations of a study have seen the test split, this one included."""
    with FileLock(ledger.with_name(f".{ledger.name}.lock")):
        seen: list[str] = json.loads(ledger.read_text()) if ledger.exists() else []
        if config_key not in seen:
            seen.append(config_key)
            write_atomically(ledger, json.dumps(seen, indent=1) + "\n")
    return len(seen)


def _accuracies(model: Path, recipe: Recipe, data: Data) -> Plain:
    session = recipe.runtime.open(model, recipe.device.threads)
    return {
        name: _accuracy(session, split, recipe.inference_batch)
        for name, split in (("test", data.test), ("validation", data.validation))
    }


def _accuracy(session: Session, split: Split, batch: int) -> Plain:
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


def _as_yaml(config: Plain, origin: Plain) -> str:
    heading = (
        f"# Trial {origin['trial']} of {origin['study']}, as it ran. To run it again, here:\n"
        '# python -m energy_sweep --config-path "$PWD" --config-name config\n'
    )
    return heading + yaml.safe_dump(config, sort_keys=False, allow_unicode=True)
