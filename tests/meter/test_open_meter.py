"""Meters are opened by name, and what is missing says why and what to type."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from meter.fake_nvml import ENERGY, NOT_SUPPORTED, UUIDS, FakeBoard, FakeNvml
from meter.fake_powercap import machine

from energy_sweep.meter import MeterUnavailable, open_meter, rapl, survey
from energy_sweep.record import BadInput

CONF = Path(__file__).parents[2] / "conf"


def test_a_meter_that_is_named_is_not_replaced(tmp_path: Path) -> None:
    with pytest.raises(MeterUnavailable, match="type meter=estimate"):
        open_meter({"name": "rapl", "powercap": str(tmp_path)})
    with pytest.raises(MeterUnavailable, match="meter=nvml reads GPUs"):
        open_meter("nvml")


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("nope", "type one of meter=auto"),
        ({"name": "estimate", "watts": 3}, "meter.watts: no such setting"),
        ({"name": "replay", "cpu_tdp_w": 3}, "no such setting"),
        ({"name": "estimate", "threads": 3}, "no such setting"),
        ({"name": "estimate", "cpu_watts_per_core": "much"}, "above 0"),
        ({"name": "estimate", "powercap": "/sys"}, "no such setting"),
        ({"name": "rapl", "cpu_tdp_w": 3}, "meter.cpu_tdp_w: no such setting"),
        ({"name": "nvml", "powercap": "/sys"}, "no such setting"),
        ({"name": "rapl", "powercap": None}, "meter.powercap=None: type the folder"),
        ({"name": "rapl", "self_check": "maybe"}, "type true or false"),
    ],
)
def test_bad_specs_are_refused_in_one_line(spec: Any, says: str) -> None:
    with pytest.raises(BadInput, match=says) as error:
        open_meter(spec)
    assert "\n" not in str(error.value)


def test_joules_of_a_gpu_are_never_left_out_silently() -> None:
    for name in ("auto", "estimate", "rapl"):
        with pytest.raises(MeterUnavailable, match="device=cpu"):
            open_meter(name, devices=[UUIDS[0]])
    assert open_meter("replay", devices=[UUIDS[0]]).facts().domains == ("replay",)


def test_auto_says_why_it_estimates(tmp_path: Path) -> None:
    facts = open_meter({"name": "auto", "powercap": str(tmp_path)}).facts()
    assert facts.sources == ("estimate",)
    assert f"no energy counters of the CPU under {tmp_path}" in facts.details["why"]


def test_auto_takes_counters_where_there_are_some(tmp_path: Path) -> None:
    with machine(tmp_path / "powercap") as tree:
        spec = {"name": "auto", "powercap": str(tree.root), "self_check": False}
        facts = open_meter({**spec, "cpu_watts_per_core": 5.0}).facts()
        assert (facts.sources, facts.domains) == (("rapl",), ("cpu:0", "dram:0"))
        assert "why" not in facts.details
        with FakeNvml(tmp_path).preloaded():
            assert open_meter(spec).facts().sources == ("rapl",)
            both = open_meter(spec, devices=[UUIDS[0]]).facts()
    assert (both.sources, both.domains) == (("nvml", "rapl"), ("gpu:0", "cpu:0", "dram:0"))


def test_each_source_keeps_its_scale_band_and_all_have_the_widest(tmp_path: Path) -> None:
    boards = (FakeBoard(), FakeBoard(uuid=UUIDS[2], pci=2, errors={ENERGY: NOT_SUPPORTED}))
    spec = {"name": "auto", "powercap": str(tmp_path), "self_check": False}
    with FakeNvml(tmp_path, *boards).preloaded():
        facts = open_meter(spec, devices=[UUIDS[0], UUIDS[2]]).facts()
    assert facts.sources == ("nvml", "nvml-power", "estimate")
    assert facts.scale_bands == {
        "nvml": (0.885, 1.087),
        "nvml-power": (0.84, 1.14),
        "estimate": pytest.approx((2.8 / 3, 4.0)),
    }
    assert facts.scale_band == (0.84, 4.0)
    with machine(tmp_path / "powercap") as tree:
        alone = open_meter({"name": "rapl", "powercap": str(tree.root), "self_check": False})
    assert alone.facts().scale_band_of("rapl") == (1.0, 1.0)


def test_the_survey_names_every_source() -> None:
    probes = {probe.source: probe for probe in survey()}
    assert list(probes) == ["nvml", "rapl", "estimate", "replay"]
    assert probes["estimate"].usable and probes["replay"].usable
    for probe in probes.values():
        assert probe.why and probe.remedy


def test_the_survey_looks_for_counters_where_it_is_told(tmp_path: Path) -> None:
    with machine(tmp_path / "powercap") as tree:
        found = {probe.source: probe for probe in survey(tree.root)}
    assert found["rapl"].usable
    assert not {probe.source: probe for probe in survey(tmp_path)}["rapl"].usable


def composed(name: str) -> dict[str, Any]:
    from hydra import compose, initialize_config_dir
    from omegaconf import OmegaConf

    with initialize_config_dir(str(CONF), version_base=None):
        spec: Any = OmegaConf.to_container(compose(overrides=[f"+meter={name}"]).meter)
    assert spec["name"] == name
    return spec


@pytest.mark.parametrize("name", ["auto", "estimate", "replay"])
def test_conf_opens_the_meter_of_its_name(name: str) -> None:
    assert open_meter(composed(name)).facts() == open_meter(name).facts()


def test_conf_has_the_settings_of_counters(tmp_path: Path) -> None:
    spec = composed("rapl")
    assert spec["powercap"] == str(rapl.ROOT)
    with machine(tmp_path / "powercap") as tree:
        changed = {"powercap": str(tree.root), "self_check": False}
        assert open_meter({**spec, **changed}).facts().sources == ("rapl",)
    with FakeNvml(tmp_path).preloaded():
        spec = {**composed("nvml"), "self_check": False}
        assert open_meter(spec, devices=[UUIDS[0]]).facts().sources == ("nvml",)


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
