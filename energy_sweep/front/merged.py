"""One configuration: its trials merged over their seeds, and the row that faces show of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from energy_sweep.front.achieved import Achieved
from energy_sweep.front.breakdown import JOULES_PER_KILOWATT_HOUR
from energy_sweep.front.prices import Prices, Usage
from energy_sweep.record import EnergySweepError, JsonDict, TrialRecord, TrialResult
from energy_sweep.record.answers import Answers

Run = tuple[TrialRecord, TrialResult]


@dataclass(frozen=True, slots=True, kw_only=True)
class StageShare:
    """What one stage would cost this configuration alone, and how many others use the work.

    `joules` is None where nothing of the kind was metered; `key` is that of the lowest trial.
    `contended` says that other programs ran in all windows that a part of them rests on.
    """

    joules: float | None
    key: str
    shared_by: int
    contended: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One configuration, its seeds merged: mean accuracy, and mean joules of the objective.

    The accuracy interval of one seed is Wilson's over the images of the validation split; of `n`
    seeds, it is over images and seeds, of which the first are common to all. `rivals` and
    `beaten_by` are trials of other configurations (`rivals.py`). `contended` are the stages of the
    objective whose price rests on windows in which other programs ran: such joules beat nothing.
    `net_joules` are those above what the same seconds cost an idle machine, None where that is not
    known. `level` is the one that its compression carried out, `removed` and `zeros` what that came
    to (`achieved.py`). `belongs` is the probability of belonging to the front (`doubt.py`), None
    where that was not computed. `file_bytes` is the size of the deployed file, `latency_seconds`
    what one image alone takes in it, a mean of windows, and `latency` that of single runs; None
    where that was not measured. `macs` are the multiply-accumulates of an image.
    """

    trial: int
    config: JsonDict
    params: JsonDict
    accuracy: float
    accuracy_low: float
    accuracy_high: float
    n_validation: int
    joules: float
    uncertainty_joules: float
    noise_joules: float
    net_joules: float | None
    seeds: tuple[int, ...]
    n: int
    rivals: tuple[int, ...]
    beaten_by: tuple[int, ...]
    contended: tuple[str, ...]
    stages: Mapping[str, StageShare]
    joules_per_image: float | None
    peak_memory_bytes: int | None
    level: float = 0.0
    removed: float | None = None
    zeros: float | None = None
    belongs: float | None = None
    file_bytes: int | None = None
    latency_seconds: float | None = None
    latency_p50_seconds: float | None = None
    latency_p95_seconds: float | None = None
    latency_runs: int | None = None
    macs: int | None = None

    @property
    def achieved(self) -> str:
        """What its compression achieved, in words; empty where it has none."""
        return Achieved(level=self.level, removed=self.removed, zeros=self.zeros).text

    @property
    def efficiency(self) -> float | None:
        """Accuracy, as a share, for each joule; None of what costs nothing."""
        return self.accuracy / self.joules if self.joules > 0 else None

    @property
    def kilowatt_hours(self) -> float:
        """The joules of the objective in kWh."""
        return self.joules / JOULES_PER_KILOWATT_HOUR


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """The measured runs of one configuration by trial number, and what the objective charges.

    `answers` are those of the runs, in their order; empty where not all of them are known, or not
    all are to the same images.
    """

    key: str
    runs: tuple[Run, ...]
    demand: Usage
    answers: tuple[Answers, ...] = ()

    @property
    def trial(self) -> int:
        return self.runs[0][0].number

    @property
    def accuracy(self) -> float:
        images = sum(result.n_validation for _, result in self.runs)
        return sum(result.correct or 0 for _, result in self.runs) / images

    @property
    def by_seed(self) -> tuple[int, ...]:
        """Where, in `runs`, the first one of each seed is."""
        first: dict[int, int] = {}
        for position, (_, result) in enumerate(self.runs):
            first.setdefault(result.seed, position)
        return tuple(first.values())

    @property
    def asked(self) -> str | None:
        """The name and number of the images that all runs answered; None where not known."""
        return f"{self.answers[0].count} {self.answers[0].asked}" if self.answers else None

    def is_priced(self, prices: Prices) -> bool:
        """Whether every reading that its price rests on is there."""
        return all(prices.pool(cost_key) is not None for cost_key in self.demand)

    def joules(self, prices: Prices) -> tuple[float, float]:
        """Joules of the objective and their uncertainty; unmetered work is an error."""
        try:
            return prices.joules(self.demand)
        except KeyError as missing:
            raise EnergySweepError(
                f"trial {self.trial} cannot be priced ({missing.args[0]}): "
                "is stages= the folder that the study was run with?"
            ) from missing
