"""What a choice has to keep, and by which rule it is made, as options of verbs."""

from __future__ import annotations

import argparse
from typing import Any

from energy_sweep.app.verbs import typed_numbers
from energy_sweep.front.constraints import EXAMPLES
from energy_sweep.record import BadInput

LIMITS = {
    "--max-joules": "J at most",
    "--max-joules-per-image": "J at most, at inference.batch",
    "--max-bytes": "B at most, of the deployed file",
    "--max-latency": "S at most, seconds that one image alone takes",
}
RULES = ("knee", "efficiency", "weights", "trial")


def constraints(parser: argparse.ArgumentParser) -> None:
    """Those of a choice, and the rule."""
    parser.add_argument(
        "--min-accuracy", type=typed_numbers.fraction, metavar="A", help="at least, 0 to 1"
    )
    for name, words in LIMITS.items():
        parser.add_argument(name, type=typed_numbers.positive, metavar=words[0], help=words)
    parser.add_argument(
        "--sure",
        type=typed_numbers.probability,
        metavar="P",
        help="keeps those of accuracy and joules with this probability",
    )
    parser.add_argument("--knee", action="store_true", help="the best trade of accuracy for joules")
    parser.add_argument(
        "--efficiency", action="store_true", help="the most accuracy per joule above a --floor"
    )
    parser.add_argument(
        "--floor", type=typed_numbers.fraction, metavar="A", help="least accuracy of --efficiency"
    )
    parser.add_argument(
        "--weights",
        type=typed_numbers.weights,
        metavar="W",
        help="the best weighted sum of accuracy and log joules, such as accuracy=1,joules=2",
    )
    parser.add_argument(
        "--trial", type=int, metavar="N", help="this one, if it keeps the limits; do not choose"
    )


def unconstrained(parser: argparse.ArgumentParser) -> None:
    """Whether those of the study are left out."""
    words = "leave out the constraints of the study (search.constraints)"
    parser.add_argument("--unconstrained", action="store_true", help=words)


def asked_of(arguments: argparse.Namespace) -> dict[str, Any]:
    """The limits and the rule that were typed, as `front.choose` takes them; BadInput for two
    rules."""
    given = {name: getattr(arguments, name) for name in RULES}
    rules = [name for name, value in given.items() if value is not None and value is not False]
    if len(rules) > 1:
        typed = " and ".join(f"--{name}" for name in rules)
        raise BadInput(f"{typed} name what to take, each for itself: type one of them")
    limits = {name: value for name in EXAMPLES if (value := getattr(arguments, name)) is not None}
    if arguments.floor is not None:
        if not arguments.efficiency:
            raise BadInput(
                "--floor is the least accuracy of --efficiency: type that too, or --min-accuracy"
                f" {arguments.floor:g} in its place"
            )
        if arguments.min_accuracy is not None:
            raise BadInput("--floor and --min-accuracy are one limit: type one of them")
        limits["min_accuracy"] = arguments.floor
    rule = next((name for name in ("knee", "efficiency") if getattr(arguments, name)), None)
    return {
        "constraints": limits,
        "rule": rule,
        "weights": arguments.weights,
        "trial": arguments.trial,
        "sure": arguments.sure,
    }
