"""The house keeps its shape: contracts name every room, files stay small, names are unique."""

from __future__ import annotations

import ast
import re
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import energy_sweep

HOME = Path(energy_sweep.__file__).parent
ROOT = HOME.parent
MAP = ROOT / "docs/architecture.md"
LONGEST = {"file": 250, ast.FunctionDef: 50, ast.ClassDef: 150}
# The rooms that may import what the contract of that name forbids to all others.
ALLOWED = {
    "Hydra lives in app only": {"app"},
    "Optuna lives in study only": {"study"},
    "What records, plans, prices and shows loads no torch": {
        *("app", "compression", "dataset", "deploy", "device", "model", "optimizer"),
        *("profile", "runtime", "training", "trial"),
    },
}


def modules() -> Iterator[Path]:
    return HOME.rglob("*.py")


def rooms() -> set[str]:
    """What lies directly in the package, beside the start of the program."""
    folders = {path.parent.name for path in HOME.glob("*/__init__.py")}
    files = {path.stem for path in HOME.glob("*.py")} - {"__init__", "__main__"}
    return folders | files


def contracts() -> dict[str, Any]:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return {
        contract["name"]: contract for contract in settings["tool"]["importlinter"]["contracts"]
    }


@pytest.mark.parametrize("name", ALLOWED)
def test_a_contract_holds_for_every_room_that_is_not_named(name: str) -> None:
    held = {module.removeprefix("energy_sweep.") for module in contracts()[name]["source_modules"]}
    assert held == rooms() - ALLOWED[name]


def test_the_floors_drawn_are_those_that_are_held() -> None:
    drawn = re.findall(r"^```floors\n(.*?)^```", MAP.read_text(encoding="utf-8"), re.M | re.S)
    floors = [
        line.split("   ")[0] for line in re.sub(r"(\S) {3,}", r"\1   ", drawn[0]).splitlines()
    ]
    assert floors == contracts()["Imports point down"]["layers"]


def test_the_rooms_of_the_map_hold_what_it_says() -> None:
    table = re.findall(r"^\| `(\w+)/` \| (.*) \|$", MAP.read_text(encoding="utf-8"), re.M)
    assert table
    for room, told in table:
        there = {path.stem for path in (HOME / room).rglob("*")}
        assert set(re.findall(r"`(\w+)/?`", told)) <= there, room


def test_files_functions_and_classes_stay_small() -> None:
    long = set[str]()
    for path in modules():
        text = path.read_text(encoding="utf-8")
        if len(text.splitlines()) > LONGEST["file"]:
            long.add(f"{path.relative_to(HOME)}")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                lines = (node.end_lineno or 0) - node.lineno + 1
                if lines > LONGEST[type(node)]:
                    long.add(f"{path.relative_to(HOME)}: {node.name}")
    assert long == set()


def test_no_class_shares_its_name_with_another() -> None:
    found = defaultdict[str, list[str]](list)
    for path in modules():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                found[node.name].append(str(path.relative_to(HOME)))
    assert {name: places for name, places in found.items() if len(places) > 1} == {}


def imported_rooms(room: str) -> set[str]:
    """Other rooms that a room imports, but for `record`, which all do."""
    files = [HOME / f"{room}.py"] if (HOME / f"{room}.py").exists() else (HOME / room).rglob("*.py")
    found = set[str]()
    for path in files:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom):
                found |= {f"{node.module}.{name.name}" for name in node.names}
            elif isinstance(node, ast.Import):
                found |= {name.name for name in node.names}
    ours = {name.split(".")[1] for name in found if name.startswith("energy_sweep.")}
    return (ours & rooms()) - {room, "record"}


def test_the_arrows_drawn_are_the_imports_there_are() -> None:
    drawn = re.findall(r"^```arrows\n(.*?)^```", MAP.read_text(encoding="utf-8"), re.M | re.S)
    arrows = {line.split()[0]: set(line.split()[1:]) for line in drawn[0].splitlines()}
    there = {room: imported_rooms(room) for room in rooms() - {"app"}}
    assert arrows == {room: found for room, found in there.items() if found}


def test_each_decision_has_a_number_of_its_own_which_its_topic_lists() -> None:
    text = (ROOT / "docs" / "decisions.md").read_text()
    topics = re.split(r"^## ", text, flags=re.M)[1:]
    held = {
        topic.partition("\n")[0]: sorted(map(int, re.findall(r"^(\d+)\\\.", topic, flags=re.M)))
        for topic in topics
    }
    numbers = [number for of in held.values() for number in of]
    assert len(numbers) == len(set(numbers))
    rows = re.findall(r"^\| \[(.+)\]\(#.+\) \| ([\d, ]+) \|$", text, flags=re.M)
    assert {topic: [int(one) for one in of.split(", ")] for topic, of in rows} == held
