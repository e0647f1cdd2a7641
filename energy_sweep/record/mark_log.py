"""Readings that outlive a kill before the record that they belong to is written."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

from energy_sweep.record import Mark, from_json, to_json
from energy_sweep.record.files import check_kind, read_file
from energy_sweep.record.seal import Damaged, parse, seal, unseal


class MarkLog:
    """Marks of epochs, or of trials of plans, that outlive a kill; one sealed JSON line each."""

    def __init__(self, folder: Path):
        self.path = folder / "epochs.jsonl"

    def append(self, epoch: int, mark: Mark) -> None:
        """Add the mark of an epoch whose weights, or of work whose record, is not saved yet."""
        if self.path.exists():
            check_kind(self.path)
        with self.path.open("a", encoding="utf-8") as file:
            # The newline comes first, to end whatever line a kill left half written.
            file.write("\n" + json.dumps(seal({"epoch": epoch, "mark": to_json(mark)})))

    def after(self, epoch: int) -> list[Mark]:
        """Marks of finished epochs beyond `epoch`: their weights are gone, their joules spent."""
        try:
            lines = read_file(self.path).splitlines()
        except OSError:
            return []
        marks: list[Mark] = []
        for line in lines:
            # A line may be empty, half written when the process was killed, or damaged since.
            with suppress(ValueError, TypeError, KeyError, AttributeError, Damaged):
                entry, _ = unseal(parse(line))
                if entry["epoch"] > epoch:
                    marks.append(from_json(Mark, entry["mark"]))
        return marks

    def clear(self) -> None:
        self.path.unlink(missing_ok=True)
