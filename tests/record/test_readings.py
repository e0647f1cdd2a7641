"""Readings count no joule twice."""

from __future__ import annotations

import pytest

from energy_sweep.record import DomainEnergy, EnergyReading, Quality


def part(domain: str) -> DomainEnergy:
    return DomainEnergy(
        domain=domain,
        joules=1.0,
        uncertainty_joules=0.1,
        source="toy",
        quality=Quality.COUNTER,
    )


def test_a_reading_adds_its_domains_and_counts_none_twice() -> None:
    both = EnergyReading(domains=(part("cpu:0"), part("gpu:0")), seconds=1.0)
    assert both.joules == 2.0
    with pytest.raises(ValueError, match="twice"):
        EnergyReading(domains=(part("cpu:0"), part("gpu:0"), part("cpu:0")), seconds=1.0)
