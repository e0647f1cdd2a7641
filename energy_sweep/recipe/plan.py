"""How a net is run on its device: in which memory layout, and compiled or not."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

AUTO = "auto"
LAYOUTS = ("contiguous", "channels_last")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One way to run a net; it changes joules, and weights in their last bits only."""

    layout: str = "contiguous"
    compile: bool = False

    @property
    def name(self) -> str:
        """As it is typed: `channels_last`, `contiguous+compile`."""
        return self.layout + ("+compile" if self.compile else "")


DEFAULT_PLAN = Plan()
PLANS = {
    plan.name: plan
    for plan in (
        Plan(layout=layout, compile=compiled)
        for compiled, layout in itertools.product((False, True), LAYOUTS)
    )
}


def candidates(device: str) -> tuple[Plan, ...]:
    """What `device.plan=auto` tries on `cpu` or `cuda`, plain first."""
    return tuple(plan for plan in PLANS.values() if device == "cuda" or not plan.compile)
