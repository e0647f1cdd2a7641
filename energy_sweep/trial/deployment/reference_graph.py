"""Which graph is the reference: the first that a store measured with the same settings.

The name of the folder in which its file is kept says so, and not what is in a file: one that is
damaged or gone is copied anew from the stage of the graph, and the reference stays the same.
"""

from __future__ import annotations

from pathlib import Path

from energy_sweep.record import JsonDict, digest
from energy_sweep.record.own_files import is_sound, keep_copy
from energy_sweep.store import StageStore, held_stage


def reference_file(store: StageStore, settings: JsonDict, graph: str, name: str) -> Path | None:
    """The reference's file called `name`, in a folder called as its pool; `graph` becomes the
    reference where no file of one is left, and None is given where it has no file either."""
    folder = store.root / f"reference-{digest(settings)[:16]}"
    folder.mkdir(parents=True, exist_ok=True)
    with held_stage(folder, "that is the reference graph"):  # of two that come first, one is
        chosen = sorted(path.name for path in folder.iterdir() if path.is_dir())
        for one in (*chosen, graph):
            file, first = folder / one / name, store.folder(one) / name
            if not is_sound(file) and is_sound(first):
                file.parent.mkdir(exist_ok=True)
                keep_copy(first, file)
            if is_sound(file):
                return file
    return None
