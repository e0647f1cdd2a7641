"""What may be asked of a technique; the rest is refused, with what to type instead."""

from __future__ import annotations

import math

from energy_sweep.record import BadInput

# A net that keeps more than this multiple of what was asked, and the slack, is refused.
MOST_KEPT, SLACK = 1.5, 0.01


def check_reached(level: float, removed: float, why: str) -> None:
    """Raise BadInput for a net of which far less can be `removed` than the `level` asks."""
    if 1 - removed > MOST_KEPT * (1 - level) + SLACK:
        most = math.floor(100 * removed) / 100
        what = f"type compression.level={most:g} or less" if most else "type compression=none"
        raise BadInput(
            f"compression.level={level:g}: {why} removes {removed:.3f} of this net:"
            f" {what}, or a wider model"
        )


def check_recover_epochs(epochs: int, iterations: int = 1) -> None:
    """Raise BadInput for what is no number of epochs, or too few to recover every iteration."""
    for name, value, least in (("recover_epochs", epochs, 0), ("iterations", iterations, 1)):
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            raise BadInput(
                f"compression.{name}={value}: type a whole number "
                f"of at least {least}, such as compression.{name}=3"
            )
    if 0 < epochs < iterations:
        raise BadInput(
            f"compression.iterations={iterations}: each is recovered for an epoch or more: type"
            f" compression.recover_epochs={iterations}"
        )


def check_choice(setting: str, value: object, choices: tuple[str, ...]) -> None:
    """Raise BadInput for a word that is none of the choices."""
    if value not in choices:
        raise BadInput(f"{setting}={value}: type {setting}={'|'.join(choices)}")


def check_multiple(multiple: int | None) -> None:
    """Raise BadInput for what is no number that channels can be multiples of."""
    whole = isinstance(multiple, int) and not isinstance(multiple, bool)
    if multiple is not None and not (whole and multiple >= 1):
        raise BadInput(
            f"compression.channel_multiple={multiple}: type a whole number of at least 1, or null"
            " for what the runtime runs cheapest"
        )
