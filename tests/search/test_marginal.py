"""What candidates would take beyond what the store holds, against a store that runs stages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from toy_study import stage

from energy_sweep.record import StageRecord, StageUse
from energy_sweep.search.acquisition.marginal import marginal_units
from energy_sweep.search.acquisition.stage_table import StageTable, true_keys
from energy_sweep.search.acquisition.unit_prices import unit_prices
from energy_sweep.search.run_order import EPOCH_STAGES

Chain = tuple[StageUse, ...]

PRICES = {"epoch 32": 3.0, "epoch 64": 2.0, "compress": 0.7, "evaluate": 0.2, "infer": 0.4}


@st.composite
def chains(draw: st.DrawFn) -> Chain:
    """The chain of a trial that shares its trunk, cooldown or graph with others."""
    batch, lr = draw(st.sampled_from((32, 64))), draw(st.sampled_from((1, 2)))
    epochs, level = draw(st.sampled_from((5, 10, 20))), draw(st.sampled_from((0, 1, 2)))
    trunk, length = f"trunk {batch} {lr}", 0.8 * epochs
    cooled = f"{trunk} @{epochs}"
    uses = [
        ("trunk", trunk, f"epoch {batch}", length),
        ("cooldown", cooled, f"epoch {batch}", epochs - length),
    ]
    if level:
        uses += [("compress", f"{cooled} {level}", "compress", 1.0)]
        uses += [("recover", f"{cooled} {level} again", f"epoch {batch}", 3.0)]
    uses += [("evaluate", f"{cooled} {level} right", "evaluate", 1.0)]
    uses += [("infer", f"graph {level}", "infer", 1.0)]
    return tuple(StageUse(stage=s, key=k, cost_key=c, units=u) for s, k, c, u in uses)


def run(chain: Chain, store: dict[str, StageRecord]) -> float:
    """Run what a chain lacks, as a stage store does, and give what that took."""
    spent = 0.0
    for use in chain:
        known = store.get(use.key)
        done = 0.0 if known is None else known.units
        missing = use.units - done if use.stage in EPOCH_STAGES or known is None else 0.0
        if missing > 0:
            spent += missing * PRICES[use.cost_key]
            new = stage(use.stage, use.key, use.cost_key, (missing, missing, 0.0))
            kept = () if known is None else known.marks
            store[use.key] = replace(new, marks=(*kept, *new.marks))
    return spent


def taken(found: Sequence[Chain], store: dict[str, StageRecord]) -> list[float]:
    table = StageTable.of(found, {})
    prices = np.array([PRICES[key] for key in table.costs])
    return table.sums(marginal_units(table, store) * prices[table.cost]).tolist()


@given(st.lists(chains(), min_size=1, max_size=8))
def test_marginal_joules_add_up_to_what_the_store_spends(found: list[Chain]) -> None:
    store: dict[str, StageRecord] = {}
    for chain in found:
        before = taken(found, store)[found.index(chain)]
        assert before == pytest.approx(run(chain, store), abs=1e-9)
        assert taken([chain], store) == [0.0]
    longest: dict[str, tuple[float, str]] = {}
    for use in (use for chain in found for use in chain):
        longest[use.key] = max(longest.get(use.key, (0.0, "")), (use.units, use.cost_key))
    once = sum(units * PRICES[cost] for units, cost in longest.values())
    assert sum(one.units * PRICES[one.cost_key] for one in store.values()) == pytest.approx(once)


def test_a_provisional_key_gives_way_to_the_true_one() -> None:
    planned = (StageUse(stage="infer", key="a", cost_key="a", units=1),)
    used = (StageUse(stage="infer", key="g", cost_key="g", units=1),)
    keys = true_keys(planned, used)
    store = {"g": stage("infer", "g", "g", (1000, 0.4, 0.0))}
    table = StageTable.of([planned, used], keys)
    assert table.costs == ("g",)
    assert marginal_units(table, store).tolist() == [0, 0]
    assert marginal_units(table, {}).tolist() == [1, 1]


def test_of_what_a_trial_did_not_reach_no_key_is_learnt() -> None:
    planned = tuple(
        StageUse(stage="recover", key=name, cost_key=name, units=1) for name in ("a", "b")
    )
    used = (StageUse(stage="recover", key="a", cost_key="old", units=1),)
    assert true_keys(planned, used) == {"a": "old"}


def world(count: int = 60) -> tuple[StageTable, np.ndarray, dict[str, float]]:
    """Candidates of batch x lr x level; an epoch costs by batch and, pruned, by level."""
    rng = np.random.default_rng(0)
    chosen = rng.choice([0.0, 0.25, 0.5, 0.75, 1.0], (count, 3))
    chains, prices = list[Chain](), dict[str, float]()
    for batch, lr, level in chosen.tolist():
        epoch, pruned = f"epoch {batch}", f"epoch {batch} {level}"
        prices[epoch] = float(np.exp(1 - batch))
        prices[pruned] = prices[epoch] * (1 - 0.5 * level)
        chains.append(
            (
                StageUse(stage="trunk", key=f"t {batch} {lr}", cost_key=epoch, units=8),
                StageUse(stage="recover", key=f"r {batch} {lr} {level}", cost_key=pruned, units=3),
            )
        )
    return StageTable.of(chains, {}), chosen, prices


def test_prices_that_were_never_measured_are_predicted_from_those_that_were() -> None:
    table, features, truth = world()
    known = {key: truth[key] for key in list(table.costs)[:14]}
    found = unit_prices(table, features, known.get)
    wanted = np.array([truth[key] for key in table.costs])
    there = np.array([key in known for key in table.costs])
    assert found.joules[there] == pytest.approx(wanted[there])
    assert not found.log_sd[there].any()
    errors = np.log(found.joules / wanted)[~there]
    assert np.abs(errors).max() < 0.1
    assert np.all(np.abs(errors) < 3 * found.log_sd[~there] + 0.02)


def test_what_moves_freely_at_equal_cost_is_no_reason_of_it() -> None:
    """A rate of learning that happens to be higher where epochs were dear predicts nothing."""
    table, features, truth = world()
    places = {key: index for index, key in enumerate(table.costs)}
    known = {key: truth[key] for key in list(table.costs)[:14]}
    moved = features.copy()
    for row, place in enumerate(places[f"epoch {batch}"] for batch in features[:, 0]):
        moved[row, 1] = 0.9 * moved[row, 1] + 0.01 * place
    plain, other = (unit_prices(table, where, known.get) for where in (features, moved))
    assert other.joules == pytest.approx(plain.joules, rel=1e-6)


def test_without_any_price_all_are_guesses() -> None:
    table, features, truth = world()
    found = unit_prices(table, features, lambda _: None)
    assert not found.any_known
    epochs = unit_prices(table, features, {table.costs[0]: truth[table.costs[0]]}.get)
    assert epochs.any_known
    assert np.all(epochs.joules > 0)
