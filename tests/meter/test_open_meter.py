"""Meters are opened by name, and what is missing says why and what to type."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from energy_sweep.meter import MeterUnavailable, nvml, open_meter, rapl, survey
from energy_sweep.record import BadInput

CONF = Path(__file__).parents[2] / "conf"


@pytest.mark.parametrize("name", ["nvml", "rapl"])
def test_meters_to_come_say_so(name: str) -> None:
    with pytest.raises(MeterUnavailable, match="type meter=estimate"):
        open_meter(name)


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("nope", "type one of meter=auto"),
        ({"name": "estimate", "watts": 3}, "meter.watts: no such setting"),
        ({"name": "replay", "cpu_tdp_w": 3}, "no such setting"),
        ({"name": "estimate", "threads": 3}, "no such setting"),
        ({"name": "estimate", "cpu_watts_per_core": "much"}, "above 0"),
    ],
)
def test_bad_specs_are_refused_in_one_line(spec: Any, says: str) -> None:
    with pytest.raises(BadInput, match=says) as error:
        open_meter(spec)
    assert "\n" not in str(error.value)


def test_joules_of_a_gpu_are_never_left_out_silently() -> None:
    for name in ("auto", "estimate"):
        with pytest.raises(MeterUnavailable, match="device=cpu"):
            open_meter(name, devices=["GPU-0"])
    assert open_meter("replay", devices=["GPU-0"]).facts().domains == ("replay",)


def test_auto_says_what_it_took(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO"):
        meter = open_meter("auto")
    assert meter.facts().sources == ("estimate",)
    assert "auto takes estimate" in caplog.text


def test_the_survey_names_every_source() -> None:
    probes = {probe.source: probe for probe in survey()}
    assert list(probes) == ["nvml", "rapl", "estimate", "replay"]
    assert probes["estimate"].usable and probes["replay"].usable
    for probe in probes.values():
        assert probe.why and probe.remedy


def test_rapl_tells_apart_absent_unreadable_and_readable(tmp_path: Path) -> None:
    assert "no RAPL counters" in rapl.probe(tmp_path).why
    zone = tmp_path / "intel-rapl:0"
    zone.mkdir()
    (zone / "energy_uj").mkdir()  # fails to open for root too, whom file modes do not stop
    assert "chmod a+r" in rapl.probe(tmp_path).why
    (zone / "energy_uj").rmdir()
    (zone / "energy_uj").write_text("12\n")
    assert "does not read them yet" in rapl.probe(tmp_path).why
    (zone / "energy_uj").write_text("zero\n")
    assert "does not hold a number" in rapl.probe(tmp_path).why


def test_nvml_tells_a_driver_from_none() -> None:
    assert "no NVIDIA driver" in nvml.probe("libno-such-library.so.1").why
    assert "driver is here" in nvml.probe("libc.so.6").why


@pytest.mark.parametrize("name", ["auto", "estimate", "replay"])
def test_conf_opens_the_meter_of_its_name(name: str) -> None:
    from hydra import compose, initialize_config_dir
    from omegaconf import OmegaConf

    with initialize_config_dir(str(CONF), version_base=None):
        spec: Any = OmegaConf.to_container(compose(overrides=[f"+meter={name}"]).meter)
    assert spec["name"] == name
    assert open_meter(spec).facts() == open_meter(name).facts()


@pytest.mark.parametrize("path", sorted(CONF.glob("meter/*")) + sorted(CONF.glob("device/*")))
def test_conf_opens_with_the_command_that_uses_it(path: Path) -> None:
    first = path.read_text().splitlines()[0]
    assert first.startswith("# ")
    assert f"python -m energy_sweep {path.parent.name}={path.stem}" in first
    assert yaml.safe_load(path.read_text())["name"] == path.stem


def test_meters_need_no_torch() -> None:
    code = (
        "import sys; from energy_sweep.meter import open_meter, survey; open_meter(); survey();"
        "sys.exit(any(m in sys.modules for m in ('torch', 'numpy', 'optuna', 'hydra')))"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
