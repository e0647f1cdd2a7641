"""Who works with a store: a claim of each process, and a gate for who needs it alone."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock

from energy_sweep.record.claims import ProcessClaim, held_claims
from energy_sweep.store.stage_lock import ask_for_names

CLAIMS = ".claims"  # of all processes that work with a store
GATE = "gate"  # held by who comes, and while nobody may


class StoreClaim:
    """Lets others see, while it is held, that this process works with the store under `root`.

    It is held in a `with` block, or from `hold` until `release` or the end of the process.
    """

    def __init__(self, root: Path):
        self._folder = root / CLAIMS
        self._mine = ProcessClaim(self._folder)

    def hold(self) -> None:
        """Hold the claim; nothing happens where it is held already."""
        with self._gate():
            self._mine.hold()

    def release(self) -> None:
        """Hold it no longer."""
        self._mine.release()

    @contextmanager
    def alone(self) -> Generator[bool]:
        """Whether nobody else works with the store; then nobody begins to before this ends."""
        if not self._folder.is_dir():  # nobody ever came, or all of it was removed
            yield True
            return
        with self._gate():
            ask_for_names(self._folder)
            yield not held_claims(self._folder).keys() - {self._mine.name}

    def is_held_by_any(self) -> bool:
        """Whether some process works with the store; claims of dead ones are taken away."""
        return bool(held_claims(self._folder))

    def _gate(self) -> FileLock:
        self._folder.mkdir(parents=True, exist_ok=True)
        return FileLock(self._folder / GATE, mode=0o666)

    def __enter__(self) -> None:
        self.hold()

    def __exit__(self, *_: object) -> None:
        self.release()
