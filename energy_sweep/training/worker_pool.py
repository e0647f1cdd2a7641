"""The processes of one trial as this one sees them: started, asked all at once, and ended."""

from __future__ import annotations

import os
import selectors
import signal
from collections.abc import Mapping
from contextlib import suppress
from typing import NoReturn

from energy_sweep.device import OutOfMemory
from energy_sweep.record import BadInput, EnergySweepError, Infeasible, JsonDict
from energy_sweep.training.connection import Connection, Listener, Message

LOOK_SECONDS = 0.2
END_SECONDS = 10.0


class RankFailed(EnergySweepError):
    """A process that trains ended or broke before its work was done."""


class WorkerPool:
    """Processes that were started for one trial; a failure of one of them ends all."""

    def __init__(self, ranks: int, *, threads: int) -> None:
        from energy_sweep.training.launch import Launch

        self.ranks = ranks
        self.pids: dict[int, int] = {}
        self._connections: dict[int, Connection] = {}
        listener = Listener()
        self._launch = Launch(ranks, {"OMP_NUM_THREADS": str(threads), **listener.environment})
        try:
            self._accept_ranks(listener)
        except BaseException:
            self.close()
            raise
        finally:
            listener.close()

    def ask(self, message: Message) -> list[Message]:
        """Send a message to every rank and give their answers, by rank."""
        answers: dict[int, Message] = {}
        with selectors.DefaultSelector() as waiting:
            for rank, connection in self._connections.items():
                waiting.register(connection.line, selectors.EVENT_READ, rank)
            for rank, connection in self._connections.items():
                try:
                    connection.send(message)
                except OSError:
                    self._fail(rank, {})
            while len(answers) < self.ranks:
                for key, _ in waiting.select():
                    rank: int = key.data
                    answers[rank] = self._answer(rank)
                    waiting.unregister(key.fileobj)
        return [answers[rank] for rank in range(self.ranks)]

    def close(self) -> None:
        """Close the connections, which ends the ranks, and wait for that; closing twice is fine."""
        for connection in self._connections.values():
            connection.close()
        if self._launch.wait(END_SECONDS):
            return
        for pid in self.pids.values():  # a process that is stopped cannot notice
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._launch.wait(END_SECONDS)

    def _accept_ranks(self, listener: Listener) -> None:
        while len(self._connections) < self.ranks:
            if self._launch.is_over:
                self._fail(None, {})
            if (found := listener.accept(LOOK_SECONDS)) is not None:
                rank, self.pids[rank], self._connections[rank] = found
        self.pids = dict(sorted(self.pids.items()))

    def _answer(self, rank: int) -> Message:
        try:
            answer = self._connections[rank].receive()
        except OSError:
            self._fail(rank, {})
        if "failed" in answer.plain:
            self._fail(rank, answer.plain)
        return answer

    def _fail(self, rank: int | None, report: JsonDict) -> NoReturn:
        """End all ranks, and raise what the one that failed first reported, or how it ended."""
        self.close()
        text = report.get("failed", "")
        match report.get("kind"):
            case "BadInput":
                raise BadInput(text)
            case "OutOfMemory":
                raise OutOfMemory(text, capped=report["capped"])
            case "Infeasible":
                raise Infeasible(text)
        raise RankFailed(self._failure_text(rank, text))

    def _failure_text(self, rank: int | None, text: str) -> str:
        # A rank that was killed makes the others fail too, and their reports may come first.
        codes = self._launch.exit_codes
        for one, code in sorted(codes.items()):
            if code < 0 and code != -signal.SIGTERM:
                return (
                    f"rank {one} of device.processes={self.ranks} was ended by"
                    f" {signal.Signals(-code).name}, as by another program or for want of memory:"
                    " the same command goes on from the last epoch that was saved"
                )
        if text:
            return f"rank {rank} of device.processes={self.ranks} failed: {text}"
        if rank is None:
            rank = first_failed_rank(codes)
        how = self._launch.trouble or f"ended with exit code {codes.get(rank, 0)}"
        return (
            f"rank {rank} of device.processes={self.ranks} {how}:"
            " ENERGY_SWEEP_SHOW_RANKS=1 before the command shows what it wrote"
        )


def first_failed_rank(exit_codes: Mapping[int, int]) -> int:
    """The rank that ended by itself: the launcher terminates the others once one has ended."""
    return min(exit_codes, key=lambda rank: (exit_codes[rank] == -signal.SIGTERM, rank), default=0)


class RemoteError:
    """Says what went wrong in a rank, in terms that `WorkerPool` raises again on its side."""

    @staticmethod
    def of(error: Exception) -> Message:
        kinds = (OutOfMemory, Infeasible, BadInput)
        kind = next((kind.__name__ for kind in kinds if isinstance(error, kind)), None)
        name = "" if kind or isinstance(error, EnergySweepError) else f"{type(error).__name__}: "
        text = name + " ".join(str(error).split())
        capped = getattr(error, "capped", False)
        return Message({"failed": text, "kind": kind, "capped": capped})
