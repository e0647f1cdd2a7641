"""The content-addressed store of stages: run once, metered once, kept, resumed, by any number of
processes and threads.

A stage lives in `ROOT/ab/abcdef.../`: its record (what it was, gave and cost, one file per kind
of meter) and the files it made. Every file is written whole or not at all.
"""

from energy_sweep.store.claim import StoreClaim
from energy_sweep.store.eviction import DEFAULT_LIMIT_BYTES, StageSize
from energy_sweep.store.stage_lock import held_stage
from energy_sweep.store.stage_store import StageStore

__all__ = ["DEFAULT_LIMIT_BYTES", "StageSize", "StageStore", "StoreClaim", "held_stage"]
