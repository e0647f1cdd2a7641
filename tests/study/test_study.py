from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import urllib.request
from pathlib import Path
from typing import Any

import optuna
import pytest
from formula_world import METER, World, open_formula, space_of
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from energy_sweep.record import BadInput, MeterFacts, Quality, TrialResult
from energy_sweep.study import Study, annotate, load_study
from energy_sweep.study.space import Axis, Space
from energy_sweep.study.suggest import Answer, suggest

AXES = {"lr": (0.001, 0.01, 0.1), "batch": (32, 64), "optimizer": ("sgd", "adam")}


def claim(study: Study, world: World, **params: Any) -> tuple[int, TrialResult]:
    job = world.describe(params)
    number = study.claim(
        params=job.params, overrides=job.overrides, config=job.config, seed=job.seed
    )
    return number, world.run(number, job)


def optuna_study(folder: Path) -> optuna.Study:
    url = f"sqlite:///{folder / 'study.db'}"
    [summary] = optuna.get_all_study_summaries(storage=url)
    return optuna.load_study(study_name=summary.study_name, storage=url)


def test_what_is_finished_is_loaded_unchanged(tmp_path: Path) -> None:
    world, space = World(tmp_path), space_of(AXES)
    with open_formula(tmp_path, space) as study:
        number, result = claim(study, world, lr=0.01, batch=64, optimizer="adam")
        running = load_study(tmp_path, {}).trials
        assert [(trial.number, trial.state) for trial in running] == [(0, "running")]
        study.finish(number, result, 12.5)
        inside = study.record(world.records())
    assert load_study(tmp_path, world.records()) == inside
    [trial] = inside.trials
    assert trial.state == "measured"
    assert trial.result == result
    assert trial.params == {"lr": 0.01, "batch": 64, "optimizer": "adam"}
    assert trial.overrides == ("lr=0.01", "batch=64", "optimizer=adam")
    assert inside.meter == METER


def test_optuna_sees_names_values_and_true_scales(tmp_path: Path) -> None:
    world = World(tmp_path)
    with open_formula(tmp_path, space_of(AXES)) as study:
        number, result = claim(study, world, lr=0.01, batch=64, optimizer="adam")
        study.finish(number, result, 12.5)
    found = optuna_study(tmp_path)
    assert found.metric_names == ["accuracy", "joules"]
    [trial] = found.trials
    assert trial.values == [result.accuracy, 12.5]
    assert trial.params == {"lr": 0.01, "batch": 64, "optimizer": "adam"}
    assert trial.distributions == {
        "lr": FloatDistribution(0.001, 0.1, log=True),
        "batch": IntDistribution(32, 64),
        "optimizer": CategoricalDistribution(["sgd", "adam"]),
    }


def test_an_infeasible_trial_is_on_no_front(tmp_path: Path) -> None:
    world = World(tmp_path)
    with open_formula(tmp_path, space_of(AXES)) as study:
        number, result = claim(study, world, lr=1000.0)
        assert result.infeasible
        study.finish(number, result, None)
        number, result = claim(study, world, lr=0.01)
        study.finish(number, result, 1.0)
    found = optuna_study(tmp_path)
    assert [trial.number for trial in found.best_trials] == [1]
    assert found.trials[0].state == optuna.trial.TrialState.PRUNED
    assert found.trials[0].constraints["infeasible"] == 1.0
    # The key that the dashboard reads.
    assert found.trials[0].system_attrs["constraints"] == [1.0]
    assert load_study(tmp_path, {}).trials[0].state == "infeasible"


@pytest.mark.parametrize("joules", [None, float("nan"), float("inf")])
def test_a_measured_trial_needs_its_joules(tmp_path: Path, joules: float | None) -> None:
    with open_formula(tmp_path, space_of(AXES)) as study:
        number, result = claim(study, World(tmp_path), lr=0.01)
        with pytest.raises(ValueError, match="needs an accuracy and joules"):
            study.finish(number, result, joules)
        study.fail(number, "no joules")
    [trial] = load_study(tmp_path, {}).trials
    assert (trial.state, trial.result, trial.error) == ("failed", None, "no joules")


def displayed(folder: Path, name: str) -> optuna.distributions.BaseDistribution:
    return optuna_study(folder).trials[-1].distributions[name]


def test_a_wider_choice_takes_all_trials_along_under_their_numbers(tmp_path: Path) -> None:
    world = World(tmp_path)
    with open_formula(tmp_path, space_of(AXES)) as study:
        for optimizer in ("adam", "sgd"):
            number, result = claim(study, world, lr=0.01, optimizer=optimizer)
            study.finish(number, result, 1.0)
        left, _ = claim(study, world, lr=0.1, optimizer="sgd")
    before = load_study(tmp_path, {})
    wider = space_of(AXES | {"optimizer": ("adamw", "sgd")})
    with open_formula(tmp_path, wider) as study:
        assert [trial.number for trial in study.left_running()] == [left]
        study.finish(left, world.run(left, world.describe({"lr": 0.1})), 2.0)
        number, result = claim(study, world, lr=0.01, optimizer="adamw")
        study.finish(number, result, 3.0)
    after = load_study(tmp_path, {})
    assert after.trials[:2] == before.trials[:2]
    assert after.name == "formula"
    assert displayed(tmp_path, "optimizer") == CategoricalDistribution(["sgd", "adam", "adamw"])
    values = [trial.values[1] for trial in optuna_study(tmp_path).trials]
    assert values == [1.0, 1.0, 2.0, 3.0]
    # Narrowed again, the choices stay, and so does the Optuna study.
    with open_formula(tmp_path, space_of({"optimizer": ("sgd",)})):
        pass
    assert load_study(tmp_path, {}) == after


def test_numbers_that_become_words_or_fractions_are_shown_anew(tmp_path: Path) -> None:
    world = World(tmp_path)
    spaces: list[tuple[Any, type]] = [
        (1, IntDistribution),
        (0.5, FloatDistribution),
        ("auto", CategoricalDistribution),
    ]
    for value, kind in spaces:
        with open_formula(tmp_path, space_of({"level": (value,)})) as study:
            params = {"level": value}
            number = study.claim(params=params, overrides=(), config=params)
            result = TrialResult(config=params, seed=0, stages=(), n_validation=10, correct=9)
            study.finish(number, result, 1.0)
        assert isinstance(displayed(tmp_path, "level"), kind)
    record = load_study(tmp_path, world.records())
    assert [trial.params["level"] for trial in record.trials] == [1, 0.5, "auto"]
    interval = Space((Axis(name="level", low=0.0, high=1.0),))
    with open_formula(tmp_path, interval):
        pass
    assert load_study(tmp_path, {}).trials == record.trials


@pytest.mark.parametrize("writes", (0, 1, 3, 5, 9, 10, 11))
@pytest.mark.no_cover
def test_a_kill_while_the_axes_widen_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, writes: int
) -> None:
    world = World(tmp_path)
    with open_formula(tmp_path, space_of(AXES)) as study:
        for lr in (0.001, 0.01, 0.1):
            number, result = claim(study, world, lr=lr, optimizer="sgd")
            study.finish(number, result, lr)
    before = load_study(tmp_path, {})
    wider = space_of(AXES | {"optimizer": ("sgd", "adamw")})
    with monkeypatch.context() as patch:
        _die_after(patch, writes)
        with pytest.raises(_KilledError):
            open_formula(tmp_path, wider)
    assert load_study(tmp_path, {}) == before
    with open_formula(tmp_path, wider) as study:
        assert study.trials == before.trials
    assert len(optuna_study(tmp_path).trials) == 3


class _KilledError(BaseException):
    pass


def _die_after(patch: pytest.MonkeyPatch, writes: int) -> None:
    from optuna.storages import RDBStorage

    left = [writes]
    names = ("create_new_study", "create_new_trial", "set_study_user_attr")
    for name in (*names, "set_study_system_attr", "delete_study"):
        whole = getattr(RDBStorage, name)

        def limited(*arguments: Any, _whole: Any = whole, **more: Any) -> Any:
            left[0] -= 1
            if left[0] < 0:
                raise _KilledError
            return _whole(*arguments, **more)

        patch.setattr(RDBStorage, name, limited)


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"machine": {"device_class": "other"}}, "device class"),
        ({"identity": {"dataset": "digits", "split": "s", "runtime": "r"}}, "dataset"),
        ({"identity": {"dataset": "formula", "split": "t", "runtime": "r"}}, "split"),
        ({"identity": {"dataset": "formula", "split": "s", "runtime": {"name": "r"}}}, "runtime"),
        (
            {
                "meter": MeterFacts(
                    sources=("nvml",), domains=("cpu", "gpu:0"), quality=Quality.COUNTER
                )
            },
            "meter domains",
        ),
    ],
)
def test_what_does_not_compare_is_refused_in_one_line(
    tmp_path: Path, changes: dict[str, Any], what: str
) -> None:
    with open_formula(tmp_path, space_of(AXES), **changes):
        pass  # a study without trials takes any
    with open_formula(tmp_path, space_of(AXES)) as study:
        claim(study, World(tmp_path), lr=0.01)
    with pytest.raises(BadInput, match=what) as refusal:
        open_formula(tmp_path, space_of(AXES), **changes)
    assert "type name=OTHER" in str(refusal.value)
    assert "\n" not in str(refusal.value)
    with open_formula(tmp_path, space_of(AXES)):
        pass  # a refusal does not keep the lock


def test_a_sweep_over_other_axes_is_refused_in_one_line(tmp_path: Path) -> None:
    with open_formula(tmp_path, space_of(AXES)):
        with pytest.raises(BadInput, match="another sweep of formula is running") as refusal:
            open_formula(tmp_path, space_of({"lr": (7.0,)}))
        assert "\n" not in str(refusal.value)
    with open_formula(tmp_path, space_of(AXES)):
        pass


def test_the_lock_of_a_killed_sweep_is_free(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; import formula_world as w;"
        "s = w.open_formula(Path(sys.argv[1]), w.space_of({'lr': (1,)}));"
        "print('open', flush=True); time.sleep(60)"
    )
    here = str(Path(__file__).parent)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([here, *sys.path])}
    command = [sys.executable, "-c", code, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as worker:
        assert worker.stdout is not None
        assert worker.stdout.readline() == b"open\n"
        with pytest.raises(BadInput):
            open_formula(tmp_path, space_of(AXES))  # the one that runs has other axes
        worker.send_signal(signal.SIGKILL)
    with open_formula(tmp_path, space_of(AXES)):
        pass


@pytest.mark.parametrize("content", [b"", b"not a database at all" * 99])
def test_a_folder_without_a_study_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(BadInput, match="no study in"):
        load_study(tmp_path, {})
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "study.db").write_bytes(content)
    with pytest.raises(BadInput):
        load_study(tmp_path, {})


def test_a_url_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="lives in a folder"):
        open_formula("postgresql://me:secret@host/db", Space())  # type: ignore[arg-type]


def test_the_database_is_in_wal_mode(tmp_path: Path) -> None:
    with open_formula(tmp_path, space_of(AXES)):
        with sqlite3.connect(tmp_path / "study.db") as connection:
            [(mode,)] = connection.execute("PRAGMA journal_mode").fetchall()
        assert mode == "wal"


def test_trials_of_others_are_left_alone(tmp_path: Path) -> None:
    world = World(tmp_path)
    with open_formula(tmp_path, space_of(AXES)):
        pass
    optuna_study(tmp_path).enqueue_trial({"lr": 0.5})
    with open_formula(tmp_path, space_of(AXES)) as study:
        assert study.left_running() == ()
        assert study.next_number == 1
        number, result = claim(study, world, lr=0.01)
        assert number == 1
        study.finish(number, result, 1.0)
    assert [trial.number for trial in load_study(tmp_path, {}).trials] == [1]


def answers(count: int) -> list[Answer]:
    found: list[Answer] = []
    for index in range(count):
        lr = 10 ** -(index % 40 / 10)
        bad = index % 9 == 8
        accuracy = None if bad else 1 - abs(lr - 0.01)
        found.append(Answer({"lr": lr, "batch": 32}, accuracy, None if bad else 5.0))
    return found


@pytest.mark.parametrize("sampler", ["tpe", "random"])
def test_a_suggestion_depends_on_nothing_but_its_arguments(sampler: str) -> None:
    lr = Axis(name="lr", low=1e-4, high=1.0, log=True)
    space = Space((lr, Axis(name="batch", values=(32, 64))))
    asked = [
        suggest(answers(40), space, sampler=sampler, seed=1, number=number)
        for number in (40, 40, 41)
    ]
    assert asked[0] == asked[1] != asked[2]
    assert all(space.contains(point) for point in asked)
    assert suggest(answers(40), space, sampler=sampler, seed=2, number=40) != asked[0]
    again = suggest(answers(40), space, sampler=sampler, seed=1, number=40, attempt=1)
    assert again != asked[0]


def test_tpe_learns_and_leaves_out_what_is_outside() -> None:
    space = Space((Axis(name="lr", low=1e-4, high=1.0, log=True),))
    inside = [answer._replace(params={"lr": answer.params["lr"]}) for answer in answers(40)]
    outside = [Answer({"lr": 5.0}, 1.0, 0.1), Answer({"lr": 0.01, "batch": 32}, 1.0, 0.1)]
    near = 0
    for number in range(20):
        point = suggest([*inside, *outside], space, sampler="tpe", seed=0, number=number)
        assert point == suggest(inside, space, sampler="tpe", seed=0, number=number)
        near += 0.002 < point["lr"] < 0.05
    assert near > 12


def test_an_unknown_sampler_is_refused() -> None:
    with pytest.raises(BadInput, match=r"auto\|tpe\|gp\|"):
        suggest([], Space(), sampler="hyperband", seed=0, number=0)


def test_the_dashboard_shows_notes_names_and_the_report(tmp_path: Path) -> None:
    import optuna_dashboard
    from optuna.artifacts import FileSystemArtifactStore

    from energy_sweep.study.server import Server

    world, report = World(tmp_path), tmp_path / "report.html"
    with open_formula(tmp_path, space_of(AXES)) as study:
        number, result = claim(study, world, lr=0.01, optimizer="sgd")
        study.finish(number, result, 1.0)
    report.write_text("<p>first</p>")
    annotate(tmp_path, load_study(tmp_path, {}), {0: "**estimated**"}, "Study", report)
    # A wider choice makes a new Optuna study, which keeps the notes and takes the next page.
    with open_formula(tmp_path, space_of(AXES | {"optimizer": ("sgd", "adam", "adamw")})):
        pass
    report.write_text("<p>second</p>")
    annotate(tmp_path, load_study(tmp_path, {}), {}, "Study", report)

    storage = optuna.storages.get_storage(f"sqlite:///{tmp_path / 'study.db'}")
    app = optuna_dashboard.wsgi(storage, FileSystemArtifactStore(tmp_path / "artifacts"))
    with Server(app, 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        root = f"http://127.0.0.1:{server.server_port}"

        def get(path: str) -> str:
            with urllib.request.urlopen(root + path) as answer:
                return answer.read().decode()

        [summary] = json.loads(get("/api/studies"))["study_summaries"]
        page = json.loads(get(f"/api/studies/{summary['study_id']}"))
        assert page["objective_names"] == ["accuracy", "joules"]
        assert page["trials"][0]["note"]["body"] == "**estimated**"
        note = page["note"]["body"]
        assert note.startswith("Study\n\n[Open the report](/artifacts/")
        assert get(note.split("(")[1].rstrip(")")) == "<p>second</p>"
        server.shutdown()
