"""One study among all that a database holds: it has a name, and an id that its folder knows too.

So two folders never share one, and nothing of what others keep in the same database is touched.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from optuna.storages import RDBStorage
from optuna.study import StudyDirection
from optuna.study._frozen import FrozenStudy
from sqlalchemy import Connection, text
from sqlalchemy.exc import IntegrityError

from energy_sweep.record import BadInput
from energy_sweep.study.reading import GENERATION, KEYS, Rows, StoredTrial, numbered

# The attribute `id` says of which study an Optuna study is a generation.
MINE = "SELECT study_id FROM study_user_attributes WHERE key = 'id' AND value_json = :id"
NAMED = "SELECT 1 FROM studies WHERE study_name = :name"
ADD_STUDY = "INSERT INTO studies (study_name) VALUES (:name) RETURNING study_id"
ADD_ID = """
    INSERT INTO study_user_attributes (study_id, key, value_json) VALUES (:study, 'id', :id)
"""
ADD_DIRECTION = """
    INSERT INTO study_directions (study_id, objective, direction)
    VALUES (:study, :objective, CAST(:direction AS studydirection))
"""
FACTS = """
    SELECT facts.study_id, facts.key, facts.value_json
    FROM study_user_attributes AS facts
    JOIN study_user_attributes AS mine ON mine.study_id = facts.study_id
    WHERE mine.key = 'id' AND mine.value_json = :id
"""
TRIALS = "SELECT trial_id, number, state FROM trials WHERE study_id = :study"
ATTRIBUTES = """
    SELECT trial_id, key, value_json
    FROM trial_user_attributes JOIN trials USING (trial_id) WHERE study_id = :study
"""
VALUES = """
    SELECT trial_id, objective, value
    FROM trial_values JOIN trials USING (trial_id) WHERE study_id = :study
"""


def name_refusal(name: str) -> str:
    """The line for a name that another study has."""
    return (
        f"the database of storage= holds another study called {name}: type name=OTHER, or another"
        " database"
    )


class StudyStorage(RDBStorage):
    """Optuna's storage, of one study among all that a database holds."""

    def __init__(self, url: str, study: str, **settings: Any) -> None:
        self.study = json.dumps(study)
        super().__init__(url, **settings)

    def get_all_studies(self) -> list[FrozenStudy]:
        """The generations of this study."""
        with self.engine.connect() as connection:
            ids = [row[0] for row in connection.execute(text(MINE), {"id": self.study})]
        return [
            FrozenStudy(
                study_name=self.get_study_name_from_id(one),
                direction=None,
                directions=self.get_study_directions(one),
                user_attrs=self.get_study_user_attrs(one),
                system_attrs=self.get_study_system_attrs(one),
                study_id=one,
            )
            for one in sorted(ids)
        ]

    def create_new_study(
        self, directions: Sequence[StudyDirection], study_name: str | None = None
    ) -> int:
        """Make a study with this one's id, at once, so that a kill leaves none without."""
        try:
            with self.engine.begin() as connection:
                study: int = connection.execute(text(ADD_STUDY), {"name": study_name}).scalar_one()
                values = {"study": study, "id": self.study}
                connection.execute(text(ADD_ID), values)
                for objective, one in enumerate(directions):
                    direction = {"study": study, "objective": objective, "direction": one.name}
                    connection.execute(text(ADD_DIRECTION), direction)
        except IntegrityError as error:
            raise BadInput(name_refusal(str(study_name))) from error
        return study


def stored_rows(connection: Connection, study: str) -> Rows | None:
    """What a study's newest generation holds, as text; None where none was begun."""

    def ask(query: str, **values: Any) -> Iterator[Any]:
        return iter(connection.execute(text(query), values))

    facts: dict[int, dict[str, str]] = {}
    for one, key, value in ask(FACTS, id=study):
        facts.setdefault(one, {})[key] = value
    found = [(int(kept[GENERATION]), one) for one, kept in facts.items() if GENERATION in kept]
    if not found:
        return None
    newest, rows, numbers = max(found)[1], dict[int, StoredTrial](), dict[int, int]()
    for trial, number, state in ask(TRIALS, study=newest):
        rows[trial], numbers[trial] = StoredTrial(state), number
    for trial, key, value in ask(ATTRIBUTES, study=newest):
        if key in KEYS:
            rows[trial].texts[key] = value
    for trial, objective, value in ask(VALUES, study=newest):
        if isinstance(value, float):
            rows[trial].values[objective] = value
    trials, lost = numbered(rows, numbers)
    return Rows(facts[newest], trials, (lost,) if lost else ())
