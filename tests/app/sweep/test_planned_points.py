"""The job of a point, derived from parts that points share, is what Hydra composes of its words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks.typed_grid import composed_alone, typed_grid
from energy_sweep.app.config.build import Builder
from energy_sweep.app.config.compression_lists import expand
from energy_sweep.app.config.fixed_dials import may_vary
from energy_sweep.app.sweep.planner import Planner
from energy_sweep.recipe import keys, replace
from energy_sweep.recipe.plan import PLANS
from energy_sweep.recipe.stages import chain
from energy_sweep.record import JsonDict
from energy_sweep.search import Job
from energy_sweep.trial import data_facts

PLAN = "contiguous"
# Axes of all kinds: numbers, groups, lists, what others refer to, and what sets a part of another.
AXES = (
    *("batch=16,32,128", "lr=0.01,1,1.5", "epochs=1,5,12", "seed=0,3", "accumulate=1,2"),
    *("label_smoothing=0,0.1", "inference.batch=1,64", "precision=fp32,bf16"),
    *("compression=none,prune,quantize", "compression=prune,[prune,quantize]"),
    *("compression.level=0,0.25,0.5,0.9", "compression.max_accuracy_loss=null,0.01"),
    *("compression=prune compression.iterations=1,2", "compression=distill,prune"),
    *("optimizer=sgd,adamw", "optimizer.lr=0.2,0.3", "optimizer.weight_decay=0,0.0,0.1"),
    *("optimizer/schedule=trunk,cosine", "epochs=${batch}", "name=${dataset.name}-${batch}"),
    *("model=small_cnn,resnet18", "model.width=8,16", "model={width:8,depth:3},{width:16}"),
    *("dataset.resolution=null,8", "dataset.fraction=0.5,1"),
)


def derived(planner: Planner, point: JsonDict) -> Job | None:
    """The planned job; None where Hydra refuses the same words, such as a dial of another group."""
    try:
        return planner.describe(point)
    except Exception:
        with pytest.raises(Exception, match=r"."):
            words = planner.axes.overrides(point)
            Builder().recipe(composed_alone(planner.composer, words))
        return None


def composed(planner: Planner, job: Job) -> JsonDict:
    """What the words of a job come to where nothing is shared with another."""
    keys._shared_key.cache_clear()  # type: ignore[attr-defined]
    values = composed_alone(planner.composer, expand(job.overrides))
    recipe = replace(Builder().recipe(values), plan=PLANS[PLAN])
    data = data_facts(recipe.dataset)
    stages = chain(
        recipe,
        machine=recipe.device.machine(),
        fingerprint=data.fingerprint,
        sizes=data.sizes,
    )
    dials = {name: one for name, one in leaves(values) if may_vary(name)}
    dials["compression.level"] = recipe.effective_level
    return {"config": recipe.config(), "seed": recipe.seed, "stages": stages, "dials": dials}


def leaves(values: Mapping[str, Any], place: str = "") -> Iterator[tuple[str, Any]]:
    for key, one in values.items():
        if isinstance(one, dict):
            yield from leaves(one, f"{place}{key}.")
        elif not key.startswith("_"):
            text = f"[{','.join(map(str, one))}]" if isinstance(one, list) else one
            yield f"{place}{key}", text


@pytest.mark.no_cover
@given(st.data())
@settings(
    max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_planned_job_is_what_hydra_composes(data: st.DataObject) -> None:
    typed = data.draw(st.lists(st.sampled_from(AXES), min_size=1, max_size=5, unique=True))
    words = [word for text in typed for word in text.split(" ")]
    with typed_grid(f"device.plan={PLAN}", *words) as planner:
        points = list(planner.axes.space.grid())
        chosen = data.draw(st.lists(st.sampled_from(points), min_size=3, max_size=3))
        # Those of all are derived first, so that each has seen what the others share with it.
        for job in filter(None, [derived(planner, point) for point in chosen]):
            found = composed(planner, job)
            dials = job.dials or {}
            assert repr(job.config) == repr(found["config"])
            assert (job.seed, job.stages) == (found["seed"], found["stages"])
            assert {name: dials[name] for name in found["dials"]} == found["dials"]
