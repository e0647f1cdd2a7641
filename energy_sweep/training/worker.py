"""One rank of several, started by torchrun's launcher: trains its part of every batch."""

from __future__ import annotations

import inspect
import os
import queue
import signal
import threading
import time
import traceback
from contextlib import suppress
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from energy_sweep.device import Device
from energy_sweep.model.state import Trainee, restore, tensors_of
from energy_sweep.record import EnergySweepError, JsonDict
from energy_sweep.training.connection import Connection, Message, connect
from energy_sweep.training.distributed import GENERATOR
from energy_sweep.training.loop import (
    LAYOUTS,
    OnDeviceDataset,
    compile_in_place,
    network,
    train_epoch,
)
from energy_sweep.training.parts import make
from energy_sweep.training.worker_pool import RemoteError

# Norms use the statistics of their own rank, so buffers need not be equal within an epoch. The word
# for it is a new one since torch 2.14.
_WORDS = inspect.signature(DistributedDataParallel.__init__).parameters
_WORD = "forward_sync_buffers" if "forward_sync_buffers" in _WORDS else "broadcast_buffers"
LONE_BUFFERS: dict[str, Any] = {_WORD: False}
# After the connection is closed, how long the work may go on before this process exits.
GRACE_SECONDS = 1.0


class Rank:
    """A net on this rank's chip, with its part of the data."""

    def __init__(self, setup: JsonDict, device: Device) -> None:
        self.rank, self.ranks = dist.get_rank(), dist.get_world_size()
        self.setup, self.device = setup, device
        self.chip = torch.device("cpu")
        if device.resolve() == "cuda":
            self.chip = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        self.data = make(setup["dataset"]).load()
        self.layout = LAYOUTS[setup["plan"]["layout"]]
        whole = OnDeviceDataset(self.data.train, self.data, self.chip, self.layout)
        self.resident = whole.shard(self.rank, self.ranks)
        self.model, self.optimizer = make(setup["model"]), make(setup["optimizer"])
        self.trainee: Trainee | None = None
        self._load_lazy_imports()

    def _load_lazy_imports(self) -> None:
        """Import what training imports on first use, which belongs to no configuration."""
        module = nn.Linear(1, 1).to(self.chip)
        self._wrap(module)(torch.ones(1, 1, device=self.chip)).sum().backward()
        self.optimizer.build(module, self.setup["lr"]).step()

    def _wrap(self, module: nn.Module) -> nn.Module:
        """A net whose gradients are the mean over all ranks."""
        chips = None if self.chip.type == "cpu" else [self.chip.index]
        return DistributedDataParallel(module, device_ids=chips, **LONE_BUFFERS)

    def average(self, value: Tensor) -> Tensor:
        """The mean of a tensor over all ranks, the same bits on each; see loop.Peers."""
        dist.all_reduce(value)
        return value.div_(self.ranks)

    def train(self, job: Message) -> Message:
        """One epoch; rank 0 answers with the state too, which is the same on all."""
        state = {name: value for name, value in job.tensors.items() if name != GENERATOR}
        if state:
            self.trainee = self._build_trainee(state)
        assert self.trainee is not None
        module = self.trainee.module
        # A new wrapper each time: the order of its sums, which decides the last bits, depends on
        # how many steps it has seen, and an epoch must not.
        wrapped = self._wrap(module)
        with self.device.infeasible_out_of_memory():
            loss = train_epoch(
                Trainee(wrapped, self.trainee.optimizer),
                self.resident,
                batch=job.plain["batch"],
                lr_at=job.plain["lr"].__getitem__,
                generator=_generator(job.tensors[GENERATOR]),
                limit=job.plain["limit"],
                peers=self,
                **job.plain["dials"],
            )
        self._share_statistics(module)
        self.device.synchronize()
        answer = {"loss": loss, "cpu_seconds": time.process_time()}
        return Message(answer, tensors_of(self.trainee) if self.rank == 0 else {})

    def _build_trainee(self, state: dict[str, Tensor]) -> Trainee:
        """A net and its optimizer in the shapes of `state`, which may be those of a pruned net."""
        module = network(
            self.model,
            self.data,
            seed=0,
            device=self.chip,
            precision=self.setup["precision"],
            memory_format=self.layout,
        )
        restore(module, None, state)
        if self.setup["plan"]["compile"]:
            compile_in_place(module)
        optimizer = self.optimizer.build(module, self.setup["lr"])
        restore(module, optimizer, state)
        return Trainee(module, optimizer)

    def _share_statistics(self, module: nn.Module) -> None:
        """Running statistics of batch norms: each rank saw other images, so take the mean."""
        for buffer in module.buffers():
            if buffer.is_floating_point():
                self.average(buffer)


def _generator(state: Tensor) -> torch.Generator:
    generator = torch.Generator()
    generator.set_state(state)
    return generator


def _listen(connection: Connection, jobs: queue.SimpleQueue[Message | None]) -> None:
    """Queue what is received; once the connection is closed, exit, even in the midst of work."""
    try:
        while True:
            jobs.put(connection.receive())
    except OSError:
        jobs.put(None)
        time.sleep(GRACE_SECONDS)
        os._exit(1)


def _work(connection: Connection, jobs: queue.SimpleQueue[Message | None]) -> None:
    setup = jobs.get()
    if setup is None:
        return
    device: Any = make(setup.plain["device"])
    on_cuda = device.resolve() == "cuda"
    if on_cuda:
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    with device.arithmetic():
        dist.init_process_group("nccl" if on_cuda else "gloo")
        rank = Rank(setup.plain, device)
        connection.send(Message({"fingerprint": rank.data.fingerprint}))
        while (job := jobs.get()) is not None:
            connection.send(rank.train(job))
        dist.destroy_process_group()


def main() -> int:
    """Answer messages until the connection closes; the exit code is 0 if all were answered."""
    # Ctrl-C is for the process that started this one, which then closes the connection. So is
    # what schedulers send to all processes of a job.
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    connection = connect(int(os.environ["RANK"]))
    jobs: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(connection, jobs), daemon=True).start()
    try:
        _work(connection, jobs)
    except Exception as error:
        if not isinstance(error, EnergySweepError):
            traceback.print_exc()
        with suppress(OSError):
            connection.send(RemoteError.of(error))
        while jobs.get() is not None:
            pass  # the connection is closed once the error was received
        return 1
    return 0


if __name__ == "__main__":
    # Python's own shutdown of all imports would take longer, and nothing is left to write.
    os._exit(main())
