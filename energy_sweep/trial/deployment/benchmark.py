"""The stand that one exported graph is measured on: windows of enough passes, spread in time."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from energy_sweep.meter.base import Meter, Work
from energy_sweep.recipe.stages import VERSIONS
from energy_sweep.record import JsonDict, Mark, StageRecord, StageUse, digest
from energy_sweep.record.missing import control_key
from energy_sweep.store import StageStore
from energy_sweep.trial.deployment.reference_graph import reference_file
from energy_sweep.trial.deployment.remembered_graphs import new_graph_record
from energy_sweep.trial.deployment.window_length import is_resolved

# Marks of 3 to 50 ms are as noisy as each other, since what moves them lasts longer; below 5 ms the
# edges of a mark, the same for all graphs, are 2 % of it.
CHUNK_SECONDS = 0.01
CHUNK_TICKS = 5  # of the meter's counter, so that its edges are small beside what they enclose
# A window in which other programs ran is taken again, so many times for one graph and weights;
# pools then leave the first one out.
CONTENDED_REPEATS = 2
MOST_PASSES = 4096
FIRST_IMAGES = 64  # which show how many a mark takes


@dataclass(frozen=True, slots=True, kw_only=True)
class Inference:
    """How a study runs its nets: one runtime, one batch, real validation images [N, C, H, W].

    Prices of an earlier study are taken where they are to be `remember`ed.
    """

    runtime: Any
    images: np.ndarray[Any, Any]
    batch: int
    threads: int
    work: Work
    base: JsonDict = field(default_factory=dict[str, Any])
    remember: bool = True

    def graph(self, lowered: str) -> str:
        """What the joules per image of a file depend on, whose graph is executed as `lowered`."""
        return digest({**self.settings, "graph": lowered})

    @property
    def settings(self) -> JsonDict:
        """What two graphs must have in common for a window of the one to tell of the other."""
        return {
            **self.base,
            "stage": "infer",
            "version": VERSIONS["infer"],
            "input": list(self.images.shape[1:]),
            "batch": self.batch,
            "runtime": [self.runtime.name, self.runtime.version],
            "threads": self.threads,
        }

    @property
    def like(self) -> str:
        """Names those settings but the batch: what changes the prices of all graphs alike."""
        return digest({**self.settings, "batch": None})[:16]

    def opened(self, path: Path) -> Callable[[int], None]:
        """Runs a file over so many images: all of them, over and over, or the first ones."""
        session = self.runtime.open(path, self.threads)

        def predict(images: int) -> None:
            known, batch = self.images, self.batch
            for _ in range(images // len(known)):
                session.predict(known, batch)
            if rest := images % len(known):
                session.predict(known[:rest], batch)

        return predict

    @property
    def most_images(self) -> int:
        """Images of the longest mark."""
        return MOST_PASSES * len(self.images)

    def whole_batches(self, images: float) -> int:
        """At least so many images: whole batches of a part of them, or all of them so many times.

        An image of a full batch costs what it does among all, but for the last batch of these.
        """
        known, batch = len(self.images), self.batch
        if images >= known:
            return min(math.ceil(images / known) * known, self.most_images)
        return min(max(1, math.ceil(images / batch)) * batch, known)


@dataclass(frozen=True, slots=True)
class InferenceBenchmark:
    """The measuring stand of one graph: its pool's `key`, and what it takes to open windows.

    `controls` are the labels of the windows of known files that it has asked for, `contended` the
    graphs of those that were taken beside other programs.
    """

    key: str
    inference: Inference
    store: StageStore
    meter: Meter
    controls: list[list[str]] = field(default_factory=list[list[str]])
    contended: list[str] = field(default_factory=list[str])

    @property
    def record(self) -> StageRecord:
        """What is known of the graph: here, else of an earlier study, else nothing yet."""
        inference = self.inference
        return self.store.get(self.key) or new_graph_record(
            self.store,
            self.key,
            inference.like,
            remember=inference.remember,
            parameters=inference.work.parameters,
        )

    @property
    def first(self) -> Path:
        """The file of the first weights that came with this graph."""
        return self.store.folder(self.key) / self._name

    @property
    def _name(self) -> str:
        return f"model{self.inference.runtime.suffix}"

    def control(
        self, path: Path, cost_key: str, *labels: str, brief: bool = False
    ) -> tuple[Mark, ...]:
        """A window of a known file, as a stage named by `labels`: a kill repeats it for nobody."""
        key = control_key(self.key, labels)
        self.controls.append([*labels])
        use = StageUse(stage="calibrate", key=key, cost_key=cost_key, units=0)
        record = self.store.once(
            use,
            lambda _: StageRecord(
                stage="calibrate",
                key=key,
                cost_key=cost_key,
                marks=self.window(path, cost_key, brief=brief),
            ),
        )
        return record.marks

    def reference(self, visit: str) -> None:
        """Give the study's reference graph, the first measured with these settings, a window.

        A brief one: there is one beside each of the others, so that its price is known the best.
        """
        file = reference_file(self.store, self.inference.settings, self.key, self._name)
        if file is not None and (graph := file.parent.name) != self.key:
            self.control(file, graph, "reference", visit, brief=True)

    def window(
        self, path: Path, graph: str | None = None, *, brief: bool = False
    ) -> tuple[Mark, ...]:
        """Marks of one window, as many as their mean is worth; again where others disturbed it.

        `graph` is the pool of the file, where it is not that of this stand. A `brief` window is as
        long as the meter needs, and not taken again.
        """
        predict, work = self.inference.opened(path), self._work(graph or self.key)
        images, found = self._mark_images(predict, graph or self.key, work), list[Mark]()
        predict(min(images, len(self.inference.images)))
        while True:
            with self.meter.window(work) as window:
                while not is_resolved(window.marks, brief=brief):
                    predict(images)
                    window.mark(units=images, images=images)
            found += window.marks
            if brief or not any(mark.reading.contended for mark in window.marks):
                return tuple(found)
            # Where every window is disturbed, more of them would be too.
            self.contended.append(graph or self.key)
            if len(self.contended) > CONTENDED_REPEATS:
                return tuple(found)

    def _work(self, graph: str) -> Work:
        """What a window of a graph is about: another graph may have another number of weights."""
        known = self.store.get(graph)
        if graph == self.key or known is None:
            return self.inference.work
        own = self.inference.work.parameters
        return replace(self.inference.work, parameters=known.facts.get("parameters", own))

    @property
    def is_paced(self) -> bool:
        """Whether it is recorded how many images a mark of this graph is made of."""
        return self.store.get(pace_key(self.key)) is not None

    def pace(self, path: Path) -> None:
        """Find that out anew, where its record is gone."""
        self._mark_images(self.inference.opened(path), self.key, self.inference.work)

    def _mark_images(self, predict: Callable[[int], None], graph: str, work: Work) -> int:
        """Images that a mark is made of: found once, and kept with their marks."""
        key = pace_key(graph)
        use = StageUse(stage="calibrate", key=key, cost_key=key, units=0)
        record = self.store.once(use, lambda _: self._paced(key, predict, work))
        passes = record.facts.get("passes", 0)  # of former versions, which ran all images
        return int(record.facts.get("images", passes * len(self.inference.images)))

    def _paced(self, key: str, predict: Callable[[int], None], work: Work) -> StageRecord:
        ticks = CHUNK_TICKS * self.meter.facts().tick_seconds
        chunk, marks = max(CHUNK_SECONDS, ticks), list[Mark]()
        images = self.inference.whole_batches(FIRST_IMAGES)
        predict(images)
        while True:
            with self.meter.window(work) as window:
                predict(images)
                mark = window.mark(units=images, images=images)
            marks.append(mark)
            seconds = mark.reading.seconds
            # A reading of few ticks has waited for one of them, and tells little of the work.
            enough = max(ticks, chunk / 5)
            if seconds >= enough or not seconds or images >= self.inference.most_images:
                break
            images = self.inference.whole_batches(max(2 * images, images * enough / seconds))
        found = images * chunk / seconds if seconds else len(self.inference.images)
        facts: JsonDict = {"images": self.inference.whole_batches(found)}
        return StageRecord(
            stage="calibrate", key=key, cost_key=key, marks=tuple(marks), facts=facts
        )


def pace_key(graph: str) -> str:
    """The record of how many images a mark of a graph is made of."""
    return digest(["pace", graph])
