"""A Hugging Face model card: metadata that its hub reads, and the same in words."""
# The hub's library is no dependency.
# pyright: reportMissingImports=false

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from energy_sweep.export.libraries import import_library
from energy_sweep.export.study_figures import IMAGES_OF_A_LABEL, StudyFigures
from energy_sweep.export.trial_figures import TrialFigures
from energy_sweep.record import BadInput, JsonDict
from energy_sweep.record.files import read_file, write_whole

FILE = "README.md"
OWN = "energy_sweep"  # our key in the metadata, by which a card of ours is known
GRAMS = 1000.0  # the hub's emissions are in grams
PER_LABEL = f"joules_per_{IMAGES_OF_A_LABEL}_images"


def write(study: StudyFigures, folder: Path, chosen: TrialFigures, place: str | None) -> str:
    """Write `FOLDER/README.md`, in place of an older card of ours."""
    hub = import_library("huggingface_hub", "huggingface_hub", "hub")
    path = folder / FILE
    if path.exists() and not is_own(path):
        raise BadInput(f"{path} is no card of ours: type --into with another folder")
    data = hub.ModelCardData(**_metadata(hub, study, chosen, place))
    card = hub.ModelCard(f"---\n{data.to_yaml()}\n---\n\n{_words(study, chosen, place)}")
    write_whole(path, str(card))
    return f"hf upload REPO {folder} (uploads it)"


def is_own(path: Path) -> bool:
    """Whether a card was written by this program."""
    return f"\n{OWN}:\n".encode() in read_file(path)


def _metadata(hub: Any, study: StudyFigures, chosen: TrialFigures, place: str | None) -> JsonDict:
    """What is known, by the hub's names: nothing is guessed, and no licence is given."""
    metrics, settings = chosen.metrics, chosen.settings
    data = str(settings.get("dataset.name") or settings.get("dataset") or "")
    found: JsonDict = {
        "pipeline_tag": "image-classification",
        "tags": ["energy_sweep", "image-classification", "energy-efficiency"],
        OWN: _energy(study, chosen),
    }
    if data and "accuracy" in metrics:
        found["model_name"] = f"{study.name}, trial {chosen.number}"
        found["eval_results"] = [
            hub.EvalResult(
                task_type="image-classification",
                task_name="Image classification",
                dataset_type=data,
                dataset_name=data,
                dataset_split="validation",
                metric_type="accuracy",
                metric_name="Validation accuracy",
                metric_value=metrics["accuracy"],
            )
        ]
    if "training_kg_co2e" in metrics:
        found["co2_eq_emissions"] = _emissions(study, chosen, place)
    return found


def _emissions(study: StudyFigures, chosen: TrialFigures, place: str | None) -> JsonDict:
    quality = chosen.tags["quality"]
    told: JsonDict = {
        "emissions": GRAMS * chosen.metrics["training_kg_co2e"],
        "source": f"energy_sweep: {quality} joules, {chosen.tags['emissions']}",
        "training_type": training_type(chosen),
        "geographical_location": place,
        "hardware_used": hardware(study.machine),
    }
    return {name: value for name, value in told.items() if value}


def training_type(chosen: TrialFigures) -> str:
    """As the hub tells them apart: from scratch, or from stored weights."""
    begun_from = chosen.settings.get("model.pretrained")
    return "fine-tuning" if begun_from not in (None, False, "null") else "pre-training"


def hardware(machine: Mapping[str, Any]) -> str:
    """The processor with its cores, and the GPUs."""
    cores = f", {machine['cores']} cores" if machine.get("cores") else ""
    processor = f"{machine['cpu']}{cores}" if machine.get("cpu") else ""
    boards = len(machine.get("gpu_uuids") or ()) or 1
    gpu = f"{boards} x {machine['gpu']}" if machine.get("gpu") else ""
    return " + ".join(filter(None, [gpu, processor])) or str(machine.get("device_class") or "")


def _energy(study: StudyFigures, chosen: TrialFigures) -> JsonDict:
    """Joules with how they were obtained, as numbers."""
    metrics, tags = chosen.metrics, chosen.tags
    told: JsonDict = {
        "study": study.name,
        "trial": chosen.number,
        "quality": tags["quality"],
        "sources": tags.get("sources"),
        "scale_band": tags.get("scale_band"),
        "contended": tags.get("contended"),
    }
    if "training_joules" in metrics:
        error = metrics["training_uncertainty_joules"]
        told["training"] = {"joules": metrics["training_joules"], "uncertainty_joules": error}
    if PER_LABEL in metrics:
        told[f"per_{IMAGES_OF_A_LABEL}_images"] = {
            "joules": metrics[PER_LABEL],
            "low_joules": metrics[f"{PER_LABEL}_low"],
            "high_joules": metrics[f"{PER_LABEL}_high"],
            "batch": chosen.settings.get("inference.batch"),
        }
    return {name: value for name, value in told.items() if value is not None}


def _words(study: StudyFigures, chosen: TrialFigures, place: str | None) -> str:
    metrics, tags = chosen.metrics, chosen.tags
    lines = [
        f"# {_plain(study.name)}, trial {chosen.number}",
        "",
        f"Found by energy_sweep among {int(study.metrics['trials'])} trials. To run it again:",
        "",
        f"    {tags['command']}",
        "",
        "| | |",
        "|---|---|",
        *(f"| {_plain(name)} | {_plain(str(value))} |" for name, value in chosen.params.items()),
    ]
    if "accuracy" in metrics:
        low, high = metrics["accuracy_low"], metrics["accuracy_high"]
        lines.append(
            f"| validation accuracy | {metrics['accuracy']:.4f} ({low:.4f} to {high:.4f} at 95 %) |"
        )
    lines += ["", "## Energy", "", *_energy_lines(chosen)]
    machine = hardware(study.machine)
    lines += [f"- measured on: {_plain(machine)}"] if machine else []
    if "training_kg_co2e" in metrics:
        grams = GRAMS * metrics["training_kg_co2e"]
        where = f", {_plain(place)}" if place else ""
        lines.append(
            f"- training emitted {grams:.3g} g CO2e: its joules, {_plain(tags['emissions'])}{where}"
        )
    return "\n".join([*lines, ""])


def _energy_lines(chosen: TrialFigures) -> list[str]:
    metrics, tags = chosen.metrics, chosen.tags
    quality = tags["quality"]
    lines: list[str] = []
    if "training_joules" in metrics:
        joules, error = metrics["training_joules"], metrics["training_uncertainty_joules"]
        lines.append(f"- training took {joules:.4g} J ± {error:.2g} J, **{quality}**")
    if PER_LABEL in metrics:
        low, high = metrics[f"{PER_LABEL}_low"], metrics[f"{PER_LABEL}_high"]
        lines.append(
            f"- {IMAGES_OF_A_LABEL:,} images take {metrics[PER_LABEL]:.4g} J ({low:.4g} to"
            f" {high:.4g} J at 95 %), **{quality}**"
        )
    lines.append(f"- {quality} by {_plain(tags.get('sources', 'the meter'))}{_scale_text(tags)}")
    if "contended" in tags:
        lines.append(f"- other programs ran in all windows of {_plain(tags['contended'])}")
    return lines


def _scale_text(tags: Mapping[str, str]) -> str:
    """What is not known of all joules together; empty where that is nothing."""
    low, _, high = tags["scale_band"].partition(" to ")
    if low == high:
        return ""
    return f"; all joules of this machine share one unknown factor between {low} and {high}"


def _plain(text: str) -> str:
    """Text of a user's within a table of Markdown: no tags, links or columns of its own."""
    flat = " ".join(text.split())
    return "".join(f"&#{ord(one)};" if one in "\\`*_{}[]()#!|<>&" else one for one in flat)
