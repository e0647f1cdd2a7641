"""What a choice has to keep, as options of verbs."""

from __future__ import annotations

import argparse

from energy_sweep.app.verbs import typed_numbers

LIMITS = {
    "--max-joules": "J at most",
    "--max-joules-per-image": "J at most, at inference.batch",
    "--max-bytes": "B at most, of the deployed file",
    "--max-latency": "S at most, seconds that one image alone takes",
}


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


def unconstrained(parser: argparse.ArgumentParser) -> None:
    """Whether those of the study are left out."""
    words = "leave out the constraints of the study (search.constraints)"
    parser.add_argument("--unconstrained", action="store_true", help=words)
