"""A word to who waits: what a start does that has said nothing for two seconds."""

from __future__ import annotations

import sys
import threading
from types import TracebackType

SECONDS = 2.0
# What takes long to load on a busy machine, the one that loads others first.
LIBRARIES = ("torchvision", "torch", "onnxruntime", "onnx", "sklearn", "optuna", "plotly", "hydra")


class Patience:
    """Says on stderr what is waited for, each thing once, until `over`; costs nothing else."""

    def __init__(self) -> None:
        self._what = "starting"
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._tell, daemon=True)

    def doing(self, what: str) -> None:
        """Name what is begun, as far as nothing is being loaded for it."""
        self._what = what

    def over(self) -> None:
        """Stop, since something else speaks or is measured from here on."""
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()

    def __enter__(self) -> Patience:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.over()

    def _tell(self) -> None:
        told: set[str] = set()
        while not self._over.wait(SECONDS):
            what = loading() or self._what
            if what not in told:
                told.add(what)
                print(f"... {what}", file=sys.stderr, flush=True)


def loading() -> str | None:
    """The library that is being imported right now, None where none of the long ones is."""
    for name in LIBRARIES:
        spec = getattr(sys.modules.get(name), "__spec__", None)
        if getattr(spec, "_initializing", False):
            return f"loading {name}, which takes long on a busy machine"
    return None
