"""docs/extend.md is true: what it shows is written to files, typed and run."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from energy_sweep.app.main import main

PAGE = Path(__file__).parents[1] / "docs/extend.md"
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.M | re.S)
FILE = re.compile(r"# (my\S+)\n")
MOST_LINES = {"lamp": 38}  # a meter has more to say
LINES = 28


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with the files of the page, where it is typed."""
    for _, text in BLOCKS:
        if named := FILE.match(text):
            path = tmp_path / named[1]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    for name in [name for name in sys.modules if name.partition(".")[0] == "mypackage"]:
        del sys.modules[name]


@pytest.mark.no_cover
def test_the_page_runs(mine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    [(_, typed)] = [block for block in BLOCKS if block[0] == "sh"]
    alone, sweep = (shlex.split(line)[3:] for line in typed.splitlines())
    quick = ["meter=replay", "name=mine", "device=cpu", "device.plan=contiguous"]
    assert main([*alone, *quick]) == 0
    assert main([*sweep, *quick]) == 0
    said = capsys.readouterr().out
    assert "dropped" in said and "stripes" in said
    [program] = [text for kind, text in BLOCKS if kind == "python" and not FILE.match(text)]
    exec(compile(program, str(PAGE), "exec"), {"__name__": "page"})
    said = capsys.readouterr().out
    assert "J for" in said and "'train'" in said
    assert 0.45 < float(said.split("without")[1]) < 0.55


@pytest.mark.parametrize(
    "text", [text for kind, text in BLOCKS if kind == "python" and FILE.match(text)]
)
def test_an_example_is_short(text: str) -> None:
    named = FILE.match(text)
    assert named is not None
    lines = [line for line in text.splitlines() if line.strip()]
    assert len(lines) <= MOST_LINES.get(Path(named[1]).stem, LINES)
