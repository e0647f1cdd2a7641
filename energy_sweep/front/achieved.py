"""What a compression achieved beside the level that it was asked for, and what it kept."""

from __future__ import annotations

from dataclasses import dataclass

from energy_sweep.record import JsonDict

# A larger share of zeros than chance gives.
FEW = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Achieved:
    """The level that a compression carried out, and the share of the dense net's weight bits that
    it `removed`, of which those at zero are still in the file; None where that is not known.

    `zeros` is the share of the weights in the file that are exactly zero.
    """

    level: float
    removed: float | None
    zeros: float | None

    @property
    def text(self) -> str:
        """The achievement in the technique's own terms; empty where nothing was compressed."""
        if not self.level:
            return ""
        zeros = self.zeros if self.zeros and self.zeros > FEW else 0.0
        parts = [f"{zeros:.3f} zeros"] if zeros else []
        if self.removed is not None and not abs(self.removed - zeros) <= FEW:
            parts.insert(0, f"{self.removed:.3f} removed")
        return ", ".join(parts)


def achieved(config: JsonDict, facts: JsonDict) -> Achieved:
    """What the facts of a trial say of its compression."""
    level = config.get("level", 0.0)
    removed = facts.get("removed_weight_bits")
    return Achieved(
        level=level, removed=removed if level else None, zeros=facts.get("zero_weights")
    )


def kept_by_layer(facts: JsonDict) -> dict[str, str]:
    """What is left of each layer, in words."""
    if "channels" in facts and "dense_channels" in facts:
        dense = facts["dense_channels"]
        return {name: f"{n} of {dense[name]}" for name, n in facts["channels"].items()}
    if "ranks" in facts:
        return {name: f"rank {rank}" for name, rank in facts["ranks"].items()}
    shares = facts.get("sparsity_by_layer", {})
    return {name: f"{1 - share:.2f} of the weights" for name, share in shares.items()}


def name_of(compression: JsonDict) -> str:
    """The technique of a configuration, or those of its chain."""
    steps = compression.get("steps")
    return "+".join(s["technique"]["name"] for s in steps) if steps else compression["name"]
