"""The verbs experiment and verdict: claims tested on this machine, and what came of it."""

from __future__ import annotations

import argparse
import json
from argparse import Namespace
from pathlib import Path

from energy_sweep.app import stored_study
from energy_sweep.app.experiment.typed import SIZES
from energy_sweep.app.verbs.destination import check_json, check_page, writing_to
from energy_sweep.text import terminal


def experiment_options(parser: argparse.ArgumentParser) -> None:
    """Which experiment, at which size."""
    _name(parser)
    parser.add_argument("--size", default=SIZES[0], metavar="SIZE", help="smoke (default) or full")
    parser.add_argument(
        "--dry-run", action="store_true", help="say what it needs, downloads and costs, run nothing"
    )
    parser.add_argument("--to", type=Path, metavar="FILE", help="its page; default: NAME.html")


def verdict_options(parser: argparse.ArgumentParser) -> None:
    """Which experiment, and where else its verdict goes."""
    _name(parser)
    parser.add_argument("--size", metavar="SIZE", help="default: the largest that was run")
    parser.add_argument("--to", type=Path, metavar="FILE", help="a page of all its studies")
    parser.add_argument(
        "--share", type=Path, metavar="FILE", help="one JSON file to send to others"
    )
    parser.add_argument(
        "--against", type=Path, nargs="+", metavar="FILE", help="beside what others shared"
    )


def experiment(arguments: Namespace) -> int:
    """Run the sweeps of an experiment, then say what they say of its claims."""
    # Presets know claims, and those NumPy, which other verbs do not wait for.
    from energy_sweep.app.experiment.preset import load_preset
    from energy_sweep.app.verbs.experiment_sweeps import plan_lines, run_sweeps

    preset, size, outputs = load_preset(arguments.name), arguments.size, arguments.outputs
    width = terminal.width_of()
    page: Path = arguments.to or outputs / f"{preset.name}-{size}.html"
    with writing_to(page):
        check_page(page, force=arguments.force)
    plan = plan_lines(preset, size, outputs)
    if not arguments.json:
        print(terminal.prose("\n".join(plan), width=width), flush=True)
    if arguments.dry_run or size != SIZES[0]:
        failed = run_sweeps(preset, size, outputs, dry=True)
        if arguments.dry_run or failed:
            return 1 if failed else 0
    failed = run_sweeps(preset, size, outputs, dry=False)
    arguments.to, arguments.share, arguments.against = page, None, None
    print()
    verdict(arguments)
    return 1 if failed else 0


def verdict(arguments: Namespace) -> None:
    """Print what the stored studies of an experiment say of its claims."""
    from energy_sweep.app.experiment.preset import load_preset
    from energy_sweep.app.experiment.stored_verdict import (
        check_same_experiment,
        chosen_size,
        shared_file,
        stored_verdict,
    )
    from energy_sweep.report.verdict_table import machines_table, verdict_table

    preset = load_preset(arguments.name)
    others = [shared_file(path) for path in arguments.against or ()]
    for path, check in ((arguments.to, check_page), (arguments.share, _check_share)):
        if path is not None:
            with writing_to(path):
                check(path, force=arguments.force)
    size = chosen_size(preset, arguments.size, arguments.outputs)
    found = stored_verdict(preset, size, arguments)
    check_same_experiment([found.document, *others])
    if arguments.share is not None:
        with writing_to(arguments.share):
            arguments.share.parent.mkdir(parents=True, exist_ok=True)
            arguments.share.write_text(json.dumps(found.document, indent=2), encoding="utf-8")
    if arguments.to is not None:
        from energy_sweep.report.experiment_page import write_experiment_page

        about = (preset.name, preset.question, preset.source)
        with writing_to(arguments.to):
            arguments.to.parent.mkdir(parents=True, exist_ok=True)
            write_experiment_page(arguments.to, about, found.studies, found.verdicts)
    if arguments.json:
        more = {"against": others} if others else {}
        stored_study.print_json({**found.document, **more})
        return
    width = terminal.width_of()
    title = f"{preset.name}, size {size}"
    print(verdict_table(title, found.verdicts, studies=found.studies, width=width))
    if others:
        print("", machines_table([found.document, *others], width=width), sep="\n")
    for path in filter(None, (arguments.to, arguments.share)):
        print(f"written: {path}")


def _check_share(path: Path, *, force: bool) -> None:
    from energy_sweep.app.experiment.stored_verdict import KEYS

    check_json(path, KEYS, force=force)


def _name(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="one that comes along, or a YAML file")
