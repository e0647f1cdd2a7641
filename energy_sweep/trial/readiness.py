"""What a trial would be refused for once it runs, found before a joule is spent."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import psutil
import torch
from torch import nn

from energy_sweep.dataset.on_device import whole_batches
from energy_sweep.recipe import Recipe, check
from energy_sweep.record import BadInput
from energy_sweep.training.loop import network, whole_groups
from energy_sweep.training.parts import describe
from energy_sweep.trial.compression.preflight import check_compressible
from energy_sweep.trial.data import data_facts, load_data
from energy_sweep.trial.preflight import check_model
from energy_sweep.trial.training.pretrained import Pretrained

# Weights, their gradients and what an optimizer keeps of each, in float32.
BYTES_PER_WEIGHT = 12


def check_ready(recipe: Recipe, *, meter_id: Callable[[], str]) -> None:
    """Raise BadInput for a recipe that a trial would be refused for; `meter_id` names its meter.

    The meter is asked for only where the joules of another study are charged.
    """
    check(recipe)
    images = data_facts(recipe.dataset).images
    whole_groups(whole_batches(images, recipe.batch), recipe.batch, recipe.accumulate)
    _check_size(recipe.dataset, recipe.model)
    _check_tasks(recipe)
    check_model(recipe)
    check_compressible(recipe)
    _check_optimizer(recipe.optimizer)
    _check_origins(recipe, meter_id)
    if recipe.device.processes > 1:
        for part in (recipe.dataset, recipe.model, recipe.optimizer):
            describe(part)


def _check_tasks(recipe: Recipe) -> None:
    """Refuse what teaches, or lowers, a net of one task only, where there are two."""
    during = recipe.in_training
    if during is not None and load_data(recipe.dataset).second_classes:
        raise BadInput(
            f"compression={during[0].name} acts on a loss of one kind of labels, and"
            f" dataset={recipe.dataset.name} has two: type compression=prune, or none"
        )


def _check_origins(recipe: Recipe, meter_id: Callable[[], str]) -> None:
    """Refuse stored weights that do not fit, and those whose joules this meter cannot charge."""
    source = recipe.pretrained
    if source is not None:
        model = recipe.compression.shape(recipe.model, recipe.effective_level)
        _check_weights(recipe.dataset, model, source, 0.5)
        if source.share:
            _check_charge(source, meter_id())
    teacher = recipe.teacher
    if teacher is not None and teacher.stored is not None and recipe.effective_level:
        _check_weights(recipe.dataset, teacher.model or recipe.model, teacher.stored, 1.0)
        _check_charge(teacher.stored, meter_id())


@functools.lru_cache(maxsize=256)
def _check_size(dataset: Any, model: Any) -> None:
    """Refuse a net of ours that this machine cannot hold; a user's may know no device `meta`."""
    if not type(model).__module__.startswith("energy_sweep."):
        return
    data, most = load_data(dataset), psutil.virtual_memory().total
    try:
        with torch.device("meta"):
            module = model.build(data.shape, data.outputs)
        weights = sum(parameter.numel() for parameter in module.parameters())
    except (RuntimeError, OverflowError):
        weights = most
    if weights * BYTES_PER_WEIGHT > most:
        raise BadInput(
            f"model={model.name}: training it needs over {most / 2**30:.0f} GiB, which is all that"
            " there is: type smaller settings of the model, such as model.width"
        )


@functools.lru_cache(maxsize=256)
def _check_weights(dataset: Any, model: Any, source: Pretrained, least: float) -> None:
    source.put_into(network(model, load_data(dataset), seed=0), least=least)


@functools.lru_cache(maxsize=256)
def _check_charge(source: Pretrained, meter_id: str) -> None:
    source.readings(meter_id)


@functools.lru_cache(maxsize=256)
def _check_optimizer(optimizer: Any) -> None:
    """Refuse what lacks its package, or fails at once."""
    try:
        optimizer.build(nn.Linear(1, 1), 0.1)
    except BadInput:
        raise
    except Exception as error:
        said = " ".join(str(error).split())
        raise BadInput(
            f"optimizer={optimizer.name} cannot be made ({type(error).__name__}: {said}): type"
            " other settings, or mend it"
        ) from error
