"""A process that runs trials on digits in a store that others use too."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable
from pathlib import Path

from energy_sweep.compression.prune import Prune
from energy_sweep.dataset.digits import Digits
from energy_sweep.device import Device
from energy_sweep.meter import Work, meter_id
from energy_sweep.meter.replay import ReplayMeter
from energy_sweep.model.small_cnn import SmallCNN
from energy_sweep.optimizer import SGD
from energy_sweep.recipe import Recipe
from energy_sweep.runtime.onnxruntime import OnnxRuntime
from energy_sweep.store import StageStore
from energy_sweep.trial import run_trial
from energy_sweep.trial.training import progress

BRANCHES = range(1, 6)


def joules(work: Work) -> float:
    """So many that a pass over the images is a mark of a window."""
    return 1e-5 * work.images * work.parameters


def recipe(epochs: int, level: float) -> Recipe:
    """A small net, trained on the CPU."""
    return Recipe(
        dataset=Digits(),
        model=SmallCNN(width=4, depth=2),
        optimizer=SGD(),
        compression=Prune(recover_epochs=1),
        runtime=OnnxRuntime(),
        device=Device(name="cpu", plan="channels_last", remember=False),
        batch=128,
        lr=0.05,
        epochs=epochs,
        level=level,
    )


def run(root: Path, trials: Iterable[tuple[int, float]]) -> StageStore:
    """Run trials of so many epochs and such a level, one after the other."""
    meter = ReplayMeter(formula=joules)
    store = StageStore(root, meter_id=meter_id(meter.facts()))
    with store.claim:
        for epochs, level in trials:
            run_trial(recipe(epochs, level), meter=meter, store=store, branch_epochs=BRANCHES)
    return store


if __name__ == "__main__":
    logging.basicConfig(format="%(message)s", stream=sys.stderr)
    folder, large, *typed = sys.argv[1:]
    if large == "large":  # as if the states were: most epochs have their marks saved only
        progress.SMALL_STATE_BYTES = 0
    run(Path(folder), [(int(e), float(v)) for e, v in (word.split(":") for word in typed)])
