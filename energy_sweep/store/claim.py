"""Who works with a store: a locked file for each process, dropped by the system when it dies."""

from __future__ import annotations

import os
import uuid
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from energy_sweep.store.stage_lock import ask_for_names

CLAIMS = ".claims"  # a locked file for each process that works with a store
GATE = "gate"  # held by who comes, and while nobody may


class StoreClaim:
    """Lets others see, while it is held, that this process works with the store under `root`.

    It is held in a `with` block, or from `hold` until `release` or the end of the process.
    """

    def __init__(self, root: Path):
        self._folder = root / CLAIMS
        self._lock: FileLock | None = None

    def hold(self) -> None:
        """Hold the claim; nothing happens where it is held already."""
        if self._lock is None:
            name = f"{os.getpid()}-{uuid.uuid4().hex[:8]}.lock"
            # Any thread of the process may let go of it.
            lock = FileLock(self._folder / name, thread_local=False)
            with self._gate():
                lock.acquire(timeout=0)
            self._lock = lock

    def release(self) -> None:
        """Hold it no longer."""
        if self._lock is not None:
            self._lock.release()
            Path(self._lock.lock_file).unlink(missing_ok=True)
            self._lock = None

    @contextmanager
    def alone(self) -> Generator[bool]:
        """Whether nobody else works with the store; then nobody begins to before this ends."""
        with self._gate():
            ask_for_names(self._folder)
            yield not self._is_held(spare=self._lock)

    def is_held_by_any(self) -> bool:
        """Whether some process works with the store; claims of dead ones are taken away."""
        return self._is_held(spare=None)

    def _gate(self) -> FileLock:
        self._folder.mkdir(parents=True, exist_ok=True)
        return FileLock(self._folder / GATE, mode=0o666)

    def _is_held(self, *, spare: FileLock | None) -> bool:
        held = False
        for path in sorted(self._folder.glob("*.lock")):
            if spare is not None and path.name == Path(spare.lock_file).name:
                continue
            try:
                with FileLock(path, timeout=0):
                    path.unlink(missing_ok=True)
            except Timeout:
                held = True
        return held

    def __enter__(self) -> None:
        self.hold()

    def __exit__(self, *_: object) -> None:
        self.release()
