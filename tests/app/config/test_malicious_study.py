"""A stranger's study, made to harm: nothing of it runs, and nothing leaves its folder."""

from __future__ import annotations

import re
import shutil
import socket
import time
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hostile import CONFIGURED, DOCUMENTS, LINKED, SERVED, Attack, tree

from energy_sweep.app.main import main
from tests.chaos.base import SWEEP, TRAINING

CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
EVIL = "from pathlib import Path\nPath({path!r}).touch()\n"
SECRET = "TOP-SECRET"


@pytest.fixture
def study(finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of that study, as it came from a stranger."""
    monkeypatch.chdir(tmp_path)
    return shutil.copytree(finished, tmp_path / "outputs" / "study")


@pytest.fixture
def victim(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Files of the victim's, some as our own verbs write and delete; and a module to import."""
    home = tmp_path / "home"
    store = home / "stages" / "ab" / ("ab" + 62 * "0")
    for path in (home / "secret", home / "other" / "ph" / "phd", store / "epoch-00001.safetensors"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(SECRET)
    (store / "record-0000000000000000.json").write_text("{}")
    (home / "folder").mkdir()
    monkeypatch.setenv("TOKEN", SECRET)
    (tmp_path / "evil.py").write_text(EVIL.format(path=str(tmp_path / "sprung")))
    monkeypatch.syspath_prepend(tmp_path)
    return home


@pytest.fixture
def faces() -> Iterator[dict[str, list[str]]]:
    """What may be typed of a study; the port is taken, so that no dashboard waits for clients."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        yield {
            "front": ["front", "study"],
            "json": ["front", "study", "--json"],
            "csv": ["front", "study", "--csv"],
            "choose": ["choose", "study"],
            "report": ["report", "study", "--to", "page.html"],
            "dashboard": ["dashboard", "study", "--port", str(taken.getsockname()[1])],
            "deploy": ["deploy", "study", "--trial", "1", "--to", "deployed"],
            "again": ["stages", "study", "--again"],
            "clear": ["stages", "study", "--clear"],
            "resume": list(SWEEP),
        }


def harmless(words: list[str], victim: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """Run a command on a hostile study; gives its exit code and what it printed."""
    before, begun = tree(victim), time.monotonic()
    code = main(words)
    out, err = capsys.readouterr()
    assert code in (0, 1, 2, 3) and time.monotonic() - begun < TRAINING
    assert "Traceback" not in err and not CONTROLS.search(out + err)
    said = [line for line in err.splitlines() if not line.startswith(("damaged: ", "mended: "))]
    assert code != 2 or len(said) == 1, err
    assert tree(victim) == before and not (victim.parent / "sprung").exists()
    assert SECRET not in out + err
    return code, out + err


@pytest.mark.parametrize("attack", CONFIGURED.values(), ids=CONFIGURED)
def test_no_stored_configuration_runs_anything(
    attack: Attack,
    study: Path,
    victim: Path,
    faces: dict[str, list[str]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    attack(study, victim)
    code, _ = harmless(faces["deploy"], victim, capsys)
    assert code == 2 and not Path("deployed").exists()


READING = ("front", "json", "choose", "report", "clear")


@pytest.mark.parametrize("attack", DOCUMENTS.values(), ids=DOCUMENTS)
@pytest.mark.no_cover
def test_no_document_of_a_study_does_harm(
    attack: Attack,
    study: Path,
    victim: Path,
    faces: dict[str, list[str]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    attack(study, victim)
    for face in READING:
        harmless(faces[face], victim, capsys)
    if attack in SERVED:
        harmless(faces["dashboard"], victim, capsys)
        harmless(faces["resume"], victim, capsys)
    if Path("page.html").exists():
        Page().feed(Path("page.html").read_text())


@pytest.mark.parametrize("attack", LINKED.values(), ids=LINKED)
@pytest.mark.no_cover
def test_nothing_is_written_or_deleted_through_a_link(
    attack: Attack,
    study: Path,
    victim: Path,
    faces: dict[str, list[str]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    attack(study, victim)
    harmless(faces["front"], victim, capsys)
    for face in ("deploy", "again", "clear", "dashboard", "resume"):
        code, said = harmless(faces[face], victim, capsys)
        assert code in (0, 2) and (code == 0 or "is a link to" in said), (face, said)


class Page(HTMLParser):
    """A report, in which there is nothing but what we wrote."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = dict(attrs)
        assert tag not in ("img", "iframe", "object", "base"), tag
        assert tag != "link" or said == {"rel": "icon", "href": "data:,"}
        assert not any(name.startswith("on") or name == "src" for name in said)
