"""What all trials of a study must share, or their accuracies or joules do not compare."""

from __future__ import annotations

import dataclasses
from typing import Any

from energy_sweep.recipe import Recipe, spec
from energy_sweep.record import BadInput, JsonDict, TrialResult
from energy_sweep.trial import load_data


def study_identity(recipe: Recipe) -> JsonDict:
    """The data set, its splits and the runtime, by word."""
    source = _whole(recipe.dataset)
    return {
        "dataset": source.name,
        "split": load_data(source).fingerprint,
        "runtime": spec(recipe.runtime),
    }


def check_same(recipe: Recipe, result: TrialResult, identity: JsonDict, *, command: str) -> None:
    """BadInput unless a recipe is what a trial of a study with this `identity` ran with.

    What was stored of the trial may be damaged, this version may read it otherwise, and the images
    may have changed since: the net would be another than the one that was measured.
    """
    if recipe.config() != result.config or recipe.seed != result.seed:
        raise BadInput(
            "it ran with other settings than those that are stored of it, or than this version"
            f" would use: type {command} to run it anew"
        )
    if "split" not in identity:
        raise BadInput(
            "the study does not say which images it saw, which may be others than those here: sweep"
            " it anew with name=OTHER"
        )
    if identity["split"] != study_identity(recipe)["split"]:
        raise BadInput(
            f"the data set {recipe.dataset.name} holds other images, or other splits, than those of"
            " the study: bring those back, or sweep them as a study of their own with name=NAME"
        )


def _whole(source: Any) -> Any:
    """The source whose originals all its resolutions and fractions show, in the same splits."""
    if hasattr(source, "whole"):
        return source.whole()
    own = {field.name for field in dataclasses.fields(source)}
    shared = {"resolution": None, "fraction": 1.0}
    return dataclasses.replace(source, **{name: shared[name] for name in shared.keys() & own})
