"""A powercap tree in a folder, as the kernel shows it, whose counters move with time.

with machine(tmp_path / "powercap", packages=2) as tree:
    meter = open_meter({"name": "rapl", "powercap": str(tree.root), "self_check": False})
"""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
import time
import weakref
from pathlib import Path

MEMORY = Path("/dev/shm")
PACKAGE_RANGE = 262_143_328_850
DRAM_RANGE = 65_532_610_987


class Zone:
    """One zone, which draws `watts` while the tree runs."""

    def __init__(
        self, folder: Path, name: str, *, range_uj: int | None, start_uj: int, watts: float
    ) -> None:
        self.folder = folder
        self.file = folder / "energy_uj"
        self.watts = watts
        self.total_uj = start_uj
        self.range_uj = range_uj
        self.mode = 0o444
        self.moves = True
        folder.mkdir(parents=True)
        (folder / "name").write_text(f"{name}\n")
        if range_uj is not None:
            (folder / "max_energy_range_uj").write_text(f"{range_uj}\n")
        self.show()

    def gain(self, microjoules: int) -> None:
        """Count so many more; after the range the counter begins again at 0."""
        self.total_uj += microjoules
        self.show()

    def show(self, text: str | None = None) -> None:
        """Write the counter (or `text`) at once: the kernel never shows half a number."""
        if text is None:
            text = str(self.total_uj if self.range_uj is None else self.total_uj % self.range_uj)
        new = self.folder / "new"
        new.write_text(f"{text}\n")
        new.chmod(self.mode)
        os.replace(new, self.file)

    def hold(self, text: str | None = None) -> None:
        """Let time pass by it, with `text` in place of its number."""
        self.moves = False
        if text is not None:
            self.show(text)

    def vanish(self) -> None:
        """Take its counter away."""
        self.moves = False
        self.file.unlink()

    def close(self) -> None:
        """Put a folder where its counter was, which root cannot read either."""
        self.vanish()
        self.file.mkdir()


class Powercap:
    """The tree; while it runs, every counter moves each `tick_seconds`.

    Its files lie in memory where they can: on a disk that is busy with what is being measured,
    ticks would be held up for as long as a commit takes.
    """

    def __init__(self, root: Path, *, tick_seconds: float = 0.001) -> None:
        self.root = root
        self.tick_seconds = tick_seconds
        self.zones: dict[str, Zone] = {}
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        root.parent.mkdir(parents=True, exist_ok=True)
        if MEMORY.is_dir() and not root.exists():
            folder = tempfile.mkdtemp(prefix="powercap-", dir=MEMORY)
            os.chmod(folder, 0o755)
            weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
            root.symlink_to(folder)
        else:
            root.mkdir(exist_ok=True)

    def add(
        self,
        entry: str,
        name: str,
        *,
        range_uj: int | None = PACKAGE_RANGE,
        start_uj: int | None = None,
        watts: float = 50.0,
        inside: str = "",
    ) -> Zone:
        """A zone such as ("intel-rapl:0:1", "dram"); `inside` is a folder above it."""
        # No two counters say the same, unless they are one.
        start = 1_000_000_000 * (len(self.zones) + 1) if start_uj is None else start_uj
        folder = self.root / inside / entry
        zone = Zone(folder, name, range_uj=range_uj, start_uj=start, watts=watts)
        self.zones[entry] = zone
        return zone

    def mirror(self, entry: str, name: str, shown: Zone) -> None:
        """A zone that shows the counter of another one."""
        folder = self.root / entry
        folder.mkdir()
        (folder / "name").write_text(f"{name}\n")
        (folder / "max_energy_range_uj").write_text(f"{shown.range_uj}\n")
        (folder / "energy_uj").symlink_to(shown.file)

    def start(self) -> Powercap:
        """Let time move the counters."""
        self._stop.clear()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        """Let the counters stand still."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def __enter__(self) -> Powercap:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def hold(self, entry: str, text: str | None = None) -> None:
        """Let time pass by one zone, with `text` in place of its number."""
        with self._lock:
            self.zones[entry].hold(text)

    def vanish(self, entry: str) -> None:
        """Take the counter of one zone away."""
        with self._lock:
            self.zones[entry].vanish()

    def _run(self) -> None:
        last = time.monotonic()
        while not self._stop.wait(self.tick_seconds):
            now = time.monotonic()
            for zone in self.zones.values():
                with self._lock:
                    if zone.moves:
                        zone.gain(round(zone.watts * (now - last) * 1e6))
            last = now


def machine(root: Path, *, packages: int = 1, dram: bool = True) -> Powercap:
    """A server: packages, each with cores, and with memory beside them."""
    tree = Powercap(root)
    for index in range(packages):
        tree.add(f"intel-rapl:{index}", f"package-{index}")
        tree.add(f"intel-rapl:{index}:0", "core", watts=30.0)
        if dram:
            tree.add(f"intel-rapl:{index}:1", "dram", range_uj=DRAM_RANGE, watts=5.0)
    return tree
