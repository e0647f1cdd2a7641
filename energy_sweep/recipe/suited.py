"""A compression as a runtime lets it be done, at the level that it can honour."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, eq=False)
class SuitedCompression:
    """A compression, its level and the model that it is for, and what these come to."""

    compression: Any
    level: float
    model: Any

    @functools.cached_property
    def net(self) -> Any:
        """The model part that is built and trained."""
        return self.compression.shape(self.model, self.level)

    @functools.cached_property
    def in_training(self) -> Any:
        """The technique that acts meanwhile, and its level; None where none does."""
        return self.compression.in_training(self.level)

    @functools.cached_property
    def rounds(self) -> Any:
        """What is done afterwards."""
        return self.compression.rounds(self.level)


@functools.lru_cache(maxsize=16_384)
def suit_to_runtime(compression: Any, level: float, model: Any, runtime: Any) -> SuitedCompression:
    """A compression at a level, for a model and what runs it."""
    suited = compression.suited(getattr(runtime, "channel_multiple", None))
    effective = float(suited.effective_level(level, model))
    return SuitedCompression(suited.canonical(effective, model), effective, model)
