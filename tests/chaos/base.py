"""What every kind of chaos shares: commands in forks of one warm process, and a tally."""

from __future__ import annotations

import contextlib
import importlib
import os
import re
import select
import signal
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

SECONDS = 10.0  # what no verb that reads may take
TRAINING = 60.0  # nor a sweep of this size, on a busy machine
SWEEP = (
    *("-m", "meter=replay", "name=study", "search/space=none", "model.width=4", "model.depth=2"),
    *("epochs=3,6", "compression.level=0,0.5", "batch=128", "device=cpu", "device.threads=1"),
    "device.plan=channels_last",
)
WARM = (
    *("torch", "optuna", "sqlalchemy.orm", "hydra", "torchvision", "onnx", "onnxruntime"),
    *("alembic.command", "sqlalchemy.dialects.sqlite", "torch_pruning", "torch._inductor"),
    *("torch.export._trace", "torch._export.serde.serialize", "torch._inductor.decomposition"),
    *("onnxscript.rewriter", "onnxscript.optimizer", "onnx.reference", "optuna.artifacts"),
    *("energy_sweep.app.main", "energy_sweep.app.verbs", "energy_sweep.trial"),
    *("energy_sweep.app.sweep.sweeper", "energy_sweep.deploy", "energy_sweep.search"),
)
LOGGED = re.compile(r"\[[^]]*\]\[energy_sweep[^]]*\]\[(WARNING|ERROR)\]")
WENT_WELL = re.compile(r"trial \d+  .*  accuracy ")
EXPORTER = "torch.onnx._internal.exporter._registration"


@dataclass(frozen=True, kw_only=True)
class Tally:
    """How many cases were tried and how they ended; `lines` tell what reproduces the bad ones."""

    name: str
    tried: int = 0
    tracebacks: int = 0
    hangs: int = 0
    silent_wrong: int = 0
    same: int = 0  # as if nothing had happened
    named: int = 0  # refused or told in a line
    lines: tuple[str, ...] = ()

    @property
    def bad(self) -> int:
        return self.tracebacks + self.hangs + self.silent_wrong

    def plus(self, outcome: str, line: str = "") -> Tally:
        """One case more: outcome is same, named, tracebacks, hangs or silent_wrong."""
        lines = self.lines + ((f"{outcome}: {line}",) if outcome not in ("same", "named") else ())
        counted = {"tried": self.tried + 1, outcome: getattr(self, outcome) + 1}
        return replace(self, lines=lines, **counted)


@dataclass(frozen=True)
class Ran:
    """A command that ended: its exit code (minus the signal), what it printed, its seconds."""

    code: int
    out: str
    err: str
    seconds: float
    hung: bool

    @property
    def broke(self) -> str:
        """tracebacks or hangs where it was one, else nothing."""
        if self.hung:
            return "hangs"
        return "tracebacks" if "Traceback (most recent call" in self.err + self.out else ""

    @property
    def told(self) -> str:
        """Its lines on stderr and, on stdout, those of Hydra's log; none that names a trial only
        because it went well."""
        logged = [line for line in self.out.splitlines() if LOGGED.match(line)]
        plain = [line for line in self.err.splitlines() if not WENT_WELL.match(line)]
        return "\n".join([*logged, *plain])


def warm() -> None:
    """Import once what every command needs; nothing may compute here, or forks would hang."""
    for name in WARM:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    with contextlib.suppress(ImportError, AttributeError):  # what it makes of ONNX is kept
        importlib.import_module(EXPORTER).ONNXRegistry.from_torchlib()


def run_fork(
    words: Sequence[str],
    folder: Path,
    *,
    seconds: float = SECONDS,
    before: Callable[[], Any] | None = None,
    kill_after: float | None = None,
    until: str | None = None,
) -> Ran:
    """Run energy_sweep with `words` in a fork; what it prints goes to files in `folder`.

    Once it has printed `until`, it gets Ctrl-C, as a server does that nobody needs any more.
    """
    begun = time.monotonic()
    sys.stdout.flush()
    child = begin_fork(words, folder, before)
    if until is not None:
        _interrupt(child, folder / "stdout.txt", until, seconds)
    return end_fork(child, folder, begun, seconds, kill_after)


def begin_fork(words: Sequence[str], folder: Path, before: Callable[[], Any] | None = None) -> int:
    """Begin energy_sweep with `words` in a fork; gives its process."""
    child = os.fork()
    if child == 0:
        _live(words, folder / "stdout.txt", folder / "stderr.txt", before)
    return child


def end_fork(
    child: int, folder: Path, begun: float, seconds: float, kill_after: float | None = None
) -> Ran:
    """Wait for a fork, so many seconds at most, and tell what it printed into `folder`."""
    out, err = folder / "stdout.txt", folder / "stderr.txt"
    status = _wait(child, seconds if kill_after is None else kill_after)
    hung = status is None and kill_after is None
    if status is None:
        _end(child)
        _, status = os.waitpid(child, 0)
    else:
        _end(child)  # what it left behind in its group
    code = os.waitstatus_to_exitcode(status)
    took = time.monotonic() - begun
    return Ran(code, out.read_text(errors="replace"), err.read_text(errors="replace"), took, hung)


def _live(words: Sequence[str], out: Path, err: Path, before: Callable[[], Any] | None) -> None:
    """What the child does; it never returns."""
    code = 70
    try:
        os.setsid()
        for number, path in ((1, out), (2, err)):
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
            os.dup2(handle, number)
            os.close(handle)
        sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(2, "w")
        signal.signal(signal.SIGINT, signal.default_int_handler)
        sys.argv = ["energy-sweep", *words]
        if before is not None:
            before()
        from energy_sweep.app.main import main

        code = main(list(words))
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 1
    except BaseException:
        traceback.print_exc()
        code = 1
    finally:
        with contextlib.suppress(BaseException):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _wait(child: int, seconds: float) -> int | None:
    """The child's status, or None where it still runs after so many seconds."""
    handle = os.pidfd_open(child)
    try:
        if not select.select([handle], [], [], seconds)[0]:
            return None
    finally:
        os.close(handle)
    return os.waitpid(child, 0)[1]


def _interrupt(child: int, out: Path, until: str, seconds: float) -> None:
    """Wait until the child has printed `until`, or is no more, and interrupt it."""
    handle, end = os.pidfd_open(child), time.monotonic() + seconds
    try:
        while time.monotonic() < end and not select.select([handle], [], [], 0.05)[0]:
            if out.exists() and until in out.read_text(errors="replace"):
                os.kill(child, signal.SIGINT)
                return
    finally:
        os.close(handle)


def _end(child: int) -> None:
    """End the child's whole group, which it leads."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child, signal.SIGKILL)
