"""The evening of the docs is what a newcomer types: its commands run, on a short sweep."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]
SHORT = "dataset=digits batch=32,64 lr=0.1 epochs=4,8 compression.level=0,0.5"


def _script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("evening", ROOT / "scripts/evening.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_long_output_is_shown_by_its_ends() -> None:
    evening = _script()
    lines = [f"line {number}  " for number in range(100)]
    found = evening.shown("\n".join(lines)).splitlines()
    assert found[0] == "line 0" and found[-1] == "line 99"
    assert found[evening.HEAD] == f"[... {100 - evening.HEAD - evening.TAIL} lines more ...]"
    assert evening.shown("one\n") == "one\n"


def test_each_command_is_typed_and_answered_in_the_document(tmp_path: Path) -> None:
    evening = _script()
    document = 'before\n```console\n$ python -c "print(2 + 3)"\nold\n```\nafter\n'
    found = evening.evening(document, tmp_path)
    assert found == 'before\n```console\n$ python -c "print(2 + 3)"\n5\n```\nafter\n'


@pytest.mark.contracts
@pytest.mark.no_cover
def test_the_evening_ends_with_a_prediction(tmp_path: Path) -> None:
    evening = _script()
    text = evening.DOCUMENT.read_text(encoding="utf-8")
    assert (
        evening.evening(text, tmp_path, sweep=SHORT)
        .rstrip()
        .splitlines()[-2]
        .startswith("digit.png: ")
    )
