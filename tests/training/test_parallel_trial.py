"""A whole trial on two processes: when they run, and that they end with it."""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, ClassVar

import psutil
import pytest
from training.toy_parts import Sides

from energy_sweep.app.main import main
from energy_sweep.compression.base import NoCompression
from energy_sweep.device import Device
from energy_sweep.meter import Window, Work, meter_id, open_meter
from energy_sweep.model.small_cnn import SmallCNN
from energy_sweep.optimizer import SGD
from energy_sweep.recipe import Recipe, check
from energy_sweep.record import BadInput
from energy_sweep.runtime.onnxruntime import OnnxRuntime
from energy_sweep.store import StageStore
from energy_sweep.training.loop import train_epoch
from energy_sweep.trial import deployed_trial, run_trial


def recipe(**changes: object) -> Recipe:
    settings: dict[str, object] = {
        "dataset": Sides(),
        "model": SmallCNN(width=4, depth=2),
        "optimizer": SGD(),
        "compression": NoCompression(),
        "runtime": OnnxRuntime(),
        "device": Device(name="cpu", processes=2, plan="contiguous"),
        "batch": 32,
        "lr": 0.05,
        "epochs": 3,
    }
    return Recipe(**(settings | changes))  # type: ignore[arg-type]


def ranks_of(pid: int) -> list[psutil.Process]:
    return [
        child
        for child in psutil.Process(pid).children()
        if "energy_sweep.training.worker" in child.cmdline()
    ]


def test_batches_that_do_not_share_out_are_refused() -> None:
    with pytest.raises(BadInput, match="type batch=34"):
        check(recipe(batch=33))


class LocalTrainer:
    """A DistributedTrainer that trains in this process; `runs` says whether it was started."""

    runs = False
    warm: ClassVar[set[str]] = set()

    def __init__(self, *_: object, **__: object) -> None: ...

    def start(self) -> None:
        LocalTrainer.runs = True

    def close(self) -> None:
        LocalTrainer.runs = False
        LocalTrainer.warm.clear()

    def train_epoch(self, *arguments: Any, **dials: Any) -> float:
        assert LocalTrainer.runs
        return train_epoch(*arguments, **dials)


@pytest.mark.slow
def test_ranks_run_before_the_first_window_and_are_gone_before_inference(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("energy_sweep.trial.trainer.DistributedTrainer", LocalTrainer)
    meter = open_meter("replay")
    store = StageStore(tmp_path, meter_id=meter_id(meter.facts()))
    seen: dict[str, bool] = {}
    opened = meter.window

    def window(work: Work) -> AbstractContextManager[Window]:
        seen[work.stage] = seen.get(work.stage, LocalTrainer.runs) and LocalTrainer.runs
        return opened(work)

    monkeypatch.setattr(meter, "window", window)
    for lr in (0.05, 0.1):  # in a process that has trained before, its ranks are new all the same
        assert run_trial(recipe(lr=lr), meter=meter, store=store).correct
        training, others = ("prepare", "trunk", "cooldown"), ("export", "evaluate", "infer")
        assert seen == dict.fromkeys(training, True) | dict.fromkeys(others, False)
    assert store.clear() > 0
    with deployed_trial(recipe(), meter=meter, store=store) as deployed:
        assert deployed.network is not None
    assert not LocalTrainer.runs


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9")
@pytest.mark.slow
def test_ranks_end_when_their_trial_is_killed_in_its_recovery(tmp_path: Path) -> None:
    words = [
        *("device=cpu", "device.processes=2", "meter=replay", "model.width=4", "model.depth=2"),
        *("epochs=1", "compression.level=0.5", "compression.recover_epochs=100000", "batch=128"),
        f"outputs={tmp_path}",
    ]
    trial = subprocess.Popen([sys.executable, "-m", "energy_sweep", *words])
    deadline = time.monotonic() + 120

    while not _recovering(tmp_path):
        assert trial.poll() is None and time.monotonic() < deadline
        time.sleep(0.05)
    ranks = ranks_of(trial.pid)
    assert len(ranks) == 2
    trial.kill()
    trial.wait()
    assert not psutil.wait_procs(ranks, timeout=20)[1]


def _recovering(folder: Path) -> bool:
    """An epoch of the pruned net is done: the rolling state of its segment is there."""
    compressed = list(folder.glob("**/final.safetensors"))
    return bool(compressed) and bool(list(folder.glob("**/state.safetensors")))


def test_a_sweep_over_gpu_counts_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(
        Device, "uuids", lambda self: tuple(f"GPU-{n}" for n in range(self.processes))
    )
    words = ["device=cpu", "device.processes=1,2", "search/space=none", "meter=replay"]
    assert main(["-m", *words, f"outputs={tmp_path}"]) == 2
    said = capsys.readouterr().err
    assert "device.processes=2: reads other GPUs" in said and said.count("\n") == 1
