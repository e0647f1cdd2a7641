"""The exported file at work: the validation images it gets right, and what one image costs."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

import numpy as np

from energy_sweep.dataset.base import Data
from energy_sweep.model.base import zero_share
from energy_sweep.model.count import Count, count
from energy_sweep.record import JsonDict, StageRecord, digest, from_json, to_json
from energy_sweep.record.answers import FACT, Answers
from energy_sweep.record.connections import FACT as CONNECTIONS
from energy_sweep.record.connections import Connections
from energy_sweep.record.missing import has_weights
from energy_sweep.trial.deployment.benchmark import Inference, InferenceBenchmark, pace_key
from energy_sweep.trial.deployment.connections import MASKED, connections_of
from energy_sweep.trial.deployment.deployed import ExportedModel
from energy_sweep.trial.deployment.inference import measure_inference, measure_once
from energy_sweep.trial.deployment.latency import measure_latency

# Validation images that an inference window repeats; more would only make it longer.
INFERENCE_IMAGES = 1024
# Batches that every graph is measured at, whatever the objective's is: one image, and a full load.
USUAL_BATCHES = (1, 64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """Validation images right, and what the file is, as the record of the stage holds it.

    `lowered_graph` names the graph that is executed; `macs` are those of one image. Of two kinds of
    labels, `second_correct` is how many of the second were right. `answers` are None where they
    were not kept, and the weights that would give them are gone. `connections` are those of a net
    that has fewer than the dense one.
    """

    correct: int
    bytes: int
    parameters: int
    macs: int
    weight_bytes: int
    zero_weights: float
    lowered_graph: str
    answers: Answers | None = None
    second_correct: int | None = None
    connections: Connections | None = None

    @property
    def facts(self) -> JsonDict:
        """What a result tells of the file; the images right have a field of their own there."""
        told = self.document
        own = ("correct", "lowered_graph", FACT, CONNECTIONS)
        return {name: told[name] for name in told if name not in own}

    @property
    def document(self) -> JsonDict:
        """As the record of the stage holds it, which says nothing of what there is not."""
        told: JsonDict = to_json(self)
        for name in ("second_correct", CONNECTIONS):
            if told[name] is None:
                del told[name]
        return told


def evaluate(deployed: ExportedModel) -> Evaluation:
    """The evaluation, from the store or done now; counts the export too.

    One that does not say which images were right is done again where the weights are there.
    """
    context = deployed.context
    use = context.stages["evaluate"]
    record = context.store.once(use, lambda _: _evaluated(deployed))
    if FACT not in record.facts:
        record = _answered(deployed)
    context.usage.done(context.stages["export"])
    context.usage.done(use)
    return from_json(Evaluation, record.facts)


def _answered(deployed: ExportedModel) -> StageRecord:
    """The evaluation with the images that were right, or with a word that nobody knows them."""
    context = deployed.context
    use, store = context.stages["evaluate"], context.store
    with store.alone(use.key, use.stage) as record:
        if record is not None and FACT in record.facts:
            return record
        if record is None or has_weights(context.usage.used, store.root):
            return store.put_again(_evaluated(deployed))
        return store.put(replace(record, facts={**record.facts, FACT: None}))


def infer(deployed: ExportedModel, evaluation: Evaluation) -> JsonDict:
    """Price one image through the graph, with new windows where they are due.

    The objective's batch is a stage of the trial; the usual others have a window beside it, and
    single images are timed one by one. Pools are given by batch, beside the records of how their
    windows were cut.
    """
    context, lowered = deployed.context, evaluation.lowered_graph
    inference = _inference(deployed, context.recipe.inference_batch)
    measuring = {"store": context.store, "meter": context.meter}
    use = measure_inference(
        lambda: deployed.path,
        inference.graph(lowered),
        weights=context.weights,
        # A net with a mask is measured apart from dense ones at first.
        kind="masked" if evaluation.zero_weights > MASKED else "dense",
        inference=inference,
        **measuring,
    )
    context.usage.used.append(use)
    pools = {inference.batch: use.cost_key}
    for batch in {*USUAL_BATCHES} - pools.keys():
        other = _inference(deployed, batch)
        key = other.graph(lowered)
        pools[batch] = measure_once(lambda: deployed.path, key, inference=other, **measuring)
    paces = [pace_key(inference.graph(lowered)), *map(pace_key, pools.values())]
    alone = InferenceBenchmark(pools[1], _inference(deployed, 1), context.store, context.meter)
    paces.append(measure_latency(alone, lambda: deployed.path))
    return {
        "inference": {str(batch): pools[batch] for batch in sorted(pools)},
        "calibrate": [key for key in dict.fromkeys(paces) if context.store.get(key) is not None],
    }


def inference_benchmark(deployed: ExportedModel, graph: str) -> InferenceBenchmark:
    """The stand of a graph that was measured at the objective's batch."""
    context = deployed.context
    inference = _inference(deployed, context.recipe.inference_batch)
    return InferenceBenchmark(graph, inference, context.store, context.meter)


def _evaluated(deployed: ExportedModel) -> StageRecord:
    context, path, right = deployed.context, deployed.path, list[bytes]()
    split, batch = context.data.validation, context.recipe.inference_batch
    second, classes = list[int](), len(context.data.classes)

    def classify() -> None:
        logits = deployed.runtime.open(path, deployed.threads).predict(split.images, batch)
        found = logits[:, :classes].argmax(axis=1)
        right.append(np.packbits(found == split.labels).tobytes())
        if split.second is not None:
            second.append(int((logits[:, classes:].argmax(axis=1) == split.second).sum()))

    use = context.stages["evaluate"]
    record = context.usage.metered(use, classify, images=len(split.labels))
    size = _size(deployed)
    answers = Answers.of(right[0], count=len(split.labels), asked=name_of_images(context.data))
    found = Evaluation(
        correct=answers.correct,
        answers=answers,
        second_correct=second[0] if second else None,
        bytes=path.stat().st_size,
        parameters=size.parameters,
        macs=size.macs,
        weight_bytes=size.weight_bytes,
        zero_weights=zero_share(deployed.network),
        connections=connections_of(
            deployed.network, context.recipe.model, context.data.shape, context.data.outputs
        ),
        lowered_graph=deployed.runtime.graph_key(path, deployed.threads),
    )
    return replace(record, facts=found.document)


def name_of_images(data: Data) -> str:
    """Names the validation images and their order, the same at all resolutions.

    Images are in an order that follows from what is in them, so that their labels one by one tell
    one selection from another; what is in them is the same throughout a study.
    """
    labels = np.ascontiguousarray(data.validation.labels, dtype="<i8").tobytes()
    return digest([data.name, list(data.classes), hashlib.sha256(labels).hexdigest()])


def _size(deployed: ExportedModel) -> Count:
    """The size of the net that is deployed, and its arithmetic for one image."""
    context = deployed.context
    return count(deployed.network, context.data.shape) if context.rounds else context.dense


def _inference(deployed: ExportedModel, batch: int) -> Inference:
    context = deployed.context
    images = context.data.validation.images[:INFERENCE_IMAGES]
    return Inference(
        runtime=deployed.runtime,
        images=images,
        batch=batch,
        threads=deployed.threads,
        work=context.usage.work("infer", images=len(images)),
        base={"device_class": context.machine["device_class"], **context.recipe.device.levers},
        remember=context.recipe.device.remember,
    )
