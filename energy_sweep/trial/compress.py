"""Compression after training as stages: compress and recalibrate, then recover by training."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn

from energy_sweep.record import Plain, StageRecord
from energy_sweep.schedule import recover_lr
from energy_sweep.train import DamagedFile, Trainee, load, restore, save
from energy_sweep.trial.bench import Bench
from energy_sweep.trial.fit import count_segment, training
from energy_sweep.trial.recalibrate import recalibrate
from energy_sweep.trial.segment import Segment, trained_state

# Images that norm statistics are taken over anew once channels are gone.
RECALIBRATION_IMAGES = 1024


def compress(bench: Bench) -> Plain:
    """Compress the trained net and recover it; gives what the compression achieved."""
    if "compress" not in bench.stages:
        return {}
    use = bench.stages["compress"]
    achieved = bench.store.once(use, lambda folder: _run(bench, folder)).facts
    bench.done("compress")
    if "recover" in bench.stages:
        count_segment(bench, recovery(bench))
    return dict(achieved)


def recovery(bench: Bench) -> Segment:
    """The epochs that train the compressed net back, from half the rate to 0."""
    recipe, use = bench.recipe, bench.stages["recover"]
    steps, epochs = bench.steps, int(use.units)

    def begin() -> Trainee:
        module = compressed_network(bench)
        bench.warm_up(bench.trainee(compressed_network(bench)), use.cost_key)
        return bench.trainee(module)

    def lr(epoch: int, step: int) -> float:
        return recover_lr(recipe.lr, epoch * steps + step, epochs * steps)

    return Segment(
        use=use,
        epochs=epochs,
        begin=begin,
        train_epoch=bench.epochs("recover", lr),
        work=bench.epoch_work("recover"),
        settings={"epochs": epochs},
    )


def compressed_network(bench: Bench) -> nn.Module:
    """The compressed net before its recovery, from the store or compressed again."""
    use = bench.stages["compress"]
    folder = bench.store.folder(use.key)
    try:
        tensors, _ = load(folder / "final.safetensors")
    except (FileNotFoundError, DamagedFile):
        again, known = _run(bench, folder), bench.store.get(use.key)
        lost = () if known is None else (*known.lost, *again.marks)
        bench.store.put(again if known is None else replace(known, lost=lost))
        tensors, _ = load(folder / "final.safetensors")
    module = bench.network()
    restore(module, None, tensors)
    return module


def dense_state(bench: Bench) -> dict[str, Tensor]:
    """The state after the last training epoch; weights that are gone are trained again."""
    return trained_state(training(bench)[-1], store=bench.store, meter=bench.meter)


def _run(bench: Bench, folder: Path) -> StageRecord:
    use, state = bench.stages["compress"], dense_state(bench)
    if use.cost_key not in bench.store.warm:
        # The first call of a process imports and compiles, which is no configuration's cost.
        _compressed(bench, state)
        bench.store.warm.add(use.cost_key)
    made: list[tuple[nn.Module, Plain]] = []
    images = min(RECALIBRATION_IMAGES, len(bench.resident))
    record = bench.metered(use, lambda: made.append(_compressed(bench, state)), images=images)
    module, achieved = made[0]
    outcome = save(folder / "final.safetensors", module, achieved)
    return replace(record, facts=achieved, outcome=outcome)


def _compressed(bench: Bench, state: dict[str, Tensor]) -> tuple[nn.Module, Plain]:
    recipe, module = bench.recipe, bench.network()
    restore(module, None, state)
    dtype = next(module.parameters()).dtype
    example = torch.zeros(1, *bench.data.shape, device=bench.device, dtype=dtype)
    module, achieved = recipe.compression.prepare(module, recipe.snapped_level, example=example)
    recalibrate(module, bench.resident, bench.generator("recal"), RECALIBRATION_IMAGES)
    return module, achieved
