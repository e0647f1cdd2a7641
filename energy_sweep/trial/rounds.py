"""The rounds of a recipe's compression, each with its stages in the chain."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from energy_sweep.compression.base import Round
from energy_sweep.recipe import Recipe
from energy_sweep.record import StageUse

COMPRESSING = ("compress", "recover")


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundUse:
    """A round of a compression and its stages; `recover` is None where nothing is trained."""

    round: Round
    compress: StageUse
    recover: StageUse | None


def rounds_of(recipe: Recipe, stages: Iterable[StageUse]) -> tuple[RoundUse, ...]:
    """The rounds in order, with the uses that `chain` gave them."""
    uses = iter([use for use in stages if use.stage in COMPRESSING])
    return tuple(
        RoundUse(round=one, compress=next(uses), recover=next(uses) if one.recover_epochs else None)
        for one in recipe.rounds
    )
