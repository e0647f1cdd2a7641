"""Compression after training as stages: for each round compress and recalibrate, then recover."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn

from energy_sweep.compression.hooks import HookList, TrainingHook
from energy_sweep.optimizer.schedule import recover_lr
from energy_sweep.record import JsonDict, StageRecord
from energy_sweep.training.loop import Trainee, load_whole, restore, save
from energy_sweep.trial.compression.recalibrate import recalibrate
from energy_sweep.trial.context import TrialContext
from energy_sweep.trial.rounds import RoundUse
from energy_sweep.trial.training.fit import acting_in_training, count_segment, dense_state
from energy_sweep.trial.training.segment import Segment, trained_state

# Images that norm statistics are taken over anew once channels are gone.
RECALIBRATION_IMAGES = 1024
# Training images that a technique may look at to judge weights.
SAMPLES, SAMPLE_BATCH = 1024, 128
COMPRESSED = "final.safetensors"


def compress(context: TrialContext) -> list[JsonDict]:
    """Compress the trained net and recover it; gives what each round achieved."""
    facts = list[JsonDict]()
    for index, one in enumerate(net_rounds(context)):
        record = context.store.once(one.compress, lambda folder, i=index: _run(context, i, folder))
        facts.append(dict(record.facts))
        context.usage.done(one.compress)
        if one.recover is not None:
            count_segment(context, recovery(context, index))
    return facts


def achieved(context: TrialContext, rounds: list[JsonDict], *, zeros: float) -> JsonDict:
    """What a compression achieved in all; what is told of layers, the last round says.

    `removed_weight_bits` are those of the dense net that are gone or, where zeros are what a
    technique makes, zero: `zeros` is their share in the net at the end. Of students it is the
    share of parameters.
    """
    recipe = context.recipe
    if not recipe.effective_level:
        return {}
    during = recipe.in_training
    is_masked = during is not None and not during[0].wants_teacher
    is_masked |= any("sparsity" in facts for facts in rounds)
    sizes = (context.size_of(model).parameters for model in (recipe.net, recipe.model))
    kept = next(sizes) / next(sizes) * (1 - zeros if is_masked else 1.0)
    # Rounds that make zeros tell of those that they add; all together are counted above.
    kept *= math.prod(1 - f["removed_weight_bits"] for f in rounds if "sparsity" not in f)
    merged = {name: value for facts in rounds for name, value in facts.items()}
    return {**merged, "removed_weight_bits": 1 - kept}


def net_rounds(context: TrialContext) -> tuple[RoundUse, ...]:
    """The rounds that change the net; those that change its exported file come after them."""
    return tuple(one for one in context.rounds if one.round.technique.when != "export")


def final_network(context: TrialContext) -> nn.Module:
    """The net after its last training stage, from the store or trained again."""
    rounds = net_rounds(context)
    return _network_after(context, len(rounds)).eval()


def recovery(context: TrialContext, index: int) -> Segment:
    """The epochs that train the net of a round back, from half the rate to 0."""
    recipe, one = context.recipe, context.rounds[index]
    assert one.recover is not None
    use, steps, epochs = one.recover, context.trainer.steps, int(one.recover.units)
    label = f"recover{index or ''}"

    def begin() -> Trainee:
        module = compressed_network(context, index)
        scratch = context.trainer.trainee(compressed_network(context, index))
        context.trainer.warm_up(scratch, use.cost_key, acting_in(context, index, 0.0))
        return context.trainer.trainee(module)

    def lr(epoch: int, step: int) -> float:
        return recover_lr(recipe.lr, epoch * steps + step, epochs * steps)

    return Segment(
        use=use,
        epochs=epochs,
        begin=begin,
        train_epoch=context.trainer.epochs(
            label, lr, acting=lambda epoch: acting_in(context, index, epoch / epochs)
        ),
        work=context.epoch_work("recover"),
        settings={"epochs": epochs},
    )


def acting_in(context: TrialContext, index: int, progress: float) -> TrainingHook | None:
    """What acts in the recovery of a round: what acted before goes on, so that no mask drifts."""
    parts = [
        one.round.technique.acting(one.round.level, progress=1.0 if i < index else progress)
        for i, one in enumerate(context.rounds[: index + 1])
    ]
    found = [part for part in (acting_in_training(context, 1.0), *parts) if part is not None]
    return HookList(found) if found else None


def compressed_file(context: TrialContext, index: int) -> Path:
    """Where the store keeps the net of a round before its recovery."""
    return context.store.folder(context.rounds[index].compress.key) / COMPRESSED


def compressed_network(context: TrialContext, index: int) -> nn.Module:
    """The net of a round before its recovery, from the store or compressed again."""
    tensors = context.store.made(
        context.rounds[index].compress,
        lambda: load_whole(compressed_file(context, index)),
        lambda folder: _run(context, index, folder),
    )
    return _rebuilt(context, index + 1, tensors)


def _network_after(context: TrialContext, rounds: int) -> nn.Module:
    """The net after so many rounds and their recoveries."""
    if not rounds:
        module = context.trainer.network()
        restore(module, None, dense_state(context))
        return module
    if context.rounds[rounds - 1].recover is None:
        return compressed_network(context, rounds - 1)
    state = trained_state(recovery(context, rounds - 1), store=context.store, meter=context.meter)
    return _rebuilt(context, rounds, state)


def _rebuilt(context: TrialContext, rounds: int, tensors: dict[str, Tensor]) -> nn.Module:
    """A net with the layers that it has after so many rounds, and with these weights."""
    module = context.trainer.network()
    for one in context.rounds[:rounds]:
        if one.round.technique.restructures:
            record = context.store.get(one.compress.key)
            assert record is not None
            one.round.technique.restructure(module, record.facts)
    restore(module, None, tensors)
    return module


def _run(context: TrialContext, index: int, folder: Path) -> StageRecord:
    use, before = context.rounds[index].compress, _network_after(context, index)
    if use.cost_key not in context.store.warm:
        # The first call of a process imports and compiles, which is no configuration's cost.
        _compressed(context, index, before)
        context.store.warm.add(use.cost_key)
    made: list[tuple[nn.Module, JsonDict]] = []
    images = min(RECALIBRATION_IMAGES, len(context.trainer.resident))
    task = lambda: made.append(_compressed(context, index, before))  # noqa: E731
    record = context.usage.metered(use, task, images=images)
    module, facts = made[0]
    outcome = save(folder / COMPRESSED, module, facts)
    return replace(record, facts=facts, outcome=outcome)


def _compressed(context: TrialContext, index: int, module: nn.Module) -> tuple[nn.Module, JsonDict]:
    """The net of a round, made from the one before it, which stays as it is."""
    one, dtype = context.rounds[index].round, next(module.parameters()).dtype
    example = torch.zeros(1, *context.data.shape, device=context.device, dtype=dtype)

    def batches() -> Iterator[tuple[Tensor, Tensor]]:
        size = min(SAMPLE_BATCH, len(context.trainer.resident))
        found = context.trainer.resident.epoch(size, context.trainer.generator("samples"))
        for batch in itertools.islice(found, max(1, SAMPLES // size)):
            labels = batch.labels if batch.labels.ndim == 1 else batch.labels[:, 0]
            yield batch.images.to(dtype), labels

    made, facts = one.technique.prepare(module, one.level, example=example, batches=batches)
    recalibrate(
        made, context.trainer.resident, context.trainer.generator("recal"), RECALIBRATION_IMAGES
    )
    return made, facts
