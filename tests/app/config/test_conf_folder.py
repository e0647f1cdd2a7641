"""Every file of conf/ composes, says in its first line what it is, and builds."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig

from energy_sweep.app.config import schema
from energy_sweep.app.config.build import PARTS, build, resolved
from energy_sweep.app.config.conf_folder import conf_folder
from energy_sweep.app.help import help_text
from energy_sweep.app.verbs.options import VERBS
from energy_sweep.record import BadInput

FILES = sorted(conf_folder().rglob("*.yaml"))
OPTIONS = [
    f"{path.parent.relative_to(conf_folder()).as_posix()}={path.stem}"
    for path in FILES
    if path.parent.name in PARTS and path.stem not in ("own", "chain")  # nothing by themselves
]


@pytest.fixture(autouse=True)
def hydra_ready() -> Iterator[None]:
    schema.register()
    with initialize_config_dir(str(conf_folder()), version_base="1.3"):
        yield


def composed(*overrides: str) -> DictConfig:
    return compose("config", overrides=list(overrides))


@pytest.mark.parametrize(
    "path", FILES, ids=[p.relative_to(conf_folder()).as_posix() for p in FILES]
)
def test_opens_with_a_comment_that_shows_a_command(path: Path) -> None:
    lines = path.read_text().splitlines()
    comment = lines[1] if lines[0] == "# @package _global_" else lines[0]
    assert comment.startswith("# ")
    assert "python -m energy_sweep" in comment
    assert yaml.safe_load(path.read_text()) is not None


@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.no_cover
def test_part_builds_under_the_name_of_its_file(option: str) -> None:
    group, _, name = option.partition("=")
    recipe = build(composed(option))
    part = getattr(recipe, group)
    assert part.name == name
    assert type(part).__module__.split(".")[:2] == ["energy_sweep", group]


def test_dials_reach_the_recipe() -> None:
    recipe = build(
        composed("batch=32", "epochs=7", "seed=5", "precision=bf16", "compression.level=0.25")
    )
    assert (recipe.batch, recipe.epochs, recipe.seed) == (32, 7, 5)
    assert (recipe.precision, recipe.level) == ("bf16", 0.25)


@pytest.mark.parametrize(("optimizer", "lr"), [("sgd", 0.05), ("adam", 0.001), ("adamw", 0.001)])
def test_lr_follows_the_optimizer_until_it_is_typed(optimizer: str, lr: float) -> None:
    assert build(composed(f"optimizer={optimizer}")).lr == lr
    assert build(composed(f"optimizer={optimizer}", "lr=0.3")).lr == 0.3


def test_smoke_experiment_is_a_small_grid() -> None:
    values = resolved(composed("experiment=smoke"))
    schema.check(values)
    assert values["search"]["space"] == {"batch": "32,64", "compression.level": "0,0.5"}


def test_help_names_every_verb_dial_and_group() -> None:
    text = help_text(conf_folder(), [])
    for verb in VERBS:
        assert f" {verb}" in text
    for dial in ("batch=", "lr=", "epochs=", "seed=", "precision=", "compression.level="):
        assert f"  {dial}" in text
    assert "adagrad, adam, adamw, lion, rmsprop, sgd" in text


def test_help_lists_the_groups_of_a_config_dir(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "mine.yaml").write_text("name: mine\n")
    assert "efficientnet_b2, googlenet, mine, mobilenet_v2" in help_text(
        conf_folder(), ["--config-dir", str(tmp_path)]
    )


def test_target_outside_the_package_needs_to_be_allowed(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"allow=\[builtins\]"):
        build(composed("model._target_=builtins.dict"))
    with pytest.raises(BadInput, match="must be a frozen dataclass"):
        build(composed("allow=[builtins]", "model={_target_: builtins.dict, name: mine}"))


def test_what_a_part_would_import_needs_to_be_allowed() -> None:
    typed = ("dataset=arrays", "dataset.factory=not_imported.data:load")
    with pytest.raises(
        BadInput, match=r"dataset\.factory=not_imported\.data .* 'allow=\[not_imported\]'"
    ):
        build(composed(*typed))
    assert (
        build(composed(*typed, "allow=[not_imported]")).dataset.factory == "not_imported.data:load"
    )
    assert "not_imported" not in sys.modules


@pytest.mark.parametrize(
    ("override", "line"),
    [
        ("batch=0", "batch=0: type a whole number of at least 1, such as batch=64"),
        ("lr=-1", "lr=-1: type a number above 0, such as lr=0.05"),
        ("precision=fp8", r"precision=fp8: type precision=fp32\|bf16\|fp16\|tf32\|float64"),
        ("compression.level=1.5", r"compression\.level=1\.5: type the share"),
        ("compression.level=abc", r"compression\.level=abc: type the share"),
        ("model.width=abc", "model.width=abc: type a whole number"),
        ("model.width=1.5", "model.width=1.5: type a whole number"),
        ("model.width=0", "model.width=0: type a whole number of at least 1"),
        ("optimizer.nesterov=3", "optimizer.nesterov=3: type true or false"),
        ("+model.widht=3", "model.widht does not exist: type one of"),
        ("+unread=1", "unread is read by nothing"),
        ("name=a/b", "name=a/b: type a plain folder name"),
        ("objective.images=0", "objective.images=0: type a whole number"),
        ("search.max_failures=0", "search.max_failures=0: type a whole number"),
        ("search.joules=-1", "search.joules=-1: type a number above 0"),
    ],
)
@pytest.mark.no_cover
def test_out_of_range_is_refused_in_one_line(override: str, line: str) -> None:
    with pytest.raises(BadInput, match=line) as refusal:
        build(composed(override))
    assert "\n" not in str(refusal.value)


def test_compression_none_takes_no_level() -> None:
    with pytest.raises(BadInput, match="compression=none"):
        build(composed("compression=none", "compression.level=0.5"))


def test_conf_folder_is_absolute() -> None:
    assert os.path.isabs(conf_folder())
