"""`make quick` runs the tests nearest to what changed."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).parents[1] / "scripts" / "changed_tests.py"


@pytest.fixture(scope="module", name="script")
def _script() -> ModuleType:
    found = importlib.util.spec_from_file_location("changed_tests", SCRIPT)
    assert found is not None and found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


@pytest.mark.no_cover
def test_nearest_is_what_bears_its_name_then_what_imports_it(script: ModuleType) -> None:
    first, *others = script.nearest({"energy_sweep/meter/replay.py"})
    assert first == "tests/meter/test_replay.py"
    importing = {"tests/meter/test_watts.py", "tests/meter/test_window_lock.py"}
    assert importing <= set(others[: script.MOST])
    assert script.nearest({first})[0] == first


@pytest.mark.no_cover
def test_what_is_no_code_is_tested_by_what_names_it(script: ModuleType) -> None:
    assert "tests/app/config/test_conf_folder.py" in script.nearest({"conf/meter/replay.yaml"})
    assert script.nearest({f"docs/{'x' * 9}.md"}) == []
    assert script.nearest(set()) == []


@pytest.mark.no_cover
def test_a_helper_of_tests_reaches_all_that_import_it(script: ModuleType) -> None:
    found = script.nearest({"tests/formula_world.py"})
    assert {"tests/search/test_search.py", "tests/study/test_study.py"} <= set(found)
