"""The facts of the program, how they become JSON and files, and the errors it raises."""

from __future__ import annotations

from energy_sweep.record.errors import BadInput as BadInput
from energy_sweep.record.errors import EnergySweepError as EnergySweepError
from energy_sweep.record.errors import Infeasible as Infeasible
from energy_sweep.record.errors import NothingFits as NothingFits
from energy_sweep.record.facts import MEASURING_STAGES as MEASURING_STAGES
from energy_sweep.record.facts import TRAINING_STAGES as TRAINING_STAGES
from energy_sweep.record.facts import StageRecord as StageRecord
from energy_sweep.record.facts import StageUse as StageUse
from energy_sweep.record.facts import StudyRecord as StudyRecord
from energy_sweep.record.facts import TrialRecord as TrialRecord
from energy_sweep.record.facts import TrialResult as TrialResult
from energy_sweep.record.objective import Objective as Objective
from energy_sweep.record.readings import DomainEnergy as DomainEnergy
from energy_sweep.record.readings import EnergyReading as EnergyReading
from energy_sweep.record.readings import Mark as Mark
from energy_sweep.record.readings import MeterFacts as MeterFacts
from energy_sweep.record.readings import Quality as Quality
from energy_sweep.record.serialize import Canonical as Canonical
from energy_sweep.record.serialize import JsonDict as JsonDict
from energy_sweep.record.serialize import canonical as canonical
from energy_sweep.record.serialize import canonical_list as canonical_list
from energy_sweep.record.serialize import canonical_object as canonical_object
from energy_sweep.record.serialize import digest as digest
from energy_sweep.record.serialize import from_json as from_json
from energy_sweep.record.serialize import is_digest as is_digest
from energy_sweep.record.serialize import to_json as to_json
