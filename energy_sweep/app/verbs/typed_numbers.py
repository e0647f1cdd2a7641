"""Numbers as they are typed after options; each refuses what it does not stand for."""

from __future__ import annotations

import argparse


def fraction(text: str) -> float:
    """A number between 0 and 1, both included."""
    value = float(text)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 1, such as .95")
    return value


def probability(text: str) -> float:
    """A number between 0 and 1."""
    value = float(text)
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f"{text} is no probability between 0 and 1, such as .95")
    return value


def positive(text: str) -> float:
    """A finite number above 0."""
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not a positive number")
    return value


def count(text: str) -> int:
    """A whole number of at least 1."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a whole number of at least 1")
    return value


def port(text: str) -> int:
    """The number of a port; 0 takes a free one."""
    value = int(text)
    if not 0 <= value < 65536:
        raise argparse.ArgumentTypeError(f"{text} is not a port")
    return value


def weights(text: str) -> dict[str, float]:
    """Numbers by name, such as accuracy=1,joules=2."""
    found = dict[str, float]()
    for part in text.split(","):
        name, equals, number = part.partition("=")
        if not equals or name in found:
            raise argparse.ArgumentTypeError(f"{text} is not such as accuracy=1,joules=2")
        try:
            found[name] = float(number)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{part} is not such as accuracy=1") from None
    return found
