"""Weights of a stored trial as the start of another, and the joules that they come with."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import nn

from energy_sweep.record import (
    TRAINING_STAGES,
    BadInput,
    EnergyReading,
    Mark,
    StageRecord,
    StageUse,
    TrialResult,
    from_json,
    is_digest,
)
from energy_sweep.record.files import read_file
from energy_sweep.record.seal import Damaged, parse, unseal
from energy_sweep.store import StageStore
from energy_sweep.study.paths import RESULT, STAGES, TRIALS
from energy_sweep.training.loop import DamagedFile, load

SETTING = "model.pretrained"
# What compression did to a net is not taken over: its dense weights are.
COMPRESSING = ("compress", "recover")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pretrained:
    """The dense weights of trial `name` (STUDY/TRIAL), whose state has the SHA-256 `weights`.

    Whoever starts from them is charged with `share` of the joules that training them took.
    """

    name: str
    weights: str
    share: float
    store: Path
    state: Path
    stages: tuple[StageUse, ...]

    setting: str = SETTING

    def put_into(self, module: nn.Module, *, least: float = 0.5) -> None:
        """Copy every tensor whose name and shape fit; BadInput where fewer than the share `least`
        of the weights do."""
        try:
            tensors, _ = load(self.state)
        except (FileNotFoundError, DamagedFile) as error:
            raise BadInput(f"{self._typed}: {error}; run that trial again") from error
        own = module.state_dict()
        found = {name.removeprefix("model/"): value for name, value in tensors.items()}
        fitting = {k: v for k, v in found.items() if k in own and v.shape == own[k].shape}
        taken = sum(p.numel() for name, p in module.named_parameters() if name in fitting)
        total = sum(p.numel() for p in module.parameters())
        if taken < least * total:
            raise BadInput(
                f"{self._typed} fits {taken} of {total} weights of this net: "
                "type a trial of the same model"
            )
        with torch.no_grad():
            for name, value in fitting.items():
                own[name].copy_(value)

    @property
    def _typed(self) -> str:
        return f"{self.setting}={self.name}"

    def record(self, use: StageUse, *, meter_id: str) -> StageRecord:
        """What training these weights took, as a stage whose joules another bill holds."""
        return StageRecord(
            stage=use.stage,
            key=use.key,
            cost_key=use.cost_key,
            marks=(Mark(units=1, reading=_sum(self.readings(meter_id))),),
            elsewhere=self.name,
        )

    def readings(self, meter_id: str) -> list[EnergyReading]:
        """What each stage that trained these weights took; BadInput where another meter knows."""
        source = StageStore(self.store, meter_id=meter_id)
        readings = [_scaled(source.get(stage.key), stage.units) for stage in self.stages]
        known = [reading for reading in readings if reading is not None]
        if len(known) < len(readings):
            free = "model.pretrained_share=0 to leave them out, or "
            raise BadInput(
                f"{self._typed} was measured with another meter, so its joules cannot be charged:"
                f" type {free if self.setting == SETTING else ''}the same meter"
            )
        return known


def find(outputs: Path, name: str, share: float, *, setting: str = SETTING) -> Pretrained:
    """The dense weights of trial STUDY/NUMBER under `outputs`; BadInput says what is wrong."""
    if not (0 <= share <= 1 and math.isfinite(share)):
        raise BadInput(
            f"model.pretrained_share={share}: type 1 to charge the joules in full, "
            "0.1 to spread them over ten trials, or 0 to leave them out"
        )
    study, _, number = name.rpartition("/")
    folder = outputs / study
    uses = _trained(_result(folder / TRIALS / number, f"{setting}={name}"))
    if not uses:
        raise BadInput(f"{setting}={name}: it trained no weights; type another trial")
    last, store = uses[-1], folder / STAGES
    place = store / last.key[:2] / last.key
    state = place / f"epoch-{int(last.units):05d}.safetensors"
    weights = next(_hashes(place, str(int(last.units))), None)
    if weights is None or not state.exists():
        raise BadInput(f"{setting}={name}: its weights are gone; run that trial again")
    return Pretrained(
        name=name,
        weights=weights,
        share=share,
        store=store,
        state=state,
        stages=uses,
        setting=setting,
    )


def _result(folder: Path, typed: str) -> TrialResult:
    """What a trial's own file says; BadInput where it is damaged, or another's."""
    number = folder.name
    try:
        document, _ = unseal(parse(read_file(folder / RESULT).decode()))
        if str(document.get("trial", number)) != number:
            raise Damaged(f"it is that of trial {document['trial']}")
        return from_json(TrialResult, document)
    except Damaged as error:
        raise BadInput(
            f"{typed}: {folder / RESULT} is damaged ({error}): type another trial"
        ) from error
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise BadInput(
            f"{typed}: {folder} holds no result; "
            "type STUDY/NUMBER, as energy-sweep front STUDY lists them"
        ) from error


def _trained(result: TrialResult) -> tuple[StageUse, ...]:
    """The stages that trained the dense weights; a key that is no digest names no folder."""
    return tuple(
        use
        for use in result.stages
        if use.stage in TRAINING_STAGES and use.stage not in COMPRESSING and is_digest(use.key)
    )


def _hashes(place: Path, epoch: str) -> Iterator[str]:
    """The hashes of the weights after so many epochs, as the sound records in a folder say."""
    for path in place.glob("record-*.json"):
        with suppress(OSError, ValueError, TypeError, KeyError, AttributeError, Damaged):
            record, _ = unseal(parse(read_file(path).decode()))
            if record["key"] == place.name and epoch in record["facts"]["hashes"]:
                yield record["facts"]["hashes"][epoch]


def _scaled(record: StageRecord | None, units: float) -> EnergyReading | None:
    """The reading of so many units, at the mean of those that a record has."""
    if record is None or not record.marks:
        return None
    whole, factor = _sum([mark.reading for mark in record.marks]), units / record.units
    return replace(
        whole,
        domains=tuple(
            replace(
                part,
                joules=factor * part.joules,
                uncertainty_joules=factor * part.uncertainty_joules,
                edge_joules=factor * part.edge_joules,
            )
            for part in whole.domains
        ),
        seconds=factor * whole.seconds,
        terms={name: factor * value for name, value in whole.terms.items()},
    )


def _sum(readings: list[EnergyReading]) -> EnergyReading:
    """Readings of the same domains as one; errors add up, as if they were one error."""
    terms: defaultdict[str, float] = defaultdict(float)
    for reading in readings:
        for name, value in reading.terms.items():
            terms[name] += value
    domains = [
        replace(
            parts[0],
            joules=math.fsum(part.joules for part in parts),
            uncertainty_joules=math.fsum(part.uncertainty_joules for part in parts),
            edge_joules=math.fsum(part.edge_joules for part in parts),
        )
        for parts in zip(*(reading.domains for reading in readings), strict=True)
    ]
    seconds = math.fsum(reading.seconds for reading in readings)
    return EnergyReading(domains=tuple(domains), seconds=seconds, terms=dict(terms))
