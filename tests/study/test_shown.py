"""Several storages as one: ids, names and notes lead to the study that they are of."""

from __future__ import annotations

import io
from pathlib import Path

import optuna
import pytest
from optuna.artifacts import FileSystemArtifactStore
from optuna.artifacts.exceptions import ArtifactNotFound
from optuna.distributions import FloatDistribution
from optuna.storages import InMemoryStorage
from optuna.study import StudyDirection
from optuna.trial import TrialState
from optuna_dashboard import get_note, save_note

from energy_sweep.study.dashboard import JoinedArtifacts
from energy_sweep.study.reading import GENERATION
from energy_sweep.study.shown import ServedStudy, ShownStudies, ShownTrial

BOTH = [StudyDirection.MAXIMIZE, StudyDirection.MINIMIZE]


@pytest.fixture
def storages() -> list[InMemoryStorage]:
    """Two studies of ours with three trials each; the one in the middle claims nothing."""
    made = [InMemoryStorage(), InMemoryStorage()]
    for index, storage in enumerate(made):
        study = optuna.create_study(storage=storage, directions=BOTH, study_name="same")
        study.set_user_attr(GENERATION, 1)
        for number in range(3):
            attributes = {} if number == 1 else {"claim": {"of": index}}
            trial = optuna.create_trial(values=[0.5, 10.0 * index], user_attrs=attributes)
            study.add_trial(trial)
    return made


@pytest.fixture
def shown(storages: list[InMemoryStorage]) -> ShownStudies:
    """Both, where the first trial has other values today, and the last is out of the running."""
    trials = {
        0: ShownTrial(values=(0.75, 3.0), steps={1: 0.5}, lines={"place": "front"}),
        2: ShownTrial(values=None, lines={"reason": "too dear"}),
    }
    return ShownStudies(
        [
            ServedStudy(storage=one, name=name, facts={"meter": name}, trials=trials)
            for one, name in zip(storages, ("first", "second"), strict=True)
        ]
    )


def test_trials_are_as_they_are_known_today(shown: ShownStudies) -> None:
    for name in ("first", "second"):
        study = optuna.load_study(study_name=name, storage=shown)
        assert study.user_attrs == {"meter": name}
        [best] = [trial for trial in study.best_trials if trial.number == 0]
        assert best.values == [0.75, 3.0] and best.intermediate_values == {1: 0.5}
        assert best.user_attrs == {"place": "front"}
        foreign, last = study.trials[1:]
        assert foreign.values[0] == 0.5 and last.state is TrialState.PRUNED
        assert last.user_attrs == {"reason": "too dear"}
        assert shown.get_trial(best._trial_id) == best
        assert shown.get_study_directions(study._study_id) == BOTH
        assert shown.get_study_name_from_id(study._study_id) == name
    ids = [
        trial._trial_id
        for one in shown.get_all_studies()
        for trial in shown.get_all_trials(one._study_id)
    ]
    assert len(set(ids)) == 6
    for ask in (shown.get_study_id_from_name, shown.get_study_name_from_id):
        with pytest.raises(KeyError):
            ask("third")  # type: ignore[arg-type]


def test_what_is_written_reaches_the_study_that_it_is_of(
    shown: ShownStudies, storages: list[InMemoryStorage]
) -> None:
    second = optuna.load_study(study_name="second", storage=shown)
    trial = second.ask({"lr": FloatDistribution(0.0, 1.0)})
    trial.set_user_attr("mine", 1)
    save_note(trial, "of the trial")
    save_note(second, "of the study")
    second.set_user_attr("own", 2)
    shown.set_trial_intermediate_value(trial._trial_id, 1, 0.25)
    shown.set_trial_system_attr(trial._trial_id, "system", 3)
    second.tell(trial, [0.1, 0.2])
    stored = optuna.load_study(study_name="same", storage=storages[1])
    [found] = [one for one in stored.trials if one.number == 3]
    assert found.values == [0.1, 0.2] and found.user_attrs == {"mine": 1}
    assert found.intermediate_values == {1: 0.25} and found.system_attrs["system"] == 3
    assert get_note(optuna.trial.Trial(stored, found._trial_id)) == "of the trial"
    assert get_note(stored) == "of the study" and stored.user_attrs["own"] == 2
    assert get_note(trial) == "of the trial"
    assert len(optuna.load_study(study_name="same", storage=storages[0]).trials) == 3
    shown.delete_study(second._study_id)
    assert [one.study_name for one in shown.get_all_studies()] == ["first"]
    made = shown.create_new_study(BOTH, "third")
    assert shown.get_study_name_from_id(made) == "third"
    assert storages[0].get_study_id_from_name("third") is not None


def test_artifacts_are_found_in_the_study_that_has_them(tmp_path: Path) -> None:
    stores = [FileSystemArtifactStore(tmp_path / name) for name in ("a", "b")]
    for index, name in enumerate(("a", "b")):
        (tmp_path / name).mkdir()
        stores[index].write(f"of-{name}", io.BytesIO(name.encode()))
    joined = JoinedArtifacts(stores)
    assert [joined.open_reader(f"of-{name}").read() for name in "ab"] == [b"a", b"b"]
    joined.write("new", io.BytesIO(b"new"))
    assert stores[0].open_reader("new").read() == b"new"
    joined.remove("of-b")
    with pytest.raises(ArtifactNotFound):
        joined.open_reader("of-b")
