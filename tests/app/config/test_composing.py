"""Argument lists composed by Hydra's own sweeper and loader and by ours: the same configurations.

Each list is cut into jobs by Hydra's BasicSweeper, and every job composed by Hydra's loader; ours
reads the axes and composes their points. What differs by design is listed with the reason.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hydra import initialize_config_dir
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.config_loader import ConfigLoader
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.types import RunMode
from omegaconf import DictConfig

from energy_sweep.app.config import schema
from energy_sweep.app.config.axes import read_axes
from energy_sweep.app.config.composer import Composer
from energy_sweep.app.config.conf_folder import conf_folder
from energy_sweep.record import JsonDict, digest

EVERYDAY = [
    # lists of values, and what Hydra's grammar has for them
    "batch=32,64",
    "batch=32,64 epochs=2,3",
    "batch=choice(32,64)",
    "batch=range(32,65,32)",
    "epochs=range(3)",
    "seed=sort(3,1,2)",
    "lr=0.1,1e-2",
    "lr=sort(0.3,0.1,reverse=true)",
    "precision=fp32,bf16",
    "precision='fp32',\"bf16\"",
    "label_smoothing=0,0.1 seed=1",
    "profile=true seed=1,2",
    "dataset.resolution=null,8",
    "epochs=int(2.0),3",
    "+note=float(1),str(2)",
    "inference.batch=1,64",
    "+note='a-b','c,d'",
    "+note=a-b,c.d",
    "+note=[a],[a,b]",
    "+note=[],{a:[1]},null",
    # groups, their parts, and defaults of theirs
    "model=small_cnn,resnet18",
    "model=glob(resnet*)",
    "model=glob([small*,goog*])",
    "optimizer=sgd,adam optimizer/schedule=trunk,cosine",
    "optimizer/schedule=onecycle optimizer=sgd,lion",
    "compression=none,prune batch=32",
    "compression=quantize compression.level=0,0.75",
    "compression=prune compression.recover_epochs=1,2",
    "optimizer=adam,sgd optimizer.weight_decay=0.1",
    "optimizer=sgd optimizer.lr=0.1,0.2",
    "runtime=eager batch=1,2",
    "objective=training batch=32,64",
    "experiment=smoke batch=32,64",
    "meter=replay model=small_cnn,mobilenet_v2",
    "model=small_cnn model.width=8,16 model.depth=2",
]

TRICKY = [
    # keys that are added, forced or taken away
    "+model.extra=1,2",
    "++model.depth=2,3",
    "++model.extra=1 model.extra=2,3",
    "+dataset.note=a,b ++dataset.note=c",
    "~model.depth batch=32,64",
    "~experiment seed=1,2",
    # the later word wins, whichever of the two is swept
    "batch=32,64 batch=16",
    "batch=16 batch=32,64",
    "model=small_cnn,resnet18 model=mobilenet_v2",
    "model={width:8,depth:3},{width:16} model.depth=2",
    "model.depth=2 model={width:8,depth:3},{width:16}",
    "model.depth=2,4 model={width:8,depth:3}",
    "model={width:8,depth:3} model.depth=2,4",
    "model={width:8,depth:3},{width:16} model.depth=2,4",
    "optimizer={lr:0.1},{lr:0.2} optimizer.lr=0.3",
    "inference={batch:1},{batch:2} ++inference.batch=3",
    "++model.extra={a:1,b:1},{b:2} ++model.extra.b=3",
    "model={width:8,depth:3},{width:16} ~model.depth",
    # interpolations
    "name=${model.name}-${batch} batch=32,64",
    "epochs=${batch} batch=2,3",
    "name=${optimizer.name} optimizer=sgd,adam",
    "lr=${optimizer.lr},0.5 optimizer=adam",
    "name=${hydra:job.name} batch=32,64",
]


class Loader:
    """Hydra's loader, which composes the same words once for all lists."""

    def __init__(self, loader: ConfigLoader) -> None:
        self._loader = loader
        self._known: dict[tuple[str, ...], DictConfig] = {}
        multirun = ["hydra.mode=MULTIRUN"]
        self.master = loader.load_configuration("config", multirun, RunMode.MULTIRUN)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def load_sweep_config(self, master: DictConfig, overrides: Sequence[str]) -> DictConfig:
        words = tuple(overrides)
        if words not in self._known:
            self._known[words] = self._loader.load_sweep_config(master, list(words))
        return copy.deepcopy(self._known[words])


@pytest.fixture(scope="module")
def loader() -> Iterator[Loader]:
    schema.register()
    with initialize_config_dir(str(conf_folder()), version_base="1.3"):
        yield Loader(GlobalHydra.instance().config_loader())


def by_hydra(loader: Any, arguments: Sequence[str]) -> list[JsonDict]:
    overrides = OverridesParser.create(config_loader=loader).parse_overrides(list(arguments))
    [batch] = BasicSweeper.split_arguments(overrides, max_batch_size=None)
    return [resolved(loader.load_sweep_config(loader.master, list(job))) for job in batch]


def by_ours(loader: Any, arguments: Sequence[str]) -> list[JsonDict]:
    axes = read_axes(loader, arguments, {}, {})
    composer = Composer(loader, loader.master, axes)
    return [composer.values(point) for point in axes.space.grid()]


def resolved(cfg: DictConfig) -> JsonDict:
    from hydra.core.hydra_config import HydraConfig

    from energy_sweep.app.config.build import resolved

    HydraConfig.instance().set_config(cfg)
    try:
        return resolved(cfg)
    finally:
        HydraConfig.instance().cfg = None


def distinct(found: list[JsonDict]) -> set[str]:
    return {digest(one) for one in found}


@pytest.mark.parametrize("line", TRICKY)
@pytest.mark.no_cover
def test_composes_what_is_tricky_as_hydra_does(line: str, loader: Loader) -> None:
    arguments = line.split(" ")
    assert distinct(by_ours(loader, arguments)) == distinct(by_hydra(loader, arguments))


@pytest.mark.contracts
@pytest.mark.parametrize("line", EVERYDAY)
def test_composes_as_hydra_does(line: str, loader: Loader) -> None:
    test_composes_what_is_tricky_as_hydra_does(line, loader)


def test_the_table_is_long() -> None:
    assert len({*EVERYDAY, *TRICKY}) >= 50


DIFFERENT = {
    # A configuration typed twice is run once.
    "batch=32,32": ["batch=32"],
    # Of several techniques each makes its own of a level, so that a fixed one is an axis too.
    "compression=prune,quantize compression.level=0.5": [
        *("compression=prune compression.level=0.5", "compression=quantize compression.level=0.5")
    ],
    # A list of compressions is a chain of them.
    "compression=[prune,quantize]": [
        "compression=chain +compression@compression.steps.prune=prune"
        " +compression@compression.steps.quantize=quantize"
    ],
}


@pytest.mark.parametrize("line", DIFFERENT)
def test_what_differs_from_hydra_by_design(line: str, loader: Loader) -> None:
    axes = read_axes(loader, line.split(" "), {}, {})  # type: ignore[arg-type]
    points = axes.space.grid()
    assert [" ".join(axes.overrides(point)) for point in points] == DIFFERENT[line]
