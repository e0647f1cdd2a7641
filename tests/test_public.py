"""The names that users import, and what importing them does not load."""

from __future__ import annotations

import subprocess
import sys

import pytest

import energy_sweep


def test_public_names_are_sorted_and_all_there() -> None:
    assert energy_sweep.__all__ == sorted(set(energy_sweep.__all__))
    for name in energy_sweep.__all__:
        assert callable(getattr(energy_sweep, name)), name
    assert set(energy_sweep.__all__) <= set(dir(energy_sweep))


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="pareto_front"):
        _ = energy_sweep.pareto_front


@pytest.mark.parametrize(
    ("names", "absent"),
    [
        ("", "torch optuna hydra numpy"),
        ("Recipe, Space, pareto, choose, rows, write_report", "torch optuna hydra"),
        ("open_meter, measure", "torch optuna hydra numpy"),
        ("load_study, search", "torch hydra"),
    ],
)
def test_names_load_only_what_they_need(names: str, absent: str) -> None:
    lines = [
        "import sys, energy_sweep",
        f"from energy_sweep import {names}" if names else "",
        f"print([name for name in '{absent}'.split() if name in sys.modules])",
    ]
    found = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)], capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == "[]"
