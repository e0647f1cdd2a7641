"""The one writer of whole files, and the seal of what it writes."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from energy_sweep.record.files import replace_file, write_whole
from energy_sweep.record.seal import SEAL, Damaged, seal, unseal

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize("umask", [0o022, 0o077, 0o002])
def test_files_have_the_rights_that_the_umask_leaves(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        write_whole(tmp_path / "a.json", "{}")
    finally:
        os.umask(before)
    assert (tmp_path / "a.json").stat().st_mode & 0o777 == 0o666 & ~umask


def test_what_fails_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "weights.bin"
    write_whole(path, b"old")
    with pytest.raises(RuntimeError), replace_file(path) as part:
        part.write_bytes(b"half")
        raise RuntimeError
    assert path.read_bytes() == b"old" and os.listdir(tmp_path) == ["weights.bin"]


@given(st.dictionaries(st.text(), JSON, max_size=4))
@pytest.mark.no_cover
def test_a_seal_survives_json_both_ways(document: dict[str, object]) -> None:
    stored = json.loads(json.dumps(seal(document)))
    content, was_sealed = unseal(stored)
    expected = {name: value for name, value in document.items() if name != SEAL}
    assert was_sealed and json.dumps(content) == json.dumps(expected)


@given(st.integers(0, 10**6))
def test_any_changed_digit_breaks_the_seal(place: int) -> None:
    text = json.dumps(seal({"joules": 1.521, "marks": [129, {"loss": math.nan}]}))
    digits = [i for i, letter in enumerate(text) if letter.isdigit()]
    at = digits[place % len(digits)]
    changed = f"{text[:at]}{(int(text[at]) + 1) % 10}{text[at + 1 :]}"
    with pytest.raises((Damaged, ValueError)):
        unseal(json.loads(changed))


def test_what_has_no_seal_is_of_a_former_version() -> None:
    assert unseal({"joules": 1}) == ({"joules": 1}, False)
    with pytest.raises(Damaged):
        unseal([1])
