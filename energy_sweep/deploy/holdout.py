"""Who has seen the test split of a study: each further look makes its accuracy less fair."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Generator
from pathlib import Path

from filelock import FileLock

from energy_sweep.record.documents import read_json
from energy_sweep.record.files import write_whole
from energy_sweep.record.seal import Damaged

TEST_LOOKS = "test_split.json"


@contextlib.contextmanager
def count_look(looks_file: Path, config_key: str) -> Generator[int]:
    """Count a configuration as one that has seen the test split, and give how many have.

    It is taken out again where the work inside fails, since nobody was shown anything then.
    """
    with FileLock(looks_file.with_name(f".{looks_file.name}.lock")):
        before = read_looks(looks_file)
        seen = [*before, *({config_key} - set(before))]
        if seen != before:
            _write(looks_file, seen)
        try:
            yield len(seen)
        except BaseException:
            if seen != before:
                with contextlib.suppress(OSError):  # then it stays counted, once too often
                    _write(looks_file, before)
            raise


def read_looks(looks_file: Path) -> list[str]:
    """The configurations that have seen the test split; Damaged where that is not known."""
    if not looks_file.exists():
        return []
    try:
        seen = read_json(looks_file)
        if not isinstance(seen, list) or not all(isinstance(key, str) for key in seen):
            raise Damaged(f"{looks_file} is damaged (it is no list of configurations)")
    except Damaged as error:
        raise Damaged(
            f"{error}, and with it how many have seen the test split: put a copy of it there, or"
            " remove it, which counts from one again"
        ) from error
    return seen


def _write(looks_file: Path, seen: list[str]) -> None:
    if seen:
        write_whole(looks_file, json.dumps(seen, indent=1) + "\n")
    else:
        looks_file.unlink(missing_ok=True)
