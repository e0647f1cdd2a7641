"""What a configuration may name: our parts and trusted packages, and no other callable."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import toy_study
import yaml
from hydra import compose, initialize_config_dir
from stored_study import store_study

import energy_sweep
from energy_sweep.app.config import schema
from energy_sweep.app.config.build import Builder, resolved
from energy_sweep.app.config.conf_folder import conf_folder
from energy_sweep.app.config.parts import Trust, find_class, make_part, registry
from energy_sweep.app.main import main
from energy_sweep.record import BadInput

ROOT = Path(energy_sweep.__file__).parent
OUTSIDE = "evil"  # a package that writes a file as soon as it is imported
WRITES = "from pathlib import Path\nPath({path!r}).touch()\n"
STARTS = {"_target_": "energy_sweep.app.verbs.child._start", "command": ["touch"]}


def names_in_package() -> Iterator[str]:
    """Everything that a module of ours defines or imports, as a `_target_` would name it."""
    for path in sorted(ROOT.rglob("*.py")):
        place = path.relative_to(ROOT.parent).with_suffix("")
        module = ".".join(part for part in place.parts if part != "__init__")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                yield f"{module}.{node.name}"
            elif isinstance(node, ast.Import | ast.ImportFrom):
                yield from (f"{module}.{alias.asname or alias.name}" for alias in node.names)


def test_no_callable_of_ours_but_the_registered_parts_can_be_named() -> None:
    groups, names = registry(), set(names_in_package())
    parts = {name for found in groups.values() for name in found}
    assert len(parts) > 30 and len(names) > 1000
    for group, own in groups.items():
        for name in names - own:
            with pytest.raises(BadInput) as refused:
                find_class(group.replace("/", "."), name, Trust(packages=("energy_sweep",)))
            assert "is none of our parts" in str(refused.value)


def test_every_part_that_a_file_names_is_a_frozen_dataclass() -> None:
    for group, names in registry().items():
        for name in names:
            assert find_class(group.replace("/", "."), name, Trust()).__qualname__ in name


@pytest.fixture
def trap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that is written as soon as a stranger's module is imported or called."""
    mark = tmp_path / "sprung"
    (tmp_path / f"{OUTSIDE}.py").write_text(WRITES.format(path=str(mark)))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, OUTSIDE, raising=False)
    return mark


STRANGE: dict[str, dict[str, Any]] = {
    "a function of ours": {"model": STARTS},
    "a module of the stranger": {"model": {"_target_": f"{OUTSIDE}.Net"}, "allow": [OUTSIDE]},
    "inside a part": {"optimizer": {"schedule": {"_target_": f"{OUTSIDE}.S"}}, "allow": [OUTSIDE]},
    "in a list": {"dataset": {"shift": [{"_target_": f"{OUTSIDE}.S"}]}, "allow": [OUTSIDE]},
    "a part of another group": {"model": {"_target_": "energy_sweep.dataset.digits.Digits"}},
    "arguments by position": {"optimizer": {"_args_": [1]}},
    "half a call": {"optimizer": {"_partial_": True}},
    "a factory": {
        "dataset": {"_target_": "energy_sweep.dataset.arrays.Arrays", "factory": f"{OUTSIDE}:f"},
        "allow": [OUTSIDE],
    },
    "a factory of ours": {
        "dataset": {
            "_target_": "energy_sweep.dataset.arrays.Arrays",
            "factory": "energy_sweep.app.verbs.child:_start",
        },
        "allow": ["energy_sweep"],
    },
    "a place that is no group": {
        "dataset": {"../model": {"_target_": "energy_sweep.app.main.main"}}
    },
}


def strange_settings(changes: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """A sound configuration with what a stranger put into it."""
    schema.register()
    with initialize_config_dir(str(conf_folder()), version_base="1.3"):
        values = resolved(compose("config"))
    for group, change in changes.items():
        is_part = isinstance(change, dict) and "_target_" not in change
        values[group] = {**values[group], **change} if is_part else change
    return values


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of formulas, whose trial 1 runs with what a test writes."""
    folder = store_study(tmp_path_factory.mktemp("strange"), "toy", toy_study.grid())
    (folder / "trials" / "1" / ".hydra").mkdir(parents=True)
    return folder


@pytest.mark.parametrize("what", STRANGE)
def test_a_strangers_study_runs_nothing(
    what: str, study: Path, trap: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = study / "trials" / "1" / ".hydra" / "config.yaml"
    settings.write_text(yaml.safe_dump(strange_settings(STRANGE[what])))
    words = ["deploy", str(study), "--trial", "1", "--to", str(tmp_path / "deployed")]
    assert main(words) == 2
    said = capsys.readouterr().err
    assert len(said.splitlines()) == 1 and "Traceback" not in said
    assert not trap.exists() and OUTSIDE not in sys.modules


def test_what_the_user_trusts_is_what_they_type(trap: Path) -> None:
    settings = {"_target_": f"{OUTSIDE}.Net"}
    with pytest.raises(BadInput, match=f"type --allow {OUTSIDE} if you trust it"):
        Builder(cure="--allow {package}")._build_part("model", settings, [])
    assert not trap.exists()
    with pytest.raises(BadInput, match="cannot be found"):
        make_part("model", settings, Trust(packages=(OUTSIDE,)))
    assert trap.exists()
