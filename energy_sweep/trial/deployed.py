"""The trained net as it will be deployed: exported, evaluated and timed by the study's runtime."""

from __future__ import annotations

import functools
import tempfile
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from torch import nn

from energy_sweep.model.count import Count, count
from energy_sweep.record import Plain, StageRecord, to_plain
from energy_sweep.runtime.base import Mismatch
from energy_sweep.train import restore
from energy_sweep.trial.bench import Bench
from energy_sweep.trial.compress import compressed_network, dense_state, recovery
from energy_sweep.trial.infer import Inference, measure_inference
from energy_sweep.trial.segment import trained_state

# Validation images that an inference window repeats; more would only make it longer.
INFERENCE_IMAGES = 1024


class Deployed:
    """The graph of one trial, exported when first needed and gone when the trial ends."""

    def __init__(self, bench: Bench):
        self.bench, self.runtime = bench, bench.recipe.runtime
        self.stack = ExitStack()
        self.threads: int = bench.recipe.device.threads

    def __enter__(self) -> Deployed:
        return self

    def __exit__(self, *error: object) -> None:
        self.stack.close()

    def network(self) -> nn.Module:
        """The net after its last training stage, from the store or trained again."""
        with self.bench.training():
            return self._network()

    def _network(self) -> nn.Module:
        bench = self.bench
        if "recover" not in bench.stages and "compress" in bench.stages:
            return compressed_network(bench).eval()
        module = bench.network()
        if "recover" in bench.stages:
            state = trained_state(recovery(bench), store=bench.store, meter=bench.meter)
        else:
            state = dense_state(bench)
        restore(module, None, state)
        return module.eval()

    @functools.cached_property
    def path(self) -> Path:
        """The exported file; the architecture is exported once, then only its weights change."""
        bench, use, module = self.bench, self.bench.stages["export"], self.network()
        template = bench.store.folder(use.key) / "template.onnx"
        export = functools.partial(self.runtime.export, module, bench.data, path=template)
        bench.store.once(use, lambda _: bench.metered(use, export, images=1))
        folder = self.stack.enter_context(tempfile.TemporaryDirectory(prefix="energy-sweep-"))
        path = Path(folder) / "model.onnx"
        try:
            self.runtime.rewrite(template, module, data=bench.data, path=path)
        except (Mismatch, OSError):
            self.runtime.export(module, bench.data, path=path)
        return path

    def evaluate(self) -> Plain:
        """Validation images right, and what the file is; counts the export too."""
        use = self.bench.stages["evaluate"]
        record = self.bench.store.once(use, lambda _: self._evaluated())
        self.bench.done("export")
        self.bench.done("evaluate")
        return dict(record.facts)

    def _evaluated(self) -> StageRecord:
        bench, path, right = self.bench, self.path, list[int]()
        split, batch = bench.data.validation, bench.recipe.inference_batch

        def classify() -> None:
            logits = self.runtime.open(path, self.threads).predict(split.images, batch)
            right.append(int((logits.argmax(axis=1) == split.labels).sum()))

        use = bench.stages["evaluate"]
        record = bench.metered(use, classify, images=len(split.labels))
        facts: Plain = {
            "correct": right[0],
            "bytes": path.stat().st_size,
            **to_plain(self._size()),
            "graph": self._inference().graph(path),
        }
        return replace(record, facts=facts)

    def _size(self) -> Count:
        """The size of the net that is deployed, and its arithmetic for one image."""
        if "compress" not in self.bench.stages:
            return self.bench.dense
        return count(self.network(), self.bench.data.shape)

    def infer(self, evaluation: Plain) -> None:
        """Price one image through this graph, with new windows where they are due."""
        bench = self.bench
        use = measure_inference(
            lambda: self.path,
            evaluation.pop("graph"),
            weights=bench.stages["evaluate"].key,
            inference=self._inference(),
            store=bench.store,
            meter=bench.meter,
        )
        bench.used.append(use)

    def _inference(self) -> Inference:
        bench = self.bench
        return Inference(
            runtime=self.runtime,
            images=bench.data.validation.images[:INFERENCE_IMAGES],
            batch=bench.recipe.inference_batch,
            threads=self.threads,
            work=bench.work(
                "infer", images=min(INFERENCE_IMAGES, len(bench.data.validation.labels))
            ),
            base={"device_class": bench.machine["device_class"], **bench.recipe.device.levers},
        )
