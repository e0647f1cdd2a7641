"""The card of a deployed model: what it is, what it was measured to do, how to run it."""

from __future__ import annotations

from energy_sweep.front.achieved import achieved
from energy_sweep.front.breakdown import JOULES_PER_KILOWATT_HOUR
from energy_sweep.front.scale import ScaleFactor, factors_text
from energy_sweep.record import JsonDict, from_json

PERCENT = 100.0


def card(metrics: JsonDict) -> str:
    """The card as Markdown, from nothing but what metrics.json says."""
    return "\n".join(
        [
            f"# {metrics['model']} on {metrics['dataset']['name']}",
            "",
            f"Trial {metrics['trial']} of study `{metrics['study']}`, found and exported by"
            " energy_sweep. It tells"
            f" {len(metrics['classes'])} classes apart ({', '.join(metrics['classes'])}).",
            "",
            *_accuracy(metrics),
            *_energy(metrics),
            *_compression(metrics),
            *_data(metrics),
            *_running(metrics),
        ]
    )


def _accuracy(metrics: JsonDict) -> list[str]:
    test, looks = metrics["test"], metrics["test_split_seen_by"]
    return [
        "## Accuracy",
        "",
        f"**{test['accuracy']:.4f}** on the test split ({test['correct']} of {test['n']} images;"
        f" 95 % interval {test['accuracy_low']:.4f} to {test['accuracy_high']:.4f}, Wilson).",
        f"{looks} configuration{'s' if looks > 1 else ''} of the study"
        f" {'have' if looks > 1 else 'has'} seen this split."
        f" On the validation split, which the choice was made by:"
        f" {metrics['validation']['accuracy']:.4f}.",
        "",
    ]


def _energy(metrics: JsonDict) -> list[str]:
    lines = [
        "## Energy",
        "",
        "| images at once | joules per image | at 95 % +- | kWh a million images"
        " | seconds per image | quality |",
        "|---|---|---|---|---|---|",
    ]
    for batch, figure in metrics["inference"].items():
        lines.append(
            f"| {batch} | {figure['joules']:.3g} | {figure['uncertainty_joules']:.2g} |"
            f" {1e6 * figure['joules'] / JOULES_PER_KILOWATT_HOUR:.3g} | {figure['seconds']:.3g} |"
            f" {figure['quality']}{', contended' if figure.get('contended') else ''} |"
        )
    lines += _latency(metrics)
    joules = metrics.get("joules")
    if joules is not None:
        images = f" of {joules['images']:,} images" if joules["objective"] == "lifetime" else ""
        lines += [
            "",
            f"The study's objective, {joules['objective']}{images}: {joules['joules']:.4g} J"
            f" +- {joules['uncertainty_joules']:.2g} J, {joules['quality']}"
            f" ({joules['joules'] / JOULES_PER_KILOWATT_HOUR:.3g} kWh).",
        ]
        if joules.get("contended"):
            lines.append(
                f"Other programs ran in all windows of {', '.join(joules['contended'])}: measure"
                " these joules again before you rely on them."
            )
        lines += _scale(joules)
    return [*lines, ""]


def _latency(metrics: JsonDict) -> list[str]:
    found = metrics.get("latency")
    if found is None:
        return []
    return [
        "",
        f"One image alone, run after run: {1e3 * found['p50_seconds']:.3g} ms at the median,"
        f" {1e3 * found['p95_seconds']:.3g} ms at the 95th percentile (n = {found['runs']}"
        f"{', beside other programs' * bool(found['contended'])}).",
    ]


def _scale(joules: JsonDict) -> list[str]:
    factors = [from_json(ScaleFactor, one) for one in joules["scale_factors"]]
    if all(factor.is_known for factor in factors):
        return []
    why = "They were not calibrated with a power meter."
    if len(factors) == 1:
        low, high = joules["scale_band"]
        return [
            f"All joules here may be scaled together by {low:g} to {high:g}. {why} Ratios are not"
            " touched by that."
        ]
    return [f"{factors_text(factors, joules['quality'])} {why} Ratios depend on these factors."]


def _compression(metrics: JsonDict) -> list[str]:
    facts, dense = metrics["size"], metrics["size"].get("dense")
    reached = achieved(metrics, facts).text
    lines = ["## Size", "", f"- {metrics['measured_file']}: {facts['bytes']:,} bytes"]
    lines.append(
        f"- {facts['parameters']:,} parameters, {facts['macs']:,} multiply-accumulates an image"
    )
    if metrics["compression"] != "none" and dense is not None:
        lines.append(
            f"- compression: {metrics['compression']}, level {metrics['level']:g}"
            f" (achieved, as shares of the dense weight bits: {reached or 'not known'}); before it"
            f" {dense['parameters']:,} parameters, {dense['macs']:,} multiply-accumulates"
        )
    if "int8_coverage" in facts:
        lines.append(f"- int8: {facts['int8_coverage']:.0%} of the layers")
    return [*lines, ""]


def _data(metrics: JsonDict) -> list[str]:
    data = metrics["dataset"]
    return [
        "## Data",
        "",
        f"- {data['name']}: {data['train']:,} images to train, {data['validation']:,} to choose,"
        f" {data['test']:,} to test",
        *(f"- {note}" for note in data["read"]["notes"]),
        f"- licence of the images: {data['licence']}",
        f"- SHA-256 of the splits: `{data['fingerprint']}`",
        "",
    ]


def _files(metrics: JsonDict) -> str:
    if metrics["measured_file"] == "model.onnx":
        return (
            "`model.pt2` is the float network for `torch.export.load`, before anything was done to"
            " the exported file."
        )
    first = (
        " after `import torch.ao.quantization.fx._decomposed`"
        if "int8_coverage" in metrics["size"]
        else ""
    )
    return (
        "It is the float network, and what the accuracy above is of. `model.pt2`, for"
        f" `torch.export.load`{first}, is what the joules were measured on, by"
        f" {metrics['runtime']}."
    )


def _running(metrics: JsonDict) -> list[str]:
    channels, height, width = metrics["input"]["shape"][1:]
    return [
        "## To run it",
        "",
        "```",
        "pip install onnxruntime numpy pillow",
        "python predict.py image.png    # or a folder, or 'scans/*.png'; --json, --help",
        "```",
        "",
        f"`model.onnx` takes uint8 pixels `images` [N, {channels}, {height}, {width}] as they are:"
        f" they are normalised inside, exactly as in training; `reader/`"
        f" makes them of image files as training did. {_files(metrics)} Both were opened"
        " in a fresh process, where they gave the answers that are counted here.",
        "",
        "To train it again, from this folder:"
        ' `python -m energy_sweep --config-path "$PWD" --config-name config`,'
        f" or `{metrics['command']}`.",
        "",
    ]
