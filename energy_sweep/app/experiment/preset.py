"""An experiment as its YAML file has it: source, question, sweeps of each size, and claims.

docs/effects.md describes the form. Whatever is wrong with a file is one line that says where.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from energy_sweep.app.config.conf_folder import conf_folder
from energy_sweep.app.experiment.claim_form import claim_of
from energy_sweep.app.experiment.fields import Fields, text_list
from energy_sweep.app.experiment.typed import GROUP
from energy_sweep.app.help import is_preset
from energy_sweep.front.effects.claims import Claim
from energy_sweep.record import BadInput

MOST_BYTES = 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepPlan:
    """One sweep: the words behind `-m` but for the name of its study; or, of a published trace,
    those behind the verb `trace`."""

    name: str
    words: tuple[str, ...] = ()
    trace: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """What is run at one size, how many minutes it takes here, and what it needs beforehand."""

    minutes: float | None
    needs: str
    sweeps: tuple[SweepPlan, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """An experiment: where it is from, what it asks, its sizes and its claims."""

    name: str
    source: str
    question: str
    sizes: Mapping[str, Size]
    claims: tuple[Claim, ...]
    path: Path

    def size(self, name: str) -> Size:
        """The size of this name; BadInput where it has none."""
        if name not in self.sizes:
            known = " or ".join(self.sizes)
            raise BadInput(f"{self.name} has no size {name}: type --size {known}")
        return self.sizes[name]

    def study(self, sweep: str, size: str) -> str:
        """The name of the study of a sweep: those of the smoke size never mix with others."""
        return f"{self.name}-{sweep}" if size != "smoke" else f"{self.name}-smoke-{sweep}"


def known_presets() -> dict[str, Path]:
    """The experiments that come along, by name; other files there are options of Hydra."""
    files = sorted((conf_folder() / GROUP).glob("*.yaml"))
    return {path.stem: path for path in files if is_preset(path)}


def load_preset(name: str) -> Preset:
    """The experiment of this name, or of the file at this path; BadInput where it is none."""
    known, path = known_presets(), Path(name)
    if name in known:
        path = known[name]
    elif not path.is_file():
        raise BadInput(
            f"no experiment is called {name}: type one of {', '.join(known) or 'yours'}, or the"
            " path of a YAML file"
        )
    return read_preset(path)


def read_preset(path: Path) -> Preset:
    """The experiment in a file, whose name is that of the file."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise BadInput(f"{path} is larger than 1 MiB: type the path of an experiment")
        found: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror}: type the path of a file") from error
    except (ValueError, yaml.YAMLError) as error:
        said = " ".join(str(error).split())
        raise BadInput(f"{path} is no YAML ({said}): correct it there") from error
    top = Fields.of(found, str(path))
    sizes = top.mapping("sizes")
    if not sizes:
        top.refuse("has no sizes: write sizes: {smoke: {sweeps: [{name: a, words: [lr=0.1,1]}]}}")
    plans = {name: _size(Fields.of(one, f"{path}: sizes.{name}")) for name, one in sizes.items()}
    names = [plan.name for one in plans.values() for plan in one.sweeps]
    claims = tuple(
        claim_of(Fields.of(one, f"{path}: claim {place}"), names)
        for place, one in enumerate(top.sequence("claims"), 1)
    )
    if not claims:
        top.refuse("has no claims: write at least one")
    _check_apart([claim.key for claim in claims], top, "claim")
    preset = Preset(
        name=path.stem,
        source=top.text("source"),
        question=top.text("question"),
        sizes=plans,
        claims=claims,
        path=path,
    )
    top.end()
    return preset


def _size(fields: Fields) -> Size:
    plans: list[SweepPlan] = []
    for place, one in enumerate(fields.sequence("sweeps"), 1):
        inner = Fields.of(one, f"{fields.where}: sweep {place}")
        name = inner.text("name", needed=True)
        if not name.replace("-", "_").replace("_", "a").isalnum():
            inner.refuse(f"name {name} is part of a folder's: write letters, digits, - and _")
        words = tuple(text_list(inner, "words"))
        fixed = [word for word in words if word.split("=")[0] in ("name", "-m", "--multirun")]
        if fixed:
            inner.refuse(f"{fixed[0]} is set by the experiment: leave it out of words")
        trace = tuple(text_list(inner, "trace"))
        if words and trace:
            inner.refuse("has words and a trace: write either")
        plans.append(SweepPlan(name=name, words=words, trace=trace))
        inner.end()
    if not plans:
        fields.refuse("has no sweeps: write sweeps: [{name: a, words: [lr=0.1,1]}]")
    _check_apart([plan.name for plan in plans], fields, "sweep")
    size = Size(
        minutes=fields.number("minutes"),
        needs=fields.text("needs"),
        sweeps=tuple(plans),
    )
    fields.end()
    return size


def _check_apart(names: Sequence[str], fields: Fields, what: str) -> None:
    twice = [name for place, name in enumerate(names) if name in names[:place]]
    if twice:
        fields.refuse(f"has two {what}s that are called {twice[0]}: rename one")
