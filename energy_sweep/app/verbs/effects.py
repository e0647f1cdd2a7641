"""The verb effects: what each axis does to accuracy and joules, matched on all others."""

from __future__ import annotations

import argparse
from argparse import Namespace
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from energy_sweep.app import stored_study
from energy_sweep.app.verbs import typed_numbers
from energy_sweep.record import BadInput, Objective
from energy_sweep.study.paths import is_study
from energy_sweep.text import terminal

if TYPE_CHECKING:
    from energy_sweep.front import PricedStudy
    from energy_sweep.front.effects.attained import AttainedFront
    from energy_sweep.front.effects.joules_spread import JoulesSpread

MARGIN = 0.01  # of accuracy: a point


def options(parser: argparse.ArgumentParser) -> None:
    """Which studies, which axes, and what equally accurate is."""
    parser.add_argument(
        "words",
        nargs="*",
        metavar="NAME|AXIS",
        help="studies (default: the latest), and axes (default: all)",
    )
    parser.add_argument(
        "--min-accuracy",
        type=typed_numbers.fraction,
        metavar="A",
        help="also joules to reach A; the most over the least joules of those that surely do",
    )
    parser.add_argument(
        "--as-accurate-as",
        type=int,
        metavar="TRIAL",
        help="the most over the least joules of those that are (default: the most accurate)",
    )
    parser.add_argument(
        "--margin",
        type=typed_numbers.positive,
        default=MARGIN,
        metavar="M",
        help="by which those may be less accurate (default: 0.01, a point)",
    )
    parser.add_argument(
        "--front",
        action="store_true",
        help="also the front of training that every, half and any of the seeds attain",
    )


def effects(arguments: Namespace) -> None:
    """Print the effects of axes as one family of tests."""
    names = [word for word in arguments.words if _is_study(word, arguments.outputs)]
    asked = [word for word in arguments.words if word not in names]
    if len(set(names)) < len(names):
        raise BadInput(f"type each study once: effects {' '.join(dict.fromkeys(names))}")
    floor = arguments.min_accuracy
    studies = [stored_study.load_named(name, arguments) for name in names or [None]]
    _check_trial(arguments, studies)

    from energy_sweep.front.effects.joules_spread import joules_spread
    from energy_sweep.front.effects.linearity import linearity
    from energy_sweep.front.effects.runs import runs_of
    from energy_sweep.front.effects.study_effects import study_effects
    from energy_sweep.report.effects_table import attained_table, effects_table

    training = Objective(name="training")
    priced = {one.record.name: one.priced.by(training) for one in studies}
    runs = runs_of(priced)
    found = study_effects(runs, asked, reaching=floor)
    asked_for = {"reference": arguments.as_accurate_as, "margin": arguments.margin}
    spreads = {name: joules_spread(one, floor, **asked_for) for name, one in priced.items()}
    lines = {name: linearity(one.study.stages.values()) for name, one in priced.items()}
    if arguments.json:
        fronts = _fronts(priced) if arguments.front else {}
        more = {"attained": {n: one and one.document for n, one in fronts.items()}}
        stored_study.print_json(
            {
                "studies": list(priced),
                "quality": runs.quality,
                "effects": [one.document for one in found],
                "joules_spread": {n: one and one.document for n, one in spreads.items()},
                "linearity": {n: one and one.document for n, one in lines.items()},
                **(more if arguments.front else {}),
            }
        )
        return
    told = _spread_texts(spreads, priced)
    width = terminal.width_of()
    if arguments.front:
        for name, front in _fronts(priced).items():
            print(attained_table(name, front, width=width), end="\n\n")
    print(effects_table(found, quality=runs.quality, spreads=told, lines=lines, width=width))


def _fronts(priced: Mapping[str, PricedStudy]) -> dict[str, AttainedFront | None]:
    from energy_sweep.front.effects.attained import attained_front
    from energy_sweep.front.effects.runs import runs_of

    return {name: attained_front(runs_of({name: one})) for name, one in priced.items()}


def _spread_texts(
    spreads: Mapping[str, JoulesSpread | None], priced: Mapping[str, PricedStudy]
) -> dict[str, str]:
    from energy_sweep.front.effects.spread_text import spread_text

    none = "fewer than two configurations are surely as accurate as is asked"
    return {
        name: none if one is None else spread_text(one, priced[name])
        for name, one in spreads.items()
    }


def _check_trial(arguments: Namespace, studies: Sequence[stored_study.StoredStudy]) -> None:
    """BadInput for a trial that says nothing here."""
    trial = arguments.as_accurate_as
    if trial is None:
        return
    if arguments.min_accuracy is not None:
        raise BadInput("--min-accuracy and --as-accurate-as ask for two things: type one of them")
    if len(studies) > 1:
        raise BadInput(f"--as-accurate-as {trial} is a trial of one study: type one NAME")
    known = sorted(n.number for one in studies[0].priced.priced for n, _ in one.runs)
    if trial not in known:
        most = f"trials up to {known[-1]}" if known else "no trial"
        raise BadInput(
            f"--as-accurate-as {trial}: {studies[0].record.name} has a price for {most}: type one"
            " that front shows"
        )


def _is_study(word: str, outputs: Path) -> bool:
    return is_study(outputs / word) or is_study(Path(word))
