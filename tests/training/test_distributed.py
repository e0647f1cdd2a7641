"""Two processes train as one does, resume bit for bit, and end together, whatever ends them."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from typing import Any

import psutil
import pytest
import torch
from training.toy_parts import Sides

from energy_sweep.compression.base import NoCompression
from energy_sweep.dataset.base import Data
from energy_sweep.dataset.digits import Digits
from energy_sweep.device import Device
from energy_sweep.meter.estimate import EstimateSource
from energy_sweep.meter.process import ProcessTree
from energy_sweep.model.small_cnn import SmallCNN
from energy_sweep.model.state import tensors_of
from energy_sweep.optimizer import SGD
from energy_sweep.recipe import Recipe, indexed_seed
from energy_sweep.recipe.plan import Plan
from energy_sweep.record import Infeasible
from energy_sweep.runtime.onnxruntime import OnnxRuntime
from energy_sweep.training.distributed import DistributedTrainer
from energy_sweep.training.loop import OnDeviceDataset, Trainee, network, restore, train_epoch
from energy_sweep.training.worker_pool import RankFailed, WorkerPool, first_failed_rank

BATCH, LR = 32, 0.05
LAST = Plan(layout="channels_last")
# Of the loss after each of three epochs, relative to one process at the same global batch and with
# the threads of a rank. Sums in another order change the last bits, which training lets grow (by
# 1e-3 where one process has two threads); statistics of half a batch change what a batch norm does.
TIGHT, LOOSE = 1e-4, 0.05
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals")


class TrainingCase:
    """One net on one data set, trained by this process or by a trainer."""

    def __init__(self, dataset: Any, norm: str) -> None:
        self.recipe = Recipe(
            dataset=dataset,
            model=SmallCNN(width=8, depth=2, norm=norm),
            optimizer=SGD(),
            compression=NoCompression(),
            runtime=OnnxRuntime(),
            device=Device(name="cpu", processes=2, threads=1),
            batch=BATCH,
            lr=LR,
            epochs=3,
        )
        self.data: Data = dataset.load()
        self.resident = OnDeviceDataset(self.data.train, self.data)
        self.trainer = DistributedTrainer(self.recipe, plan=LAST, fingerprint=self.data.fingerprint)

    def fresh(self) -> Trainee:
        module = network(self.recipe.model, self.data, seed=0)
        return Trainee(module, self.recipe.optimizer.build(module, LR))

    def train(
        self, how: Any, trainee: Trainee, epoch: int, *, lr: float = LR, **more: Any
    ) -> float:
        return how(
            trainee,
            self.resident,
            batch=BATCH,
            lr_at=lambda _: lr,
            generator=torch.Generator().manual_seed(indexed_seed(0, "train", epoch)),
            **more,
        )

    def alone(self, epochs: int) -> list[float]:
        trainee, threads = self.fresh(), torch.get_num_threads()
        torch.set_num_threads(self.recipe.device.threads)
        try:
            return [self.train(train_epoch, trainee, epoch) for epoch in range(epochs)]
        finally:
            torch.set_num_threads(threads)


def wait_until_gone(pids: list[int], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while any(psutil.pid_exists(pid) for pid in pids):
        assert time.monotonic() < deadline, "processes are left over"
        time.sleep(0.02)


@pytest.mark.slow
def test_two_processes_give_the_curve_of_one_and_their_cpu_seconds_are_counted_once() -> None:
    case = TrainingCase(Digits(), "group")
    trainer, trainee = case.trainer, case.fresh()
    try:
        losses = [case.train(trainer.train_epoch, trainee, 0)]
        heard = [
            (line.laddr.ip, psutil.Process(pid).name())
            for pid in (os.getpid(), *trainer.pids.values())
            for line in psutil.Process(pid).net_connections()
            if line.status == psutil.CONN_LISTEN
        ]
        assert heard and {ip for ip, _ in heard} == {"127.0.0.1"}
        own, ranks = time.process_time(), sum(trainer.cpu_seconds.values())
        with EstimateSource(tree=ProcessTree()).begin() as read:
            losses += [case.train(trainer.train_epoch, trainee, epoch) for epoch in (1, 2)]
            estimated = read().terms["cpu_seconds"]
        spent = sum(trainer.cpu_seconds.values()) - ranks + time.process_time() - own
        assert len(trainer.cpu_seconds) == 2 and estimated == pytest.approx(
            spent, rel=0.1, abs=0.05
        )
        assert losses == pytest.approx(case.alone(3), rel=TIGHT)
        pids = list(trainer.pids.values())
        with pytest.raises(RankFailed, match=r"failed: TypeError.*nonsense"):
            case.train(trainer.train_epoch, trainee, 3, nonsense=1)
        wait_until_gone(pids)
    finally:
        trainer.close()


@pytest.mark.slow
def test_a_killed_rank_is_named_ends_all_and_the_next_one_resumes_bit_for_bit() -> None:
    case = TrainingCase(Sides(), "batch")
    trainer, trainee = case.trainer, case.fresh()
    try:
        losses = [case.train(trainer.train_epoch, trainee, epoch) for epoch in (0, 1)]
        saved = {name: value.clone() for name, value in tensors_of(trainee).items()}
        losses.append(case.train(trainer.train_epoch, trainee, 2))
        assert losses == pytest.approx(case.alone(3), rel=LOOSE)
        pids = list(trainer.pids.values())
        # The other rank waits for this one in the middle of its epoch.
        os.kill(pids[1], signal.SIGSTOP)
        threading.Timer(0.3, os.kill, (pids[1], signal.SIGKILL)).start()
        with pytest.raises(RankFailed, match=r"rank 1 of device\.processes=2.*SIGKILL") as caught:
            case.train(trainer.train_epoch, trainee, 3)
        assert "\n" not in str(caught.value) and caught.value.exit_code == 1
        wait_until_gone(pids)
        again = case.fresh()
        restore(again.module, again.optimizer, saved)
        case.train(trainer.train_epoch, again, 2)
        assert again.fingerprint() == trainee.fingerprint()
        pids = list(trainer.pids.values())
        with pytest.raises(Infeasible, match="diverged"):
            case.train(trainer.train_epoch, again, 3, lr=1e30)
        wait_until_gone(pids)
    finally:
        trainer.close()


def test_ranks_that_cannot_start_are_told_of_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("energy_sweep.training.launch.WORKER", "energy_sweep.no_such_module")
    with pytest.raises(RankFailed, match=r"rank \d of device\.processes=2 ended with exit code 1"):
        WorkerPool(2, threads=1)


def test_the_blame_is_on_the_rank_that_ended_not_on_those_terminated_for_it() -> None:
    assert first_failed_rank({0: -signal.SIGTERM, 1: 1}) == 1
    assert first_failed_rank({0: 1, 1: 1}) == 0
    assert first_failed_rank({0: -signal.SIGTERM}) == 0
    assert first_failed_rank({}) == 0
