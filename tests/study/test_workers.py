"""Several workers of one study: they take turns, see each other's trials, and take over."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from formula_world import World, open_formula, space_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from energy_sweep.record import BadInput, Objective, StageRecord, TrialResult
from energy_sweep.search import Budget, Event, Job, Outcome, search_study
from energy_sweep.search.events import Waiting
from energy_sweep.study import Study, load_study
from energy_sweep.study.sharing import TrialTaken

AXES = {"lr": (0.001, 0.01, 0.1), "batch": (32, 64), "level": (0, 0.5)}
SPACE = space_of(AXES)


def claim(study: Study, **params: Any) -> int:
    return study.claim(params=params, overrides=(), config=params)


def result(**params: Any) -> TrialResult:
    return TrialResult(config=params, seed=0, stages=(), n_validation=10, correct=9)


def die(study: Study) -> None:
    """What the system does for a worker that is killed: it lets go of what that held."""
    study._database.workers.leave()
    study._writer.close()


@pytest.fixture
def workers(tmp_path: Path) -> Iterator[list[Study]]:
    with ExitStack() as stack:
        yield [stack.enter_context(open_formula(tmp_path, SPACE)) for _ in range(2)]


def test_workers_number_their_trials_in_turn_and_see_those_of_others(
    workers: list[Study], tmp_path: Path
) -> None:
    one, two = workers
    assert (one.is_joined, two.is_joined) == (False, True)
    assert [claim(one, lr=0.1), claim(two, lr=0.01), claim(one, lr=0.001)] == [0, 1, 2]
    two.finish(1, result(lr=0.01), 3.0)
    assert one.refresh() == (1,)
    assert one.trial(1).state == "measured"
    assert one.refresh() == ()
    assert two.refresh() == (0, 2)
    assert one.trials == two.trials == load_study(tmp_path, {}).trials
    assert one.left_running() == two.left_running() == ()


def test_a_configuration_that_is_not_free_any_more_is_not_begun(workers: list[Study]) -> None:
    one, two = workers
    claim(one, lr=0.1)
    with pytest.raises(TrialTaken):
        two.claim(
            params={}, overrides=(), config={}, allowed=lambda: not two.refresh() and not two.trials
        )
    assert two.next_number == 1


def test_who_was_taken_over_comes_too_late(workers: list[Study], tmp_path: Path) -> None:
    lost, other = workers
    number = claim(lost, lr=0.1)
    other.refresh()
    with pytest.raises(TrialTaken):
        other.hold(number)  # its worker lives
    lost._database.workers.leave()  # a worker that nobody hears of any more
    assert [trial.number for trial in other.left_running()] == [number]
    other.hold(number)
    with pytest.raises(TrialTaken, match="took trial 0 over"):
        lost.finish(number, result(lr=0.1), 1.0)
    other.finish(number, result(lr=0.1), 2.0)
    with pytest.raises(TrialTaken):
        lost.fail(number, "late")
    [trial] = load_study(tmp_path, {}).trials
    assert (trial.state, trial.error) == ("measured", None)


def test_other_axes_or_limits_have_to_wait(tmp_path: Path) -> None:
    with open_formula(tmp_path, SPACE):
        for changes in ({"space": space_of({"lr": (5.0,)})}, {"limits": {"max_bytes": 1}}):
            with pytest.raises(BadInput, match="is running, over other axes or limits"):
                open_formula(tmp_path, **{"space": SPACE} | changes)
    with open_formula(tmp_path, space_of({"lr": (5.0,)})) as study:
        assert not study.is_joined


def test_half_a_line_that_a_kill_left_is_cut_off(workers: list[Study], tmp_path: Path) -> None:
    one, two = workers
    claim(one, lr=0.1)
    with (tmp_path / "study.jsonl").open("a") as journal:
        journal.write('{"claim": {"par')
    assert claim(two, lr=0.01) == 1
    one.refresh()
    assert one.trials == two.trials
    assert load_study(tmp_path, {}).damage == ()


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(
        st.tuples(st.integers(0, 2), st.sampled_from(["claim", "end", "fail", "die"])), max_size=9
    )
)
def test_all_workers_see_what_is_on_disk(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[int, str]]
) -> None:
    folder = tmp_path_factory.mktemp("study")
    studies = [open_formula(folder, SPACE) for _ in range(3)]
    mine: list[list[int]] = [[], [], []]
    for count, (who, what) in enumerate(steps):
        study = studies[who]
        if what == "claim":
            mine[who].append(claim(study, lr=float(count)))
        elif what == "die":
            die(study)
            studies[who], mine[who] = open_formula(folder, SPACE), []
        elif mine[who]:
            number = mine[who].pop()
            lr = study.trial(number).params["lr"]
            if what == "end":
                study.finish(number, result(lr=lr), 1.0)
            else:
                study.fail(number, "no luck")
    for study in studies:
        study.refresh()
    stored = load_study(folder, {}).trials
    seen = [study.trials for study in studies]
    for study in studies:
        study.close()
    assert seen == [stored] * 3
    assert [trial.number for trial in stored] == [n for n, _ in enumerate(stored)]
    assert len(stored) == sum(what == "claim" for _, what in steps)


class Shared:
    """A trainer that any number of threads use, with one store for all."""

    def __init__(self, folder: Path) -> None:
        self.world = World(folder)
        self.lock = threading.Lock()
        self.ran: list[int] = []

    def run(self, number: int, job: Job) -> TrialResult:
        with self.lock:
            self.ran.append(number)
            return self.world.run(number, job)

    def records(self) -> dict[str, StageRecord]:
        with self.lock:
            return dict(self.world.records())


def search(study: Study, shared: Shared, **more: Any) -> Outcome:
    return search_study(
        study,
        shared.records,
        SPACE,
        describe=shared.world.describe,
        run=shared.run,
        objective=Objective(),
        **{"budget": Budget()} | more,
    )


@pytest.mark.parametrize("budget", [Budget(), Budget(trials=7)])
def test_workers_share_out_a_space_and_run_each_configuration_once(
    tmp_path: Path, budget: Budget
) -> None:
    shared, outcomes = Shared(tmp_path), list[Outcome]()

    def work() -> None:
        with open_formula(tmp_path, SPACE) as study:
            outcomes.append(search(study, shared, budget=budget))

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wanted = budget.trials or SPACE.size
    assert len(outcomes) == 3
    assert sorted(number for one in outcomes for number in one.new) == list(range(wanted or 0))
    assert sorted(shared.ran) == list(range(wanted or 0))
    results = load_study(tmp_path, {}).results
    assert len({one.config_key for _, one in results}) == wanted


def test_slots_of_one_command_run_side_by_side(tmp_path: Path) -> None:
    shared, barrier = Shared(tmp_path), threading.Barrier(3, timeout=20)
    run = shared.run

    def together(number: int, job: Job) -> TrialResult:
        barrier.wait()  # which breaks where fewer than three run at a time
        return run(number, job)

    shared.run = together  # type: ignore[method-assign]
    with open_formula(tmp_path, SPACE) as study:
        outcome = search(study, shared, slots=3)
    assert sorted(outcome.new) == list(range(12))


@pytest.mark.parametrize("error", [BadInput, KeyboardInterrupt])
def test_what_ends_one_slot_ends_those_that_wait_and_begins_nothing_more(
    tmp_path: Path, error: type[BaseException]
) -> None:
    shared, barrier = Shared(tmp_path), threading.Barrier(2, timeout=20)
    run = shared.run

    def ending(number: int, job: Job) -> TrialResult:
        barrier.wait()
        if number == 0:
            raise error("enough")
        return run(number, job)

    shared.run = ending  # type: ignore[method-assign]
    with open_formula(tmp_path, SPACE) as study, pytest.raises(error):
        search(study, shared, slots=2, budget=Budget(trials=2))
    assert shared.ran == [1]


def test_the_trials_of_others_are_waited_for_and_told(tmp_path: Path) -> None:
    shared, events = Shared(tmp_path), list[Event]()
    with open_formula(tmp_path, SPACE) as other, open_formula(tmp_path, SPACE) as study:
        job = shared.world.describe({"lr": 0.1, "batch": 32, "level": 0})
        number = other.claim(params=job.params, overrides=(), config=job.config)

        def tell(event: Event) -> None:
            events.append(event)
            if isinstance(event, Waiting):
                other.finish(number, shared.run(number, job), 1.0)

        outcome = search(study, shared, tell=tell)
        assert len(outcome.new) == 11
        assert len(study.record(shared.records()).results) == 12
    assert Waiting((number,)) in events
