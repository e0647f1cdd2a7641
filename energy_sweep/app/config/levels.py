"""What a user is told of levels that are carried out as others, or by fewer steps than typed."""

from __future__ import annotations

from dataclasses import dataclass, field

from energy_sweep.recipe import Recipe

Outcome = tuple[str, str, float]  # what was typed, what does it, and at which level


@dataclass(slots=True)
class Levels:
    """The levels asked so far, by what they come to."""

    _asked: dict[Outcome, list[float]] = field(default_factory=dict[Outcome, list[float]])

    def add(self, recipe: Recipe) -> None:
        """Take note of the level of a recipe, if it comes to something else than was asked."""
        level, typed = recipe.effective_level, recipe.compression
        done = recipe.effective_compression if level else typed
        if level == recipe.level and done.title == typed.title:
            return
        asked = self._asked.setdefault((typed.title, done.title, level), [])
        if recipe.level not in asked:
            asked.append(recipe.level)

    def lines(self) -> list[str]:
        """A line for each outcome that levels were asked for in vain."""
        return [_line(*outcome, sorted(asked)) for outcome, asked in self._asked.items()]


def _line(typed: str, done: str, level: float, asked: list[float]) -> str:
    levels = ", ".join(f"{one:g}" for one in asked)
    if done != typed:
        return (
            f"level: {typed} at {levels} is {done} alone, which removes {level:g} of the weight"
            f" bits: above {level:g} the others have a part"
        )
    return f"level: {typed} at {levels} is {level:g}, the nearest level that there is"
