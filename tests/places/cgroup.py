"""A cgroup with a CPU quota, made by hand as a container's runtime does; v2 or v1."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
PERIOD_US = 100_000


@contextmanager
def cpu_quota(cores: float) -> Generator[Path | None]:
    """The folder of a cgroup that may use so much CPU time; None where none can be made here."""
    made = None
    for parent in (ROOT, ROOT / "unified", ROOT / "cpu", ROOT / "cpu,cpuacct"):
        group = parent / f"energy_sweep-places-{os.getpid()}"
        with suppress(OSError):
            group.mkdir()
            try:
                _limit(group, round(cores * PERIOD_US))
            except OSError:
                group.rmdir()
                raise
            made = group
            break
    try:
        yield made
    finally:
        if made is not None:
            with suppress(OSError):  # something that was started there still runs
                made.rmdir()


def _limit(group: Path, quota_us: int) -> None:
    """OSError where this cgroup has no control of CPU time."""
    if (group / "cpu.max").exists():
        (group / "cpu.max").write_text(f"{quota_us} {PERIOD_US}")
        return
    with (group / "cpu.cfs_period_us").open("r+") as file:
        file.write(str(PERIOD_US))
    with (group / "cpu.cfs_quota_us").open("r+") as file:
        file.write(str(quota_us))


def entering(group: Path) -> list[str]:
    """Words before a command that start it within the cgroup."""
    return ["sh", "-c", 'echo $$ > "$0/cgroup.procs" && exec "$@"', str(group)]
