"""The verbs: what `python -m energy_sweep VERB` does beside running trials and sweeps."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import NoReturn

from energy_sweep.app.verbs import (
    choosing,
    comparing,
    effects,
    experiments,
    exporting,
    make,
    measure,
    meters,
    serving,
    show,
    traces,
    typed_numbers,
)
from energy_sweep.app.verbs.constraint_options import constraints, unconstrained
from energy_sweep.app.verbs.unit_options import units
from energy_sweep.app.verbs.untrusted_study import guard_untrusted
from energy_sweep.record import BadInput
from energy_sweep.study.paths import OUTPUTS
from energy_sweep.text.commands import program

ACTIONS = {
    "meters": meters.meters,
    "measure": measure.measure,
    "front": show.front,
    "choose": choosing.choose,
    "compare": comparing.compare,
    "effects": effects.effects,
    "experiment": experiments.experiment,
    "verdict": experiments.verdict,
    "deploy": make.deploy,
    "report": make.report,
    "dashboard": serving.dashboard,
    "export": exporting.export,
    "stages": show.stages,
    "trace": traces.trace,
}
VERBS = tuple(ACTIONS)

Options = Callable[[argparse.ArgumentParser], None]


class _Parser(argparse.ArgumentParser):
    """An argument parser whose complaint is one line that says where to look."""

    def error(self, message: str) -> NoReturn:
        raise BadInput(f"{message}: type {self.prog} --help")


def run(argv: Sequence[str]) -> int:
    """Do one verb and return the exit code; raises EnergySweepError for everything refused."""
    arguments, extra = _parser().parse_known_args(argv)
    if extra:
        raise BadInput(_too_much(arguments, extra))
    code = 0
    try:
        with guard_untrusted(hasattr(arguments, "outputs")):
            code = ACTIONS[arguments.verb](arguments) or 0
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader (`| head`) has seen enough; keep Python from complaining at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return code


def _too_much(arguments: argparse.Namespace, extra: Sequence[str]) -> str:
    """The line for words that a verb has no use for."""
    verb, words = arguments.verb, " ".join(extra)
    flags = [word for word in extra if word.startswith("-")]
    if flags:
        return f"unrecognized arguments: {words}: type {program()} {verb} --help"
    if hasattr(arguments, "name"):
        both = f"{arguments.name} {words}"
        other = f"; both on one page: compare {both} --to FILE.html" * (verb == "report")
        only = f"type {verb} {arguments.name}, and leave {words} out"
        return f"{verb} takes one NAME, a study: {only}{other}"
    if hasattr(arguments, "names"):
        return f"type what to compare beside each other: {verb} {' '.join(arguments.names)} {words}"
    return f"{verb} takes no NAME: leave {words} out"


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog=program(), allow_abbrev=False)
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    for name, (summary, *options) in _verbs().items():
        made = verbs.add_parser(name, help=summary, description=summary, allow_abbrev=False)
        made.add_argument("--json", action="store_true", help="print JSON instead of text")
        for add in options:
            add(made)
    return parser


def _verbs() -> dict[str, tuple[str, *tuple[Options, ...]]]:
    """What each verb is for, and its options."""
    study, every = (_study, _objective, _watts), partial(_study, default="all of them")
    return {
        "meters": (
            "What can be measured on this machine, how well, and what is missing.",
            *(_powercap, meters.options, _force),
        ),
        "measure": (
            "The joules of any program: measure -- python train.py",
            *(_powercap, _watts, units, _force, measure.options),
        ),
        "front": (
            "The configurations that no other beats.",
            *study,
            units,
            show.options,
            unconstrained,
        ),
        "choose": (
            "One configuration by constraints or rule, and the command that runs it.",
            *(*study, constraints, unconstrained, units),
        ),
        "compare": (
            "Two configurations (compare NAME 3 7), or the fronts of studies (compare NAME NAME).",
            *(comparing.options, _outputs, _objective, _watts, unconstrained, units, _force),
        ),
        **_claim_verbs(),
        "deploy": (
            "The chosen configuration as files that anybody can run.",
            *(*study, constraints, unconstrained, _deploy, _force),
        ),
        "report": (
            "The study as one page that needs no network.",
            *study,
            make.page_options,
            unconstrained,
            units,
            _force,
        ),
        "dashboard": (
            "Optuna's dashboard on this machine only, with notes and our page inside.",
            *(every, _objective, _watts, serving.options, unconstrained),
        ),
        "export": (
            "What was found for MLflow, TensorBoard, W&B, CodeCarbon, a model card, or as JSON.",
            *(*study, constraints, unconstrained, exporting.options),
        ),
        "stages": ("The store of finished work, and what trials share.", _study, _clear),
    }


def _claim_verbs() -> dict[str, tuple[str, *tuple[Options, ...]]]:
    """Those of claims: what an axis does, what holds here, and what others published."""
    return {
        "effects": (
            "What each axis does to accuracy and joules, matched on all others.",
            *(effects.options, _outputs, _watts),
        ),
        "experiment": (
            "Run the sweeps of claims, and say which of them hold on this machine.",
            *(experiments.experiment_options, _outputs, _watts, _force),
        ),
        "verdict": (
            "Which claims hold, by what an experiment has stored.",
            *(experiments.verdict_options, _outputs, _watts, _force),
        ),
        "trace": (
            "A trace that others measured and published, as a study.",
            *(traces.options, _outputs),
        ),
    }


def _powercap(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--powercap", type=Path, metavar="DIR", help="where the RAPL counters lie, if not in /sys"
    )


def _watts(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--cpu-watts",
        type=typed_numbers.positive,
        metavar="W",
        help="price estimates by W a busy core",
    )
    watts = typed_numbers.positive
    parser.add_argument("--memory-watts", type=watts, metavar="W", help="and by W a GiB")
    parser.add_argument(
        "--calibration", type=Path, metavar="FILE", help="or by what meters --calibrate wrote"
    )


def _study(parser: argparse.ArgumentParser, default: str = "the latest") -> None:
    parser.add_argument("name", nargs="?", metavar="NAME", help=f"a study; default: {default}")
    _outputs(parser)


def _outputs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--outputs", type=Path, default=OUTPUTS, metavar="DIR", help="where studies lie"
    )


def _objective(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--objective",
        default="lifetime",
        metavar="NAME",
        help="joules of training, inference (one image) or lifetime (training + N images)",
    )
    parser.add_argument(
        "--images", type=int, default=100_000, metavar="N", help="life of a model (default 100000)"
    )


def _deploy(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--to", type=Path, required=True, metavar="DIR", help="where to write")
    _allow(parser)


def _allow(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--allow",
        action="append",
        default=[],
        metavar="PACKAGE",
        help="trust your package that a trial's own parts are in",
    )


def _clear(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--clear", action="store_true", help="remove weights; readings stay")
    parser.add_argument("--stages", type=Path, metavar="DIR", help="of --clear: a store elsewhere")
    parser.add_argument(
        "--again",
        action="store_true",
        help="run trials anew whose joules rest on contended windows alone",
    )
    _allow(parser)


def _force(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--force", action="store_true", help="write over files of others")
