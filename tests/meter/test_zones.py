"""Packages and their memory are found once each, in trees of every kind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from meter.fake_powercap import DRAM_RANGE, PACKAGE_RANGE, Powercap, machine

from energy_sweep.meter.rapl.powercap import NoZones
from energy_sweep.meter.rapl.zones import Zones, find_zones


@pytest.fixture(name="tree")
def _tree(tmp_path: Path) -> Iterator[Powercap]:
    tree = Powercap(tmp_path / "powercap")
    yield tree
    tree.stop()


def found_in(tree: Powercap) -> Zones:
    with tree:
        return find_zones(tree.root)


def domains(found: Zones) -> tuple[str, ...]:
    return tuple(zone.domain for zone in found.read)


def test_packages_and_their_memory_are_counted_and_nothing_else(tmp_path: Path) -> None:
    tree = machine(tmp_path / "powercap", packages=2)
    tree.add("intel-rapl:2", "psys")
    tree.add("intel-rapl:0:2", "uncore")
    (tree.root / "intel-rapl").mkdir()  # the control type stands beside its zones
    (tree.root / "dtpm:0").mkdir()
    found = found_in(tree)
    assert domains(found) == ("cpu:0", "dram:0", "cpu:1", "dram:1")
    assert [zone.span for zone in found.read] == [PACKAGE_RANGE, DRAM_RANGE] * 2
    assert found.read[3].entry == "intel-rapl:1:1"
    assert not found.notes


def test_many_packages_come_in_the_order_of_their_numbers(tree: Powercap) -> None:
    for index in (10, 2, 0):
        tree.add(f"intel-rapl:{index}", f"package-{index}")
    assert domains(found_in(tree)) == ("cpu:0", "cpu:2", "cpu:10")


def test_folders_inside_each_other_are_found_too(tree: Powercap) -> None:
    """As below /sys/devices/virtual/powercap, which is what a container can be given."""
    tree.add("intel-rapl:0", "package-0", inside="intel-rapl")
    tree.add("intel-rapl:0:0", "dram", inside="intel-rapl/intel-rapl:0", range_uj=DRAM_RANGE)
    assert domains(found_in(tree)) == ("cpu:0", "dram:0")


def test_registers_are_preferred_to_memory_mapped_counters(tree: Powercap) -> None:
    tree.add("intel-rapl:0", "package-0")
    tree.add("intel-rapl-mmio:0", "package-0")
    tree.add("intel-rapl-mmio:0:0", "dram")
    found = found_in(tree)
    assert domains(found) == ("cpu:0",)
    assert found.read[0].entry == "intel-rapl:0"


def test_memory_mapped_counters_stand_in_for_closed_registers(tree: Powercap) -> None:
    tree.add("intel-rapl:0", "package-0").close()
    tree.add("intel-rapl:0:0", "dram")
    tree.add("intel-rapl-mmio:0", "package-0")
    tree.add("intel-rapl-mmio:0:0", "dram")
    found = found_in(tree)
    assert domains(found) == ("cpu:0", "dram:0")
    assert [zone.entry for zone in found.read] == ["intel-rapl-mmio:0", "intel-rapl-mmio:0:0"]
    assert "in place of" in found.notes[0]


def test_packages_that_this_process_may_not_use_are_left_out(tmp_path: Path) -> None:
    with machine(tmp_path / "powercap", packages=3) as tree:
        found = find_zones(tree.root, [1])
        with pytest.raises(NoZones, match="package 0 is left out"):
            find_zones(tree.root, [7])
    assert domains(found) == ("cpu:1", "dram:1")
    assert "package 2 is left out: this process may not run there" in found.notes


def test_dies_are_counted_apart(tree: Powercap) -> None:
    for die in range(2):
        tree.add(f"intel-rapl:{die}", f"package-0-die-{die}")
        tree.add(f"intel-rapl:{die}:0", "dram", range_uj=DRAM_RANGE)
    found = found_in(tree)
    assert domains(found) == ("cpu:0-die-0", "dram:0-die-0", "cpu:0-die-1", "dram:0-die-1")


def test_mirrored_dies_are_one_package(tree: Powercap) -> None:
    for package in range(2):
        shown = tree.add(f"intel-rapl:{4 * package}", f"package-{package}-die-0")
        for die in range(1, 4):
            entry = f"intel-rapl:{4 * package + die}"
            tree.mirror(entry, f"package-{package}-die-{die}", shown)
    found = found_in(tree)
    assert domains(found) == ("cpu:0", "cpu:1")
    assert "intel-rapl:7 shows the counter of intel-rapl:4: counted once" in found.notes


def test_equal_numbers_that_part_again_are_two_counters(tree: Powercap) -> None:
    tree.add("intel-rapl:0", "package-0", start_uj=77, watts=50.0)
    tree.add("intel-rapl:1", "package-1", start_uj=77, watts=90.0)
    assert domains(found_in(tree)) == ("cpu:0", "cpu:1")


@pytest.mark.parametrize("text", ["", "zero", "-5", "1_000", "12 13", "\x00"])
def test_what_is_not_a_number_is_refused(tree: Powercap, text: str) -> None:
    tree.add("intel-rapl:0", "package-0").show(text)
    with pytest.raises(NoZones, match="energy_uj does not hold a number"):
        find_zones(tree.root)


def test_no_tree_is_explained(tmp_path: Path) -> None:
    for root in (tmp_path, tmp_path / "absent"):
        with pytest.raises(NoZones) as error:
            find_zones(root)
        assert "usual in a virtual machine or a container" in str(error.value)
        assert "-v /sys/devices/virtual/powercap" in str(error.value)
        assert "\n" not in str(error.value)


def test_a_tree_that_a_container_hides_is_told_from_none(tmp_path: Path) -> None:
    (tmp_path / "intel-rapl:0").symlink_to(tmp_path / "masked" / "intel-rapl:0")
    with pytest.raises(NoZones, match="a container hides"):
        find_zones(tmp_path)


def test_a_tree_without_packages_is_refused(tree: Powercap) -> None:
    tree.add("intel-rapl:0", "psys")
    with pytest.raises(NoZones, match="no counter of a CPU package"):
        find_zones(tree.root)


def test_a_closed_counter_is_named_with_the_commands_that_open_it(tree: Powercap) -> None:
    zone = tree.add("intel-rapl:0", "package-0")
    zone.close()
    with pytest.raises(NoZones) as error:
        find_zones(tree.root)
    text = str(error.value)
    assert str(zone.file) in text and f"mode {zone.file.stat().st_mode & 0o7777:04o}" in text
    assert f"sudo chmod a+r {tree.root}/intel-rapl*/energy_uj" in text
    assert 'SUBSYSTEM=="powercap", KERNEL=="intel-rapl*:*", RUN+="/bin/chmod a+r /sys%p' in text
    assert "/etc/udev/rules.d/" in text and "meter=estimate" in text
    assert "\n" not in text


def test_memory_that_is_closed_is_not_left_out_silently(tree: Powercap) -> None:
    tree.add("intel-rapl:0", "package-0")
    tree.add("intel-rapl:0:0", "dram").close()
    with pytest.raises(NoZones, match="intel-rapl:0:0/energy_uj cannot be read"):
        find_zones(tree.root)


def test_a_package_that_stands_still_is_refused(tree: Powercap) -> None:
    tree.add("intel-rapl:0", "package-0").hold()
    tree.add("intel-rapl:1", "package-1")
    with tree, pytest.raises(NoZones, match="intel-rapl:0/energy_uj stands still"):
        find_zones(tree.root)


def test_memory_that_stands_still_is_missing_and_not_0(tree: Powercap) -> None:
    tree.add("intel-rapl:0", "package-0")
    tree.add("intel-rapl:0:0", "dram", start_uj=0).hold()
    found = found_in(tree)
    assert domains(found) == ("cpu:0",)
    assert found.notes == ("intel-rapl:0:0 (dram:0) stands still: left out",)


@pytest.mark.parametrize("text", ["", "many", "0", "-1"])
def test_a_range_that_is_no_number_is_none(tree: Powercap, text: str) -> None:
    zone = tree.add("intel-rapl:0", "package-0")
    (zone.folder / "max_energy_range_uj").write_text(text)
    found = found_in(tree)
    assert found.read[0].span is None
    assert "begins again at 0 is lost" in found.notes[0]
