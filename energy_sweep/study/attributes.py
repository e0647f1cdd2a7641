"""What a study keeps in the attributes of its trials, read back as frozen records."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from optuna.trial import FrozenTrial, TrialState

from energy_sweep.dials import SEED, Dials
from energy_sweep.record import (
    MeterFacts,
    Plain,
    StageRecord,
    StudyRecord,
    TrialRecord,
    TrialResult,
    from_plain,
)

# What decides whether two trials measure the same: the digest of the configuration, and the seed.
Identity = tuple[str, int]

STATES = {
    TrialState.RUNNING: "running",
    TrialState.COMPLETE: "measured",
    TrialState.PRUNED: "infeasible",
    TrialState.FAIL: "failed",
}


def ours(trials: Iterable[FrozenTrial]) -> list[FrozenTrial]:
    """The trials that carry a claim; anybody else's, put into the file by other means, do not."""
    return [trial for trial in trials if "claim" in trial.user_attrs]


def trial_record(trial: FrozenTrial) -> TrialRecord:
    """A trial as it was claimed and told."""
    kept = trial.user_attrs
    claim = kept["claim"]
    told = "result" in kept and trial.state is not TrialState.FAIL
    result = from_plain(TrialResult, kept["result"]) if told else None
    return TrialRecord(
        number=trial.number,
        state=STATES[trial.state],
        params=claim["params"],
        overrides=tuple(claim["overrides"]),
        result=result,
        error=kept.get("error"),
        dials=claim.get("dials", {}),
    )


def dials_of(trial: FrozenTrial) -> Dials:
    """What a trial was set to, from its claim and, once it has one, its result."""
    kept = trial.user_attrs
    claim: Plain = kept.get("claim", {})
    result: Plain = kept.get("result", {})
    return Dials(
        params=claim.get("params", {}),
        words=tuple(claim.get("overrides", ())),
        resolved={SEED: claim.get("seed"), **claim.get("dials", {})},
        config=result.get("config", {}),
    )


def identity(trial: FrozenTrial) -> Identity:
    """What the trial measures, known from its claim on."""
    claim = trial.user_attrs["claim"]
    return claim["config_key"], claim["seed"]


def study_record(
    facts: Plain, trials: Iterable[TrialRecord], stages: Mapping[str, StageRecord]
) -> StudyRecord:
    """A study from its own attributes, its trials and the stages that price them."""
    return StudyRecord(
        name=facts["name"],
        trials=tuple(trials),
        stages=stages,
        meter=from_plain(MeterFacts, facts["meter"]),
        machine=facts["machine"],
        identity=facts["identity"],
        data=facts.get("data", {}),
    )
