"""Plans that were found for equal nets, remembered for all studies of this user.

One file for each kind of work and meter, in the user's cache folder. It is read as written by
anybody: it can name a plan that this device has, and numbers, and nothing else.
"""

from __future__ import annotations

import datetime
import json
import logging
import math
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from energy_sweep.meter.replay import DOMAIN as REPLAYED
from energy_sweep.recipe.plan import PLANS, Plan, candidates
from energy_sweep.record import JsonDict, MeterFacts, digest
from energy_sweep.record.files import read_file, write_whole
from energy_sweep.record.seal import Damaged, parse, seal, unseal
from energy_sweep.record.user_folders import cache_folder
from energy_sweep.trial.autotune.saving import PlanSaving
from energy_sweep.trial.autotune.worth import LIKELY_SAVING, StepsToCome

log = logging.getLogger(__name__)

MOST_BYTES = 65536
MOST_RELATIVES = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class RememberedPlan:
    """What a trial of plans found on the day it was `made`.

    Trying all of them anew might find another that saves `most` more of each step, of
    `joules_per_step`, for `price_joules`.
    """

    made: str
    plan: Plan
    saving: PlanSaving
    bf16: JsonDict | None
    most: float
    joules_per_step: float
    price_joules: float

    def suffices(self, to_come: StepsToCome) -> bool:
        """Whether trying anew does not pay for what is to come."""
        joules = min(to_come.steps * self.joules_per_step, to_come.most_joules)
        return not self.most * joules > self.price_joules


class PlanMemory:
    """What is remembered of the work that `settings` describe, as measured by `meter_id`.

    Relatives are the same work in batches of another size.
    """

    def __init__(self, folder: Path, settings: JsonDict, meter_id: str) -> None:
        others = {name: value for name, value in settings.items() if name != "batch"}
        self.name = digest([meter_id, settings])
        self._folder = folder / digest([meter_id, others])[:32]
        self._path = self._folder / f"{self.name[:32]}.json"

    def recall(self, device: str) -> RememberedPlan | None:
        """What was found; None where nothing was, or where its file is damaged, which is said."""
        try:
            found = _read(self._path, self.name)
            if found.plan not in candidates(device):
                raise Damaged(f"{found.plan.name} is no plan of a {device}")
            return found
        except (FileNotFoundError, NotADirectoryError, PermissionError):
            return None
        except (OSError, ValueError, TypeError, LookupError, Damaged) as error:
            why = " ".join(str(error).split())[:150]
            log.warning("%s: this remembered plan is damaged (%s), and not taken", self._path, why)
            return None

    def remember(self, found: RememberedPlan) -> None:
        """Keep what was found, where the folder can be written."""
        document: JsonDict = {
            "of": self.name,
            "made": found.made,
            "plan": found.plan.name,
            "saving": [found.saving.share, found.saving.uncertainty],
            "bf16": found.bf16,
            **{name: getattr(found, name) for name in ("most", "joules_per_step", "price_joules")},
        }
        with suppress(OSError):
            write_whole(self._path, json.dumps(seal(document)), durable=False)

    def likely_saving(self) -> float:
        """The share that another plan likely saves: a guess, averaged with what relatives saved."""
        shares = [LIKELY_SAVING, *(found.saving.share for found in self._relatives())]
        return math.fsum(shares) / len(shares)

    def _relatives(self) -> Iterator[RememberedPlan]:
        with suppress(OSError):
            for path in sorted(self._folder.glob("[!.]*.json"))[:MOST_RELATIVES]:
                with suppress(OSError, ValueError, TypeError, LookupError, Damaged):
                    yield _read(path, None)


def memory_of(settings: JsonDict, meter: MeterFacts, meter_id: str) -> PlanMemory | None:
    """The memory of some work; None where the user has no folder.

    A replay's joules are a function that somebody wrote: nothing to learn from them.
    """
    if REPLAYED in meter.domains:
        return None
    with suppress(RuntimeError):
        return PlanMemory(cache_folder() / "plans", settings, meter_id)
    return None


def today() -> str:
    """The date, as files hold it."""
    return datetime.datetime.now(datetime.UTC).date().isoformat()


def _read(path: Path, name: str | None) -> RememberedPlan:
    """Raises OSError, ValueError, TypeError, LookupError or Damaged for what cannot be believed."""
    if path.stat().st_size > MOST_BYTES:
        raise Damaged("it is too large")
    document, is_sealed = unseal(parse(read_file(path)))
    if not is_sealed or (name is not None and document["of"] != name):
        raise Damaged("it is not what was written here")
    share, uncertainty = document["saving"]
    return RememberedPlan(
        made=datetime.date.fromisoformat(document["made"]).isoformat(),
        plan=PLANS[document["plan"]],
        saving=PlanSaving(_number(share, -1, 1), _number(uncertainty, 0, math.inf)),
        bf16=None if document["bf16"] is None else _bf16(document["bf16"]),
        most=_number(document["most"], 0, 1),
        joules_per_step=_number(document["joules_per_step"], 0, math.inf),
        price_joules=_number(document["price_joules"], 0, math.inf),
    )


def _bf16(found: Any) -> JsonDict:
    uncertainty = found["uncertainty"]
    return {
        "plan": PLANS[found["plan"]].name,
        "share": _number(found["share"], -math.inf, 1),
        "uncertainty": None if uncertainty is None else _number(uncertainty, 0, math.inf),
    }


def _number(value: Any, low: float, high: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{value!r} is no number")
    if not (low <= value <= high and math.isfinite(value)):
        raise ValueError(f"{value} is not from {low:g} to {high:g}")
    return float(value)
