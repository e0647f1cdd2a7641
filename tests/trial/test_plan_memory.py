"""What was found for equal nets is remembered for all studies, and read back as a stranger's."""

from __future__ import annotations

import dataclasses
import json
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from energy_sweep.device import Device
from energy_sweep.meter.base import Work
from energy_sweep.meter.replay import ReplayMeter
from energy_sweep.recipe import Recipe
from energy_sweep.recipe.plan import DEFAULT_PLAN, PLANS
from energy_sweep.record import MeterFacts, StageRecord
from energy_sweep.record.seal import seal
from energy_sweep.store import StageStore
from energy_sweep.trial import StepsToCome, plan_record, resolve
from energy_sweep.trial.autotune.memory import PlanMemory, RememberedPlan
from energy_sweep.trial.autotune.saving import PlanSaving

MakeRecipe = Callable[..., Recipe]
AUTO = Device(name="cpu")
FAST = PLANS["channels_last"]
MANY = StepsToCome(steps=1e6)


class Counted(ReplayMeter):
    """A replay that says it is none, since nothing is remembered of a replay."""

    def facts(self) -> MeterFacts:
        return dataclasses.replace(super().facts(), domains=("cpu",))


def paced(fast: float = 0.7) -> Counted:
    """Marks of one joule for plain, and less for the second of the three that take turns."""
    # Plain, fast and bf16 begin with two marks each; then they go back and forth.
    costs = [1.0] * 6 + [1.0, fast, 2.0, 2.0, fast, 1.0] * 3
    script = iter(costs)
    return Counted(formula=lambda _: next(script, 1.0))


def unused(work: Work) -> float:
    raise AssertionError(f"{work.stage} is measured again")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "energy_sweep" / "plans"


def chosen(
    recipe: Recipe, store: StageStore, meter: ReplayMeter, to_come: StepsToCome = MANY
) -> StageRecord:
    resolve(recipe, meter=meter, store=store, to_come=to_come)
    found = plan_record(recipe, store)
    assert found is not None
    return found


def test_a_second_study_takes_what_the_first_found_and_pays_nothing(
    recipe: MakeRecipe, store: StageStore, other_store: StageStore, cache: Path
) -> None:
    made = recipe(device=AUTO)
    first = chosen(made, store, paced())
    assert first.facts["plan"]["layout"] == "channels_last" and first.spent_joules > 0
    [kept] = cache.rglob("*.json")
    document = json.loads(kept.read_text())
    assert document["plan"] == "channels_last"
    later = chosen(made, other_store, Counted(formula=unused))
    assert later.spent_joules == 0.0 and not later.marks
    assert later.facts["remembered"] == document["made"]
    for name in ("plan", "saving", "bf16"):
        assert later.facts[name] == first.facts[name]


@pytest.mark.parametrize("change", [{"batch": 64}, {"precision": "bf16"}])
def test_other_work_is_no_equal_net(
    recipe: MakeRecipe, store: StageStore, other_store: StageStore, change: dict[str, Any]
) -> None:
    chosen(recipe(device=AUTO), store, paced())
    with pytest.raises(AssertionError, match="measured again"):
        chosen(recipe(device=AUTO, **change), other_store, Counted(formula=unused))


def test_another_meter_or_a_replay_remembers_nothing_of_it(
    recipe: MakeRecipe, store: StageStore, tmp_path: Path, cache: Path
) -> None:
    made = recipe(device=AUTO)
    chosen(made, store, paced())
    other = StageStore(tmp_path / "o", meter_id="another")
    with pytest.raises(AssertionError, match="measured again"):
        chosen(made, other, Counted(formula=unused))
    replayed = StageStore(tmp_path / "r", meter_id=store.meter_id)
    with pytest.raises(AssertionError, match="measured again"):
        chosen(made, replayed, ReplayMeter(formula=unused))
    assert len(list(cache.rglob("*.json"))) == 1


def test_what_was_not_tried_is_not_remembered(
    recipe: MakeRecipe, store: StageStore, cache: Path
) -> None:
    few = chosen(recipe(device=AUTO), store, paced(), StepsToCome(steps=7))
    assert few.facts["tried"] is False and not cache.exists()


def test_what_is_remembered_as_no_saving_is_tried_again_where_a_smaller_one_would_pay(
    recipe: MakeRecipe, tmp_path: Path
) -> None:
    memory = PlanMemory(tmp_path, {"batch": 1}, "m")
    found = remembered(plan=DEFAULT_PLAN, most=0.01, joules_per_step=1.0, price_joules=10.0)
    memory.remember(found)
    assert memory.recall("cpu") == found
    assert found.suffices(StepsToCome(steps=1000))
    assert not found.suffices(StepsToCome(steps=1001))
    assert found.suffices(StepsToCome(steps=1e9, most_joules=1000.0))


def remembered(**changes: Any) -> RememberedPlan:
    made = RememberedPlan(
        made="2026-11-29",
        plan=FAST,
        saving=PlanSaving(0.3, 0.05),
        bf16={"plan": "channels_last", "share": -0.4, "uncertainty": None},
        most=0.0,
        joules_per_step=0.01,
        price_joules=5.0,
    )
    return dataclasses.replace(made, **changes)


def test_what_relatives_saved_moves_the_guess(tmp_path: Path) -> None:
    memory = PlanMemory(tmp_path, {"batch": 1, "net": "a"}, "m")
    assert memory.likely_saving() == pytest.approx(0.2)
    for batch, share in ((2, 0.3), (3, 0.1), (4, 0.0)):
        other = PlanMemory(tmp_path, {"batch": batch, "net": "a"}, "m")
        other.remember(remembered(saving=PlanSaving(share, 0.0)))
    PlanMemory(tmp_path, {"batch": 1, "net": "b"}, "m").remember(remembered())
    assert memory.likely_saving() == pytest.approx((0.2 + 0.3 + 0.1 + 0.0) / 4)
    for path in tmp_path.rglob("*.json"):
        path.write_text("{")
    assert memory.likely_saving() == pytest.approx(0.2)


def edited(path: Path, **changes: Any) -> None:
    document = json.loads(path.read_text())
    path.write_text(json.dumps(seal({**document, **changes})))


HOSTILE: dict[str, Callable[[Path], object]] = {
    "no JSON": lambda path: path.write_text("{"),
    "no object": lambda path: path.write_text("[1]"),
    "half of it": lambda path: path.write_bytes(path.read_bytes()[:40]),
    "a stranger's plan": lambda path: edited(path, plan="os.system"),
    "a plan of a GPU": lambda path: edited(path, plan="channels_last+compile"),
    "of other work": lambda path: edited(path, of="0" * 64),
    "no date": lambda path: edited(path, made="today; rm -rf"),
    "no number": lambda path: edited(path, saving=["much", 0.1]),
    "a saving beyond all": lambda path: edited(path, saving=[7.0, 0.1]),
    "half a saving": lambda path: edited(path, saving=[0.1]),
    "not a number": lambda path: edited(path, most=float("nan")),
    "a list for bf16": lambda path: edited(path, bf16=[1]),
    "no seal": lambda path: path.write_text(
        json.dumps({k: v for k, v in json.loads(path.read_text()).items() if k != "seal"})
    ),
    "a huge file": lambda path: path.write_text(" " * 10**6),
    "a folder": lambda path: (path.unlink(), path.mkdir()),
    "a pipe": lambda path: (path.unlink(), os.mkfifo(path)),
    "nested": lambda path: path.write_text("[" * 10**5),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_damaged_or_hostile_file_is_one_line_and_no_answer(
    recipe: MakeRecipe,
    store: StageStore,
    other_store: StageStore,
    cache: Path,
    name: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    made = recipe(device=AUTO)
    first = chosen(made, store, paced())
    [path] = cache.rglob("*.json")
    HOSTILE[name](path)
    with caplog.at_level(logging.WARNING):
        again = chosen(made, other_store, paced())
    assert "remembered" not in again.facts and again.facts["plan"] == first.facts["plan"]
    said = [one.getMessage() for one in caplog.records if "remembered plan" in one.getMessage()]
    assert len(said) == 1 and "\n" not in said[0]


def test_without_a_home_nothing_is_remembered(
    recipe: MakeRecipe, store: StageStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_home() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(Path, "home", no_home)
    assert chosen(recipe(device=AUTO), store, paced()).facts["tried"]


def test_a_cache_that_is_no_folder_remembers_nothing_and_says_nothing(
    recipe: MakeRecipe,
    store: StageStore,
    other_store: StageStore,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    for one in (store, other_store):
        assert chosen(recipe(device=AUTO), one, paced()).facts["tried"]
    assert not caplog.records
