"""What a study keeps in the attributes of its trials, read back as frozen records."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from energy_sweep.recipe.dials import SEED, Dials
from energy_sweep.record import (
    JsonDict,
    MeterFacts,
    StageRecord,
    StudyRecord,
    TrialRecord,
    TrialResult,
    from_json,
)

if TYPE_CHECKING:  # whoever has a trial of Optuna's has imported it
    from optuna.trial import FrozenTrial

# What decides whether two trials measure the same: the digest of the configuration, and the seed.
Identity = tuple[str, int]

CONSTRAINT = "constraints:"


def told_constraints(violations: Mapping[str, float]) -> JsonDict:
    """What Optuna and, by the key of Optuna 4, its dashboard read of the constraints of a trial."""
    named = {f"{CONSTRAINT}{name}": value for name, value in violations.items()}
    return {**named, "constraints": list(violations.values())} if named else {}


def without_constraints(told: Mapping[str, Any]) -> JsonDict:
    """The same notes of a trial without what is told of its constraints."""
    return {
        name: value
        for name, value in told.items()
        if name != "constraints" and not name.startswith(CONSTRAINT)
    }


INFEASIBLE = told_constraints({"infeasible": 1.0})  # a trial that cannot be used


def ours(trials: Iterable[FrozenTrial]) -> list[FrozenTrial]:
    """The trials that carry a claim; anybody else's, put into the file by other means, do not."""
    return [trial for trial in trials if "claim" in trial.user_attrs]


def claimed_record(
    number: int, state: str, claim: JsonDict, result: TrialResult | None, error: str | None
) -> TrialRecord:
    """A trial as it was claimed and told; what one found that failed does not count."""
    return TrialRecord(
        number=number,
        state=state,
        params=claim["params"],
        overrides=tuple(claim["overrides"]),
        result=None if state == "failed" else result,
        error=error,
        dials=claim.get("dials", {}),
    )


def told_accuracy(trial: FrozenTrial) -> float | None:
    """The accuracy that Optuna should show of a trial, by its result; None where it has none."""
    result: JsonDict = trial.user_attrs.get("result", {})
    if trial.state.name != "COMPLETE" or result.get("correct") is None:
        return None
    return result["correct"] / result["n_validation"]


def dials_of(trial: FrozenTrial) -> Dials:
    """What a trial was set to, from its claim and, once it has one, its result."""
    kept = trial.user_attrs
    claim: JsonDict = kept.get("claim", {})
    result: JsonDict = kept.get("result", {})
    return Dials(
        params=claim.get("params", {}),
        words=tuple(claim.get("overrides", ())),
        resolved={SEED: claim.get("seed"), **claim.get("dials", {})},
        config=result.get("config", {}),
    )


def identity(claim: JsonDict) -> Identity:
    """What a trial measures, known from its claim on."""
    return claim["config_key"], claim["seed"]


def study_record(
    facts: JsonDict,
    trials: Iterable[TrialRecord],
    stages: Mapping[str, StageRecord],
    damage: tuple[str, ...] = (),
) -> StudyRecord:
    """A study from its own attributes, its trials and the stages that price them."""
    return StudyRecord(
        name=facts["name"],
        trials=tuple(trials),
        stages=stages,
        meter=from_json(MeterFacts, facts["meter"]),
        machine=facts["machine"],
        identity=facts["identity"],
        data=facts.get("data", {}),
        constraints=facts.get("constraints", {}),
        damage=damage,
    )
