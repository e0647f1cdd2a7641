"""Where a sweep writes, what its trials are told of it, and what it takes to run one alone."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from omegaconf import DictConfig, OmegaConf

from energy_sweep.app.config.axes import Axes
from energy_sweep.app.config.build import resolved
from energy_sweep.app.config.conf_folder import conf_folder
from energy_sweep.app.config.quoting import quote, quote_if_needed
from energy_sweep.app.sweep.session import store_root
from energy_sweep.record import JsonDict
from energy_sweep.study.loading import read_study
from energy_sweep.study.paths import RESULT, STAGES, TRIALS, beside_name, is_study


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyPaths:
    """Where a sweep writes, and what its trials are told of it.

    `besides` are the words that a trial needs, beside its own, to run alone with the same files
    and stages.
    """

    values: JsonDict
    folder: Path
    stages: Path
    besides: tuple[str, ...]

    @classmethod
    def of(cls, whole: DictConfig, axes: Axes) -> StudyPaths:
        """The place of a composed configuration, swept groups at their defaults."""
        values = resolved(whole)
        folder = Path(whole.hydra.sweep.dir).absolute()
        stages = folder / STAGES if values["stages"] is None else store_root(values)
        besides = [*_files(whole.hydra)]
        if axes.groups:
            besides.append(f"name={quote_if_needed(values['name'])}")
        if values["stages"] is None and stages != store_root(values):
            besides.append(f"stages={quote_if_needed(str(stages))}")
        return cls(
            values={**values, "stages": str(stages)},
            folder=folder,
            stages=stages,
            besides=tuple(besides),
        )

    def on(self, device_class: str) -> StudyPaths:
        """The place for trials on a device class: beside a study of another one, with
        `study.hardware=any`."""
        if self.values["study"]["hardware"] != "any" or not is_study(self.folder):
            return self
        stored = read_study(self.folder)[0].facts.get("machine", {}).get("device_class")
        if stored in (None, device_class):
            return self
        name = beside_name(self.name, device_class)
        folder = self.folder.with_name(beside_name(self.folder.name, device_class))
        inside = self.stages.is_relative_to(self.folder)
        stages = folder / self.stages.relative_to(self.folder) if inside else self.stages
        others = [word for word in self.besides if not word.startswith(("name=", "stages="))]
        return replace(
            self,
            values={**self.values, "name": name, "stages": str(stages)},
            folder=folder,
            stages=stages,
            besides=(*others, f"name={quote_if_needed(name)}"),
        )

    @property
    def name(self) -> str:
        return self.values["name"]

    @property
    def stored_stages(self) -> str:
        """The store as the study's own file names it, so that a copy of the folder has its own."""
        inside = self.stages.is_relative_to(self.folder)
        return str(self.stages.relative_to(self.folder) if inside else self.stages)

    @property
    def pins(self) -> tuple[str, ...]:
        """Overrides that keep every job in this study, whatever its own groups are called."""
        return (
            f"name={quote(self.name)}",
            f"stages={quote(str(self.stages))}",
            f"hydra.sweep.dir={quote(str(self.folder))}",
        )

    def owner(self, folder: Path) -> int | None:
        """The trial whose result lies in a folder that the user named, None where none does."""
        if not (folder / RESULT).is_file():
            return None
        links = [
            one
            for one in (self.folder / TRIALS).glob("[0-9]*")
            if one.name.isdecimal() and one.is_symlink()
        ]
        owners = [int(link.name) for link in links if _real(link) == _real(folder)]
        return max(owners, default=None)

    def link(self, number: int, folder: Path) -> None:
        """Let `trials/NUMBER` lead to the folder of a trial, whatever the user calls that."""
        link = self.folder / TRIALS / str(number)
        if link.is_symlink():
            link.unlink()
        if not link.exists():
            link.parent.mkdir(exist_ok=True)
            link.symlink_to(os.path.relpath(folder, link.parent), target_is_directory=True)

    def trial_folder(self, number: int) -> str:
        """The folder of a trial as seen from that of the study."""
        folder, home = _real(self.folder / TRIALS / str(number)), _real(self.folder)
        return str(folder.relative_to(home) if folder.is_relative_to(home) else folder)


def _real(path: Path) -> Path:
    """Where links lead; unlike `resolve`, no error where they lead to each other."""
    return Path(os.path.realpath(path))


def _files(hydra: Any) -> Iterator[str]:
    """What says where the configuration's own files lie."""
    sources = {source.provider: source.path for source in hydra.runtime.config_sources}
    if Path(main := sources.get("main", conf_folder())) != conf_folder():
        yield f"--config-path={main}"
    if (name := hydra.job.config_name) != "config":
        yield f"--config-name={name}"
    if "command-line" in sources:
        yield f"--config-dir={sources['command-line']}"
    typed = cast("list[str]", OmegaConf.to_container(hydra.overrides.hydra))
    yield from (text for text in typed if text.lstrip("+").startswith("hydra.searchpath="))
