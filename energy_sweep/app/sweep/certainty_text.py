"""What a sweep says while it buys certainty, and of what that came to."""

from __future__ import annotations

from energy_sweep.front import joules_text
from energy_sweep.search.events import Bought, BuyingBegins, BuyingEnds, Certainty

_ENDS: dict[BuyingEnds, str] = {
    "empty": "no configuration has a price and an accuracy yet",
    "decided": "every member of the front is decided",
    "share": "what is left of the share buys nothing that tells, and a larger one may",
    "learned": "what is left in doubt, no purchase would settle",
    "joules": "search.joules is spent",
    "seconds": "search.seconds have passed",
    "failures": "search.max_failures in a row",
}


def begins_text(event: BuyingBegins, quality: str) -> str:
    """Before the first look."""
    return (
        f"search.{event.setting}: what decides the front is measured again,"
        f" for at most {joules_text(max(0.0, event.left_joules))} {quality}"
    )


def bought_text(event: Bought, quality: str) -> str:
    """One purchase."""
    return (
        f"  {event.what}: {joules_text(event.joules)} {quality},"
        f" {joules_text(max(0.0, event.left_joules))} left"
    )


def certainty_text(event: Certainty, quality: str) -> str:
    """All that was bought under one setting."""
    counts = [(event.rounds, "round"), (event.seeds, "seed")]
    parts = [f"{count} {name}{'' if count == 1 else 's'}" for count, name in counts if count]
    bought = f"{' and '.join(parts)} for {joules_text(event.joules)} {quality}" if parts else ""
    before, after = event.doubt
    doubt = f"{before:.1f} members expected to be wrong before, {after:.1f} now"
    if event.first_seeds:
        doubt = (
            f"{before:.1f} members expected to be wrong before, of one seed each,"
            f" {after:.1f} now, of any seed"
        )
    if not bought:
        bought, doubt = "nothing bought", f"{after:.1f} members expected to be wrong"
    return f"search.{event.setting}: {bought}; {doubt}; {_ENDS[event.ended]}"
