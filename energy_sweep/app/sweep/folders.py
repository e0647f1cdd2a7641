"""The folders that runs and sweeps write into: each has its own, claimed before Hydra writes."""

from __future__ import annotations

import itertools
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

from filelock import FileLock, Timeout
from hydra.core.hydra_config import HydraConfig
from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf, read_write
from omegaconf.errors import OmegaConfBaseException

from energy_sweep.app.config.aliases import check_sweeper
from energy_sweep.app.config.quoting import quote
from energy_sweep.app.config.storage import check_written
from energy_sweep.record import BadInput
from energy_sweep.study.paths import DATABASE, JOURNAL, LOCK, MULTIRUN, RESULT, is_emptied

OURS = "hydra_plugins.energy_sweep."
RUN_LOCK, SWEEP_LOCK = ".run.lock", LOCK  # the latter is the study's too
CLOCK = "${now:"  # what Hydra writes the time by


class Refused(BaseException):
    """Carries a refusal past Hydra, which makes warnings of the exceptions of callbacks."""

    def __init__(self, error: BadInput) -> None:
        super().__init__(str(error))
        self.error = error


class OwnFolder(Callback):
    """Claims the folder of a lone run, and keeps sweepers that are not ours out of studies."""

    def __init__(self) -> None:
        self._lock: FileLock | None = None

    def __reduce__(self) -> Any:
        return type(self), ()  # a launcher's processes hold no lock

    def on_run_start(self, config: DictConfig, **_: Any) -> None:
        """Make the folder of this run its own: by a number after a time, else by a lock."""
        with _refusals():
            check_written(config)
            self._claim(config, "run", RUN_LOCK, holds=(RESULT,))

    def on_multirun_start(self, config: DictConfig, **_: Any) -> None:
        """Refuse to write over a study, or over the sweep of another sweeper."""
        if not (target := str(config.hydra.sweeper.get("_target_"))).startswith(OURS):
            with _refusals():
                check_sweeper(target)
                self._claim(config, "sweep", SWEEP_LOCK, holds=(DATABASE, JOURNAL, MULTIRUN))

    def on_run_end(self, config: DictConfig, **_: Any) -> None:
        """Give the folder back."""
        self._release()

    def on_multirun_end(self, config: DictConfig, **_: Any) -> None:
        """Give the folder back."""
        self._release()

    def _release(self) -> None:
        if self._lock is not None:
            self._lock.release()

    def _claim(self, config: DictConfig, node: str, lock: str, *, holds: tuple[str, ...]) -> None:
        typed, folder = _dir(config, node)
        if CLOCK in typed:
            own = str(make_numbered(folder))
            with read_write(config.hydra):
                config.hydra[node].dir = own
                # What the jobs of a sweep are composed from.
                config.hydra.overrides.hydra.append(f"hydra.{node}.dir={quote(own)}")
            return
        self._lock = claim_folder(folder, lock, setting=f"hydra.{node}.dir")
        found = [name for name in holds if (folder / name).exists()]
        if found:
            self._release()
            raise BadInput(
                f"hydra.{node}.dir={folder} holds another {node} ({found[0]}), which would be"
                f" written over: type another hydra.{node}.dir, or leave it out"
            )


def make_numbered(folder: Path) -> Path:
    """Make a folder that nobody has: this one, or else the first free `FOLDER-2`, `FOLDER-3`."""
    for number in itertools.count(1):
        made = folder if number == 1 else folder.with_name(f"{folder.name}-{number}")
        try:
            made.mkdir(parents=True)
        except FileExistsError:
            continue
        return made
    raise AssertionError("unreachable")


def claim_folder(folder: Path, name: str, *, setting: str) -> FileLock:
    """Make a folder if need be, and hold its lock, which the system gives back for the dead."""
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / name)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise BadInput(
            f"{setting}={folder}: another one is writing there: type another, or leave it out"
        ) from None
    return lock


def check_whole(folder: Path, name: str) -> None:
    """BadInput where a sweep lies in a folder, whose study is not there to number its trials."""
    if (folder / MULTIRUN).is_file() and is_emptied(folder):
        raise BadInput(
            f"{folder} holds a sweep without its {DATABASE}, whose trials would be written over:"
            f" move it away, or type name=OTHER (now {name})"
        )


def _dir(config: DictConfig, node: str) -> tuple[str, Path]:
    """The folder of a run or sweep, as it is typed and as it is meant."""
    before = HydraConfig.instance().cfg
    HydraConfig.instance().set_config(config)
    try:
        typed: Any = OmegaConf.to_container(config.hydra[node], resolve=False)
        return str(typed["dir"]), Path(config.hydra[node].dir)
    finally:
        HydraConfig.instance().cfg = before


@contextmanager
def _refusals() -> Generator[None]:
    """Let what is refused through, and leave to Hydra what she refuses herself."""
    try:
        yield
    except BadInput as error:
        _refuse(error)
    except OSError as error:
        _refuse(BadInput(f"{error.filename}: {error.strerror}: type outputs=FOLDER, one of yours"))
    except OmegaConfBaseException:
        return


def _refuse(error: BadInput) -> NoReturn:
    raise Refused(error) from None
