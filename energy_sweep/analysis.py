"""A study to look at from Python: its table, front, figure, choice and page."""

from __future__ import annotations

import dataclasses
import importlib.util
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from energy_sweep.record import Objective, StageRecord, StudyRecord

if TYPE_CHECKING:
    from energy_sweep.front import Choice, PricedStudy, Row


class LoadedStudy(StudyRecord):
    """Everything known of a study, and what follows from it by an objective.

    Each method takes `objective`, "training", "inference" or "lifetime" of `images`. Joules are
    those of `study.meter.quality`; constraints of the study's search hold.
    """

    @staticmethod
    def of(record: StudyRecord) -> LoadedStudy:
        """The same study, to look at."""
        if isinstance(record, LoadedStudy):
            return record
        fields = dataclasses.fields(StudyRecord)
        return LoadedStudy(**{field.name: getattr(record, field.name) for field in fields})

    def priced(self, objective: Objective | str = "lifetime", images: int = 100_000) -> PricedStudy:
        """The study at the prices of an objective, each computed once."""
        from energy_sweep.front import PricedStudy
        from energy_sweep.study.forest import forest_shares

        if isinstance(objective, str):
            objective = Objective(objective, images)
        known: dict[Objective, PricedStudy] = self.__dict__.setdefault("_priced", {})
        if objective not in known:
            known[objective] = PricedStudy(self, objective, forest=forest_shares)
        return known[objective]

    def table(self, objective: Objective | str = "lifetime", images: int = 100_000) -> Any:
        """One line per configuration, those of the front first, with a column for each axis.

        A pandas DataFrame where pandas is installed, else a dict of columns.
        """
        from energy_sweep.front.document import columns

        found = columns(self.priced(objective, images))
        if importlib.util.find_spec("pandas") is None:
            return found
        import pandas  # pyright: ignore[reportMissingImports, reportMissingModuleSource]

        return pandas.DataFrame(found)

    def front(
        self, objective: Objective | str = "lifetime", images: int = 100_000
    ) -> tuple[Row, ...]:
        """The configurations that no other beats, cheapest first."""
        return self.priced(objective, images).front

    def figure(
        self,
        objective: Objective | str = "lifetime",
        images: int = 100_000,
        what: str = "front",
    ) -> Any:
        """A Plotly figure, which a notebook shows by itself.

        `what` is "front" (accuracy against joules), "importance" (which axis matters) or "growth"
        (how the front grew over the joules spent).
        """
        from energy_sweep.report.notebook_figure import notebook_figure

        return notebook_figure(self.priced(objective, images), what)

    def choose(
        self,
        *,
        objective: Objective | str = "lifetime",
        images: int = 100_000,
        **limits: Any,
    ) -> Choice:
        """One configuration within limits, which are those of `energy_sweep.choose`."""
        from energy_sweep.front import choose

        return choose(self.priced(objective, images), **limits)

    def report(
        self,
        path: Path | str = "report.html",
        objective: Objective | str = "lifetime",
        images: int = 100_000,
    ) -> Path:
        """Write the page, one HTML file that needs no network, and give its path."""
        from energy_sweep.report.html_page import write_page

        write_page(self.priced(objective, images), Path(path))
        return Path(path)

    def __repr__(self) -> str:
        """One line: all its trials would fill screens."""
        quality = self.meter.quality.value
        return f"<study {self.name}: {len(self.results)} trials with a result, joules {quality}>"


def load_study(study: Path | str, stages: Mapping[str, StageRecord] | None = None) -> LoadedStudy:
    """The study in a folder, or by its name under outputs/, which a sweep may be changing.

    `study` may also be its database or journal; `stages` are those of its own store, unless others
    are handed in. BadInput where there is none.
    """
    from energy_sweep.study import stored

    return LoadedStudy.of(stored.load_study(study, stages))
