"""From priced stages to a choice: configurations, what can be told apart, the front."""

from __future__ import annotations

from energy_sweep.front.document import as_csv as as_csv
from energy_sweep.front.document import as_document as as_document
from energy_sweep.front.document import front_document as front_document
from energy_sweep.front.priced_study import PricedStudy as PricedStudy
from energy_sweep.front.selection import Choice as Choice
from energy_sweep.front.selection import Row as Row
from energy_sweep.front.selection import choose as choose
from energy_sweep.front.selection import command as command
from energy_sweep.front.selection import contended_text as contended_text
from energy_sweep.front.selection import hypervolume as hypervolume
from energy_sweep.front.selection import joules_text as joules_text
from energy_sweep.front.selection import knee as knee
from energy_sweep.front.selection import pareto as pareto
from energy_sweep.front.selection import pareto_numbers as pareto_numbers
from energy_sweep.front.selection import rows as rows
