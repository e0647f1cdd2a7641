"""Starts and watches the ranks with torchrun's launcher, on this machine alone."""

from __future__ import annotations

import logging
import os
import socket
import sys
import threading
import uuid
from collections.abc import Mapping

import psutil
from torch.distributed import TCPStore  # pyright: ignore[reportPrivateImportUsage]
from torch.distributed.elastic.multiprocessing.api import LogsDest, LogsSpecs
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
from torch.distributed.elastic.rendezvous.api import (
    RendezvousHandler,
    RendezvousInfo,
    RendezvousParameters,
    RendezvousStoreInfo,
    rendezvous_handler_registry,
)
from torch.distributed.launcher.api import LaunchConfig, elastic_launch

from energy_sweep.training.connection import LOOPBACK

BACKEND = "energy_sweep_loopback"
# Lets what ranks write to stderr through, for who looks for an error in them.
SHOW = "ENERGY_SWEEP_SHOW_RANKS"
WORKER = "energy_sweep.training.worker"
# How often the launcher looks whether a rank has ended; the lines to the ranks tell sooner.
LOOK_SECONDS = 0.2


class Launch:
    """Ranks that run in the background until they end; `exit_codes` are of those that failed."""

    def __init__(self, ranks: int, environment: Mapping[str, str]) -> None:
        self.exit_codes: dict[int, int] = {}
        self.trouble: str | None = None
        self._config = LaunchConfig(
            min_nodes=1,
            max_nodes=1,
            nproc_per_node=ranks,
            run_id=uuid.uuid4().hex,
            rdzv_backend=BACKEND,
            rdzv_endpoint=LOOPBACK,
            local_addr=LOOPBACK,
            max_restarts=0,
            monitor_interval=LOOK_SECONDS,
            logs_specs=_QuietLogs(environment),
        )
        self._thread = threading.Thread(target=self._run, name="ranks", daemon=True)
        self._thread.start()

    @property
    def is_over(self) -> bool:
        return not self._thread.is_alive()

    def wait(self, seconds: float) -> bool:
        """Wait for all ranks to end; False where some do not."""
        self._thread.join(seconds)
        return self.is_over

    def _run(self) -> None:
        rendezvous_handler_registry.register(BACKEND, _Loopback)
        _silence_launcher()
        try:
            elastic_launch(self._config, sys.executable)("-m", WORKER)
        except ChildFailedError as error:
            self.exit_codes = {rank: one.exitcode for rank, one in error.failures.items()}
        except Exception as error:
            self.trouble = f"{type(error).__name__}: {error}"


class _Loopback(RendezvousHandler):
    """A rendezvous of one machine: its store listens on loopback, where torch's own ones listen
    on all addresses and look the machine up by its name."""

    def __init__(self, parameters: RendezvousParameters) -> None:
        self._run_id = parameters.run_id
        listener = socket.create_server((LOOPBACK, 0))
        self._port: int = listener.getsockname()[1]
        self._store = TCPStore(
            LOOPBACK,
            self._port,
            is_master=True,
            wait_for_workers=False,
            master_listen_fd=listener.detach(),
        )

    @property
    def use_agent_store(self) -> bool:
        """The ranks meet at this store too, so that none of them opens another."""
        return True

    def get_backend(self) -> str:
        return BACKEND

    def get_run_id(self) -> str:
        return self._run_id

    def next_rendezvous(self) -> RendezvousInfo:
        place = RendezvousStoreInfo(master_addr=LOOPBACK, master_port=self._port)
        return RendezvousInfo(self._store, 0, 1, place)

    def num_nodes_waiting(self) -> int:
        return 0

    def is_closed(self) -> bool:
        return False

    def set_closed(self) -> None:
        """Nobody else can come."""

    def shutdown(self) -> bool:
        return True


class _QuietLogs(LogsSpecs):
    """Ranks with `environment` that write nowhere: what they have to say comes over their line."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        super().__init__()
        self._environment = environment

    @property
    def root_log_dir(self) -> str:
        return os.devnull

    def reify(self, envs: dict[int, dict[str, str]]) -> LogsDest:
        shown = os.environ.get(SHOW) == "1"
        for environment in envs.values():
            environment.update(_rank_environment(), **self._environment)
        nowhere = dict.fromkeys(envs, os.devnull)
        return LogsDest(
            stdouts=nowhere,
            stderrs=dict.fromkeys(envs, "") if shown else nowhere,
            error_files=nowhere,
        )


def _rank_environment() -> dict[str, str]:
    """Modules are found where this process finds them, and ranks talk over loopback."""
    names = [
        name
        for name, addresses in psutil.net_if_addrs().items()
        if any(address.address == LOOPBACK for address in addresses)
    ]
    through = {"GLOO_SOCKET_IFNAME": names[0], "NCCL_SOCKET_IFNAME": names[0]} if names else {}
    path = os.pathsep.join(folder or os.getcwd() for folder in sys.path)
    return {"PYTHONPATH": path, "TORCH_CPP_LOG_LEVEL": "ERROR", **through}


def _silence_launcher() -> None:
    """What the launcher logs of ranks that end is told in one line instead."""
    mine = ("torch.distributed.elastic", "torch.distributed.launcher")
    names = [name for name in logging.root.manager.loggerDict if name.startswith(mine)]
    for name in (*names, "torchelastic-events-null"):
        logging.getLogger(name).disabled = True
