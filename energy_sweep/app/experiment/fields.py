"""Fields of a YAML mapping, taken one by one, so that what is left over is a mistake."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from typing import Any, NoReturn, cast

from energy_sweep.record import BadInput, JsonDict


@dataclass(frozen=True, slots=True)
class Fields:
    """A mapping, and `where` it stands, which every complaint begins with."""

    found: JsonDict
    where: str
    taken: set[str] = field(default_factory=set[str])

    @staticmethod
    def of(found: Any, where: str) -> Fields:
        """Of what YAML gave; BadInput where it is no mapping."""
        if not isinstance(found, dict):
            raise BadInput(f"{where} is no mapping: write key: value lines there")
        return Fields({str(key): value for key, value in cast(JsonDict, found).items()}, where)

    def refuse(self, why: str) -> NoReturn:
        """Raise BadInput that names this place."""
        raise BadInput(f"{self.where} {why}")

    def take(self, name: str) -> Any:
        """The value of a field, None where it is not there."""
        self.taken.add(name)
        return self.found.get(name)

    def text(self, name: str, *, needed: bool = False) -> str:
        """Text in one line; empty where there is none."""
        value = self.take(name)
        if value is None and not needed:
            return ""
        if not isinstance(value, str | int | float) or isinstance(value, bool):
            self.refuse(f"needs text for {name}: write {name}: WORDS")
        return " ".join(str(value).split())

    def number(self, name: str) -> float | None:
        """A number above 0; None where there is none."""
        value = self.take(name)
        if value is None:
            return None
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or not 0 < value < float("inf"):
            self.refuse(f"has {name}: {value}, which is no number above 0: write {name}: 0.01")
        return float(value)

    def flag(self, name: str) -> bool:
        """True or false, which it is where it is not there."""
        value = self.take(name)
        if value not in (None, True, False):
            self.refuse(f"has {name}: {value}: write {name}: true, or leave it out")
        return bool(value)

    def mapping(self, name: str) -> JsonDict:
        """A mapping; empty where there is none."""
        value = self.take(name)
        return {} if value is None else Fields.of(value, f"{self.where}: {name}").found

    def sequence(self, name: str) -> list[Any]:
        """A list; empty where there is none."""
        value = self.take(name)
        if value is not None and not isinstance(value, list):
            self.refuse(f"needs a list for {name}: write {name}: [..]")
        return cast(list[Any], value or [])

    def end(self) -> None:
        """BadInput for a field that nobody took."""
        for name in self.found.keys() - self.taken:
            near = difflib.get_close_matches(name, self.taken, n=1)
            hint = f"write {near[0]}" if near else f"it takes {', '.join(sorted(self.taken))}"
            self.refuse(f"has {name}, which says nothing there: {hint}")


def text_list(fields: Fields, name: str) -> list[str]:
    """A list of words, each as it is typed."""
    found = fields.sequence(name)
    if not all(isinstance(word, str) and word.strip() for word in found):
        fields.refuse(f"needs words for {name}, each as it is typed: write [lr=0.1, 'seed=0,1']")
    return [str(word) for word in found]
