"""The trained net as it will be deployed: a file that the study's runtime has exported."""

from __future__ import annotations

import functools
import tempfile
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from torch import nn

from energy_sweep.record import JsonDict, StageRecord, StageUse
from energy_sweep.record.own_files import is_sound, seal_file
from energy_sweep.runtime.base import Mismatch
from energy_sweep.trial.compression.compress import final_network
from energy_sweep.trial.context import TrialContext
from energy_sweep.trial.rounds import RoundUse


class ExportedModel:
    """The graph of one trial, exported when first needed and gone when the trial ends."""

    def __init__(self, context: TrialContext):
        self.context, self.runtime = context, context.recipe.runtime
        self.stack = ExitStack()
        self.threads: int = context.recipe.device.threads

    def __enter__(self) -> ExportedModel:
        return self

    def __exit__(self, *error: object) -> None:
        self.stack.close()

    @functools.cached_property
    def network(self) -> nn.Module:
        """The net after its last training stage, from the store or trained again."""
        with self.context.trainer.training():
            return final_network(self.context)

    @functools.cached_property
    def path(self) -> Path:
        """The file that is deployed: the net's own, or what techniques made of it since."""
        path = self.exported
        for one in self.lowering:
            path = self._lowered(one, path)
        return path

    @functools.cached_property
    def exported(self) -> Path:
        """The net as a file; an architecture is exported once, then only its weights change."""
        context, module = self.context, self.network
        path = self._folder / self._name
        try:
            self.runtime.rewrite(self._template(), module, data=context.data, path=path)
        except (Mismatch, OSError):
            self.runtime.export(module, context.data, path=path)
        return path

    def _template(self) -> Path:
        """The file of the architecture; one that was evicted or damaged is exported again."""
        context, use = self.context, self.context.stages["export"]
        template = context.store.folder(use.key) / f"template{self.runtime.suffix}"

        def export(_: Path) -> StageRecord:
            if context.store.get(use.key) is None:
                self.runtime.warm_up(self.network, context.data, self._folder)
            write = functools.partial(
                self.runtime.export, self.network, context.data, path=template
            )
            record = context.usage.metered(use, write, images=1)
            seal_file(template)
            return record

        return context.store.made(use, lambda: self._stored(use, template), export)

    def _stored(self, use: StageUse, path: Path) -> Path | None:
        """A file that a stage made, where its record is there and it is what it was."""
        known = self.context.store.get(use.key)
        return path if known is not None and is_sound(path) else None

    @property
    def lowering(self) -> tuple[RoundUse, ...]:
        """The rounds of the compression that act on the exported file."""
        return tuple(one for one in self.context.rounds if one.round.technique.when == "export")

    def lower(self) -> list[JsonDict]:
        """Do what acts on the exported file, counting it; gives what each round achieved."""
        facts = list[JsonDict]()
        for one in self.lowering:
            if self.context.store.get(one.compress.key) is None:
                _ = self.path
            record = self.context.store.get(one.compress.key)
            assert record is not None
            facts.append(dict(record.facts))
            self.context.usage.done(one.compress)
        return facts

    @property
    def _name(self) -> str:
        return f"model{self.runtime.suffix}"

    @functools.cached_property
    def _folder(self) -> Path:
        return Path(self.stack.enter_context(tempfile.TemporaryDirectory(prefix="energy-sweep-")))

    def _lowered(self, one: RoundUse, source: Path) -> Path:
        """The file of a round, from the store or made again."""
        context, use = self.context, one.compress
        target = context.store.folder(use.key) / self._name
        facts = list[JsonDict]()

        def lower() -> None:
            made = one.round.technique.lower(
                source,
                target,
                one.round.level,
                module=self.network,
                data=context.data,
                runtime=self.runtime,
            )
            facts.append(made)

        def make(_: Path) -> StageRecord:
            if use.cost_key not in context.store.warm:
                lower()  # the first time imports what lowers, which is no configuration's cost
                context.store.warm.add(use.cost_key)
            images = len(context.data.validation.labels)
            record = context.usage.metered(use, lower, images=images)
            seal_file(target)
            return replace(record, facts=facts[-1])

        return context.store.made(use, lambda: self._stored(use, target), make)
