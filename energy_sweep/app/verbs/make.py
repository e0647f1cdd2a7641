"""The verbs that make something: deploy, report."""

from __future__ import annotations

import argparse
import shlex
import sys
from argparse import Namespace
from pathlib import Path

from energy_sweep.app import stored_study
from energy_sweep.app.stored_study import StoredStudy
from energy_sweep.app.verbs.choosing import choice_of
from energy_sweep.app.verbs.constraint_options import asked_of
from energy_sweep.app.verbs.destination import (
    check_deployment,
    check_page,
    fresh_folder,
    writing_to,
)
from energy_sweep.app.verbs.unit_options import units_of
from energy_sweep.record import BadInput, JsonDict, TrialRecord, TrialResult, to_json
from energy_sweep.study.links import check_links
from energy_sweep.study.paths import PAGE
from energy_sweep.text import terminal


def page_options(parser: argparse.ArgumentParser) -> None:
    """Where the page goes."""
    parser.add_argument("--to", type=Path, metavar="FILE", help="default: report.html in the study")


def deploy(arguments: Namespace) -> None:
    """Write the chosen configuration as files, and print its test accuracy."""
    asked = asked_of(arguments)  # refuses two rules before anything is read
    with writing_to(arguments.to):
        check_deployment(arguments.to, force=arguments.force)
    stored = stored_study.load(arguments)
    trial, result = _to_deploy(stored, arguments)
    _warn_below_floor(stored, trial.number, asked["constraints"].get("min_accuracy"))
    origin = _origin(stored, trial)

    from energy_sweep import deploy as deployment
    from energy_sweep.app.sweep.identity import check_same
    from energy_sweep.app.sweep.session import open_session
    from energy_sweep.app.verbs.stored_recipe import rebuild_recipe

    values, recipe = rebuild_recipe(stored, trial, allow=arguments.allow)
    try:
        check_same(recipe, result, stored.record.identity, command=origin["command"])
    except BadInput as error:
        raise BadInput(f"trial {trial.number}: {error}") from error
    check_links(stored.folder)
    session = open_session(values, recipe.device)
    try:
        with fresh_folder(arguments.to):
            metrics = deployment.deploy(
                recipe,
                result,
                arguments.to,
                meter=session.meter,
                store=stored.store,
                looks_file=stored.folder / deployment.TEST_LOOKS,
                # Whoever runs it again has a store of their own, and says whom they trust.
                config=values | {"stages": None, "allow": []},
                origin=origin,
            )
    finally:
        session.meter.close()
        session.store.claim.release()
    if arguments.json:
        stored_study.print_json({"folder": str(arguments.to), **metrics})
    else:
        _print_deployed(arguments.to, metrics)


def report(arguments: Namespace) -> None:
    """Write the study as one page."""
    from energy_sweep.report.html_page import write_page

    units = units_of(arguments)
    stored = stored_study.load(arguments)
    path: Path = arguments.to or stored.folder / PAGE
    with writing_to(path):
        check_page(path, force=arguments.force, study=stored.folder)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_page(stored.priced, path, units)
    if arguments.json:
        stored_study.print_json({"report": str(path), "bytes": path.stat().st_size})
    else:
        print(f"{path} ({path.stat().st_size / 1e6:.1f} MB): open it in any browser, no network")


def _to_deploy(stored: StoredStudy, arguments: Namespace) -> tuple[TrialRecord, TrialResult]:
    number = arguments.trial
    if number is None:
        number = choice_of(stored, arguments).row.trial
    trial = stored_study.trial_of(stored.record, number)
    if trial.result is None or trial.result.correct is None:
        reason = trial.result.infeasible if trial.result else trial.error or trial.state
        raise BadInput(f"trial {number} has no network to deploy ({reason}): type another --trial")
    is_limited = asked_of(arguments)["constraints"] or arguments.sure is not None
    if arguments.trial is not None and is_limited:
        choice_of(stored, arguments)  # which refuses a trial that does not keep what is asked for
    return trial, trial.result


def _warn_below_floor(stored: StoredStudy, number: int, floor: float | None) -> None:
    from energy_sweep.front.own_net import below_floor_text

    priced = stored.priced.unconstrained
    row = priced.row_by_trial.get(number)
    if row is not None and (
        text := below_floor_text(priced.configuration(row.trial), number, floor)
    ):
        print(text, file=sys.stderr)


def _origin(stored: StoredStudy, trial: TrialRecord) -> JsonDict:
    """Where the deployed network comes from, and what it cost, for metrics.json."""
    from energy_sweep.front import command

    objective = stored.objective
    row = stored.priced.unconstrained.row_by_trial.get(trial.number)
    if row is None:
        raise BadInput(
            f"trial {trial.number} cannot be priced, since readings are gone: type"
            f" {command(trial)} to measure it anew, or another --trial"
        )
    return {
        "study": stored.record.name,
        "trial": trial.number,
        "command": command(trial),
        "joules": {
            "objective": objective.name,
            "images": objective.images,
            "joules": row.joules,
            "uncertainty_joules": row.uncertainty_joules,
            "contended": list(row.contended),
            "joules_per_image": row.joules_per_image,
            "quality": stored.record.meter.quality.value,
            "scale_band": list(stored.record.meter.scale_band),
            "scale_factors": to_json(stored.priced.scale_factors),
            "machine": to_json(stored.record.machine),
        },
    }


def _print_deployed(folder: Path, metrics: JsonDict) -> None:
    test, validation = metrics["test"], metrics["validation"]
    seen = metrics["test_split_seen_by"]
    lines = [
        f"trial {metrics['trial']} of {metrics['study']} is in {folder}:"
        " card.md, model.onnx, model.pt2, predict.py, reader, labels.json, test.npz, metrics.json,"
        " config.yaml, SHA256SUMS",
        f"  test        {test['accuracy']:.4f}, at 95 % {test['accuracy_low']:.4f} to"
        f" {test['accuracy_high']:.4f} ({test['correct']} of {test['n']} images)",
        f"  validation  {validation['accuracy']:.4f}",
        f"  The test split has been seen by {seen} configuration{'s' if seen > 1 else ''}"
        " of this study; each further look makes its accuracy less fair.",
        *_inference_lines(metrics),
    ]
    print(terminal.prose("\n".join(lines), width=terminal.width_of()))
    typed = shlex.join(["python", str(folder / "predict.py"), "IMAGE"])
    print(f"  try it: {typed} (needs onnxruntime, numpy, pillow)")


def _inference_lines(metrics: JsonDict) -> list[str]:
    return [
        f"  {figure['joules']:.3g} J +- {figure['uncertainty_joules']:.2g} J per image at batch"
        f" {batch}, {figure['quality']}{', contended' if figure['contended'] else ''};"
        f" {1e3 * figure['seconds']:.3g} ms"
        for batch, figure in metrics["inference"].items()
    ]
