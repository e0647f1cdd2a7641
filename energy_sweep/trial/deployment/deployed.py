"""The trained net as it will be deployed: exported, evaluated and timed by the study's runtime."""

from __future__ import annotations

import functools
import math
import tempfile
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from torch import nn

from energy_sweep.model.base import zero_share
from energy_sweep.model.count import Count, count
from energy_sweep.record import JsonDict, StageRecord, to_json
from energy_sweep.record.own_files import is_sound, seal_file
from energy_sweep.runtime.base import Mismatch
from energy_sweep.trial.compression.compress import final_network
from energy_sweep.trial.context import TrialContext
from energy_sweep.trial.deployment.benchmark import Inference, pace_key
from energy_sweep.trial.deployment.inference import measure_inference, measure_once
from energy_sweep.trial.rounds import RoundUse

# Validation images that an inference window repeats; more would only make it longer.
INFERENCE_IMAGES = 1024
# Batches that every graph is measured at, whatever the objective's is: one image, and a full load.
USUAL_BATCHES = (1, 64)
# A net with a larger share of zeros than chance gives is measured apart from dense ones at first.
MASKED = 0.01
# Runtimes that have exported in this process, whichever study it was for.
_awake: set[str] = set()


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
        known = context.store.get(use.key)
        if known is None:
            self._wake()
        if known is None or not is_sound(template):
            export = functools.partial(
                self.runtime.export, self.network, context.data, path=template
            )
            self._keep(known, context.usage.metered(use, export, images=1))
            seal_file(template)
        return template

    def _keep(self, known: StageRecord | None, made: StageRecord) -> None:
        """Keep the record of a file that was made; where it was made before, as lost work."""
        lost = () if known is None else (*known.lost, *made.marks)
        self.context.store.put(made if known is None else replace(known, lost=lost))

    def _wake(self) -> None:
        """Import and compile what exports, which is no configuration's cost, on a tiny net."""
        context, name = self.context, self.runtime.name
        if name not in _awake:
            images = math.prod(context.data.shape)
            tiny = nn.Sequential(nn.Flatten(), nn.Linear(images, len(context.data.classes)))
            self.runtime.export(
                tiny, context.data, path=self._folder / f"tiny{self.runtime.suffix}"
            )
            _awake.add(name)

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
        known = context.store.get(use.key)
        if known is not None and is_sound(target):
            return target
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

        if use.cost_key not in context.store.warm:
            lower()  # the first time imports what lowers, which is no configuration's cost
            context.store.warm.add(use.cost_key)
        made = context.usage.metered(use, lower, images=len(context.data.validation.labels))
        seal_file(target)
        self._keep(known, replace(made, facts=facts[-1]))
        return target

    def evaluate(self) -> JsonDict:
        """Validation images right, and what the file is; counts the export too."""
        use = self.context.stages["evaluate"]
        record = self.context.store.once(use, lambda _: self._evaluated())
        self.context.usage.done(self.context.stages["export"])
        self.context.usage.done(use)
        return dict(record.facts)

    def _evaluated(self) -> StageRecord:
        context, path, right = self.context, self.path, list[int]()
        split, batch = context.data.validation, context.recipe.inference_batch

        def classify() -> None:
            logits = self.runtime.open(path, self.threads).predict(split.images, batch)
            right.append(int((logits.argmax(axis=1) == split.labels).sum()))

        use = context.stages["evaluate"]
        record = context.usage.metered(use, classify, images=len(split.labels))
        facts: JsonDict = {
            "correct": right[0],
            "bytes": path.stat().st_size,
            **to_json(self._size()),
            "zero_weights": zero_share(self.network),
            "lowered_graph": self.runtime.graph_key(path, self.threads),
        }
        return replace(record, facts=facts)

    def _size(self) -> Count:
        """The size of the net that is deployed, and its arithmetic for one image."""
        if not self.context.rounds:
            return self.context.dense
        return count(self.network, self.context.data.shape)

    def infer(self, evaluation: JsonDict) -> JsonDict:
        """Price one image through this graph, with new windows where they are due.

        The objective's batch is a stage of the trial; the usual others have a window beside it.
        Pools are given by batch, beside the records of how their windows were cut.
        """
        context, lowered = self.context, evaluation.pop("lowered_graph")
        inference = self._inference(context.recipe.inference_batch)
        measuring = {"store": context.store, "meter": context.meter}
        use = measure_inference(
            lambda: self.path,
            inference.graph(lowered),
            weights=context.weights,
            kind="masked" if evaluation["zero_weights"] > MASKED else "dense",
            inference=inference,
            **measuring,
        )
        context.usage.used.append(use)
        pools = {inference.batch: use.cost_key}
        for batch in {*USUAL_BATCHES} - pools.keys():
            other = self._inference(batch)
            key = other.graph(lowered)
            pools[batch] = measure_once(lambda: self.path, key, inference=other, **measuring)
        paces = [pace_key(inference.graph(lowered)), *map(pace_key, pools.values())]
        return {
            "inference": {str(batch): pools[batch] for batch in sorted(pools)},
            "calibrate": [
                key for key in dict.fromkeys(paces) if context.store.get(key) is not None
            ],
        }

    def _inference(self, batch: int) -> Inference:
        context = self.context
        images = context.data.validation.images[:INFERENCE_IMAGES]
        return Inference(
            runtime=self.runtime,
            images=images,
            batch=batch,
            threads=self.threads,
            work=context.usage.work("infer", images=len(images)),
            base={"device_class": context.machine["device_class"], **context.recipe.device.levers},
        )
