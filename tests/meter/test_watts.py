"""The watts of an estimate: published, the user's or calibrated, and never two of these."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from energy_sweep.meter import open_meter
from energy_sweep.record import BadInput, MeterFacts


def facts(**settings: Any) -> MeterFacts:
    return open_meter({"name": "estimate", **settings}).facts()


def test_design_power_is_spread_over_the_cpus() -> None:
    cores = os.cpu_count() or 1
    assert facts(cpu_tdp_w=10.0 * cores).coefficients["cpu_watts_per_core"] == 10.0


def test_the_band_is_that_of_published_watts() -> None:
    low, high = facts().scale_band
    assert (3.0 * low, 3.0 * high) == pytest.approx((2.8, 12.0))
    assert facts(cpu_watts_per_core=20.0).scale_band[1] == 1.0


@pytest.mark.parametrize("watts", [0, -3.0, float("nan"), float("inf"), True, None])
def test_watts_are_checked(watts: Any) -> None:
    with pytest.raises(BadInput, match="above 0"):
        facts(cpu_watts_per_core=watts)


def calibration(folder: Path, **values: Any) -> str:
    """A file as `energy-sweep meters --calibrate` writes it."""
    fitted = {
        "cpu_watts_per_core": 5.0,
        "memory_watts_per_gib": 0.5,
        "cpu_watts_band": [4.0, 7.5],
        "fitted_on": "2026-11-21",
        **values,
    }
    path = folder / "watts.json"
    path.write_text(json.dumps(fitted))
    return str(path)


def test_a_calibration_sets_the_watts_and_their_band(tmp_path: Path) -> None:
    path = calibration(tmp_path)
    found = facts(
        calibration=path, cpu_watts_per_core=3.0, memory_watts_per_gib=0.3725, cpu_tdp_w=None
    )
    assert found.coefficients == {"cpu_watts_per_core": 5.0, "memory_watts_per_gib": 0.5}
    assert found.scale_band == pytest.approx((0.8, 1.5))
    assert found.details["estimate"] == f"calibration {path}"


def test_a_calibration_that_saw_no_memory_or_no_error_takes_the_published(tmp_path: Path) -> None:
    path = calibration(tmp_path, memory_watts_per_gib=None, cpu_watts_band=None)
    found = facts(calibration=path)
    assert found.coefficients == {"cpu_watts_per_core": 5.0, "memory_watts_per_gib": 0.3725}
    assert found.scale_band == pytest.approx((2.8 / 5, 12 / 5))


def test_memory_may_be_fitted_to_nothing(tmp_path: Path) -> None:
    path = calibration(tmp_path, memory_watts_per_gib=0.0)
    assert facts(calibration=path).coefficients["memory_watts_per_gib"] == 0.0


@pytest.mark.parametrize("other", ["cpu_watts_per_core", "memory_watts_per_gib", "cpu_tdp_w"])
def test_a_calibration_and_other_watts_contradict_each_other(tmp_path: Path, other: str) -> None:
    with pytest.raises(BadInput, match=rf"meter\.{other} contradict .* type one") as error:
        facts(calibration=calibration(tmp_path), **{other: 4.0})
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "values",
    [
        {"cpu_watts_per_core": None},
        {"cpu_watts_per_core": "5"},
        {"cpu_watts_per_core": -5.0},
        {"memory_watts_per_gib": -0.1},
        {"memory_watts_per_gib": [1]},
        {"cpu_watts_band": [6.0, 7.0]},
        {"cpu_watts_band": [0.0, 7.0]},
        {"cpu_watts_band": [4.0]},
        {"cpu_watts_band": 4.0},
    ],
)
def test_a_calibration_is_checked(tmp_path: Path, values: dict[str, Any]) -> None:
    with pytest.raises(BadInput, match="type energy-sweep meters --calibrate") as error:
        facts(calibration=calibration(tmp_path, **values))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("text", ["", "{", "[1, 2]", "null", b"\xff\xfe"])
def test_a_file_that_is_no_calibration_says_what_to_type(tmp_path: Path, text: str | bytes) -> None:
    path = tmp_path / "watts.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    for given in (str(path), str(tmp_path), str(tmp_path / "missing.json"), True):
        with pytest.raises(BadInput, match="type energy-sweep meters --calibrate") as error:
            facts(calibration=given)
        assert str(given) in str(error.value) and "\n" not in str(error.value)


def test_facts_say_where_the_watts_come_from() -> None:
    assert facts().details["estimate"] == "default"
    assert facts(cpu_watts_per_core=4.5).details["estimate"] == "your meter.cpu_watts_per_core"
    assert facts(cpu_tdp_w=65, memory_watts_per_gib=0.4).details["estimate"] == (
        "your meter.memory_watts_per_gib and meter.cpu_tdp_w"
    )
