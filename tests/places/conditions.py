"""Places that are not another Python: each is an environment that was made, under a condition."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from tests.clock_shim import MovedClock
from tests.places.cgroup import cpu_quota, entering
from tests.places.install import NotHere, install, make_environment
from tests.places.interpreters import is_for_all
from tests.places.place import Place

NOBODY = 65534
JUMPS = (2 * 86400.0, -3600.0, 0.0)
JUMP_SECONDS = 1.0


@contextmanager
def optimized(base: Place, _: Path) -> Generator[Place]:
    """`python -O`, in every process: no assert is run."""
    yield replace(base, environment={"PYTHONOPTIMIZE": "1"}, holds="not __debug__")


@contextmanager
def ascii_only(base: Place, _: Path) -> Generator[Place]:
    """A locale that can write no letter beyond ASCII, and a Python that does not make up for it."""
    without = {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    holds = "locale.getpreferredencoding(False) == 'ANSI_X3.4-1968'"
    yield replace(base, environment={"LANG": "C", "LC_ALL": "C", **without}, holds=holds)


@contextmanager
def spaces(base: Place, wheel: Path) -> Generator[Place]:
    """Spaces and letters beyond ASCII in every path: of the package, of the study, of TMPDIR."""
    root = base.folder / "Mój folder, größer"
    python = make_environment(base.python, root / "a venv", beside=base.python.parents[1])
    install(python, "--no-deps", "--ignore-installed", wheel)  # it is beside, too
    work, temporary = root / "a study", root / "a TMPDIR"
    work.mkdir()
    temporary.mkdir()
    holds = "all(' ' in path for path in (energy_sweep.__file__, tempfile.gettempdir()))"
    environment = {"TMPDIR": str(temporary)}
    yield replace(base, python=python, folder=work, environment=environment, holds=holds)


@contextmanager
def not_root(base: Place, _: Path) -> Generator[Place]:
    """A user who owns nothing but the folder of the study and TMPDIR, with a HOME to read only."""
    if not is_for_all(base.python):
        raise NotHere("no Python here that another user may run")
    home, temporary = base.folder / "home", base.folder / "tmp"
    home.mkdir(mode=0o555)
    temporary.mkdir()
    before = list[str]()
    if os.geteuid() == 0:
        for folder in (base.folder, temporary):
            os.chown(folder, NOBODY, NOBODY)
        ids = (f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")
        before = ["setpriv", *ids, "--"]
    holds = "os.geteuid() != 0 and not os.access(os.path.expanduser('~'), os.W_OK)"
    environment = {"HOME": str(home), "XDG_CACHE_HOME": "", "TMPDIR": str(temporary)}
    yield replace(base, before=before, environment=environment, holds=holds)


@contextmanager
def quota(base: Place, _: Path) -> Generator[Place]:
    """One core's worth of CPU time, by a cgroup as of a container, or else one core alone."""
    holds = "usable_cores() == 1"
    with cpu_quota(1.0) as group:
        if group is not None:
            name, before = f"{base.name} (cgroup)", entering(group)
        elif shutil.which("taskset"):
            core = min(os.sched_getaffinity(0))
            name, before = f"{base.name} (taskset)", ["taskset", "-c", str(core)]
        else:
            raise NotHere("neither a cgroup nor taskset")
        yield replace(base, name=name, before=before, holds=holds)


@contextmanager
def jumping_clock(base: Place, _: Path) -> Generator[Place]:
    """The wall clock is put two days forward and an hour back, again and again."""
    clock, ended = MovedClock(base.folder), threading.Event()
    clock.move(JUMPS[0])

    def jump() -> None:
        number = 0
        while not ended.wait(JUMP_SECONDS):
            number += 1
            clock.move(JUMPS[number % len(JUMPS)])

    environment = {
        key: value
        for key, value in clock.environment().items()
        if key in ("LD_PRELOAD", "CLOCK_SHIM")
    }
    # The kernel's own stamps are not moved: a clock that jumps is now here, now there beside them.
    late = "round(time.time() - os.stat('/proc/self').st_ctime, -3)"
    holds = f"len({{{late} for _ in range(30) if not time.sleep(0.1)}}) > 1"
    mover = threading.Thread(target=jump, daemon=True)
    mover.start()
    try:
        yield replace(base, environment=environment, holds=holds)
    finally:
        ended.set()
        mover.join()


CONDITIONS: dict[str, Callable] = {
    "python -O": optimized,
    "LANG=C": ascii_only,
    "spaces": spaces,
    "not root": not_root,
    "one core's quota": quota,
    "clock jumps": jumping_clock,
}
