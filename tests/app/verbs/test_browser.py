"""The report and the dashboard as a browser shows them; every page is opened in Chromium."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import toy_study
from chromium import FLAGS, find
from stored_study import store_study

from energy_sweep.record import Objective
from energy_sweep.report.html_page import write_report

pytestmark = pytest.mark.slow

DUMP_FLAGS = (*FLAGS, "--window-size=1400,1000", "--virtual-time-budget=15000")
NOBODY = "not an origin"  # who asks for what Chromium wants for itself


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A page after its scripts ran, and the addresses they asked for."""

    html: str
    requests: tuple[str, ...]

    @property
    def words(self) -> str:
        """The text of the page; marks within a line do not part it."""
        joined = re.sub(r"</?span[^>]*>", "", self.html)
        return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", joined))

    @property
    def points(self) -> int:
        """How many points Plotly has drawn."""
        return len(re.findall(r'<path class="point[ "]', self.html))


@pytest.fixture(scope="module")
def chromium() -> str:
    return find()


def look(chromium: str, address: str, folder: Path) -> Seen:
    """Open an address in a new browser; `folder` is for its profile and network log."""
    log = folder / "network.json"
    command = [
        chromium,
        *DUMP_FLAGS,
        f"--user-data-dir={folder / 'profile'}",
        f"--log-net-log={log}",
    ]
    done = subprocess.run(
        [*command, "--dump-dom", address], capture_output=True, text=True, timeout=120, check=True
    )
    return Seen(html=done.stdout, requests=_requests(log))


def _requests(log: Path) -> tuple[str, ...]:
    """What the page asked for; the browser's own requests come from no origin."""
    document = json.loads(log.read_text(encoding="utf-8"))
    started = document["constants"]["logEventTypes"]["URL_REQUEST_START_JOB"]
    events = [event.get("params", {}) for event in document["events"] if event["type"] == started]
    own = [event for event in events if event.get("initiator", NOBODY) != NOBODY]
    return tuple(dict.fromkeys(event["url"] for event in own))


def abroad(seen: Seen) -> list[str]:
    """Requests that would leave this machine."""
    return [url for url in seen.requests if urlsplit(url).hostname not in (None, "127.0.0.1")]


@pytest.fixture(scope="module")
def dashboard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a dashboard, started by the verb as a user would."""
    outputs = tmp_path_factory.mktemp("dashboard") / "outputs"
    store_study(outputs, "toy", toy_study.grid())
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    words = ["dashboard", "toy", "--outputs", str(outputs), "--port", str(port), "--no-browser"]
    server = subprocess.Popen(
        [sys.executable, "-m", "energy_sweep", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        _wait(address, server)
        yield address
    finally:
        server.terminate()
        server.wait(timeout=10)


def _wait(address: str, server: subprocess.Popen[str]) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if server.poll() is not None:
            pytest.fail(f"the dashboard ended: {server.communicate()[0]}")
        try:
            urllib.request.urlopen(address, timeout=2).read()
            return
        except OSError:
            time.sleep(0.1)
    pytest.fail("the dashboard does not answer")


def test_a_request_that_leaves_the_machine_would_be_seen(chromium: str, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text("<p>hello<img src='http://pictures.example/a.png'>")
    seen = look(chromium, page.as_uri(), tmp_path)
    assert abroad(seen) == ["http://pictures.example/a.png"]


def test_report_opens_from_a_file_and_asks_nothing_of_the_network(
    chromium: str, tmp_path: Path
) -> None:
    page = tmp_path / "report.html"
    record = toy_study.grid()
    write_report(record, Objective(), page)
    seen = look(chromium, page.as_uri(), tmp_path)
    assert abroad(seen) == []
    assert "estimated" in seen.words and "python -m energy_sweep batch=" in seen.words
    assert seen.points == len(record.trials)
    buttons = re.findall(r'data-title="([^"]*)"', seen.html)
    assert buttons and not [name for name in buttons if "share" in name.lower()]


def test_dashboard_names_the_axes_and_shows_our_study_note(
    chromium: str, dashboard: str, tmp_path: Path
) -> None:
    seen = look(chromium, f"{dashboard}/dashboard/studies/1", tmp_path)
    assert "Objective X: accuracy" in seen.words and "Objective Y: joules" in seen.words
    assert abroad(seen) == []
    note = look(chromium, f"{dashboard}/dashboard/studies/1/note", tmp_path)
    assert "On the front, cheapest first" in note.words and "Open the report" in note.words


def test_our_page_opens_inside_the_dashboard(chromium: str, dashboard: str, tmp_path: Path) -> None:
    note = look(chromium, f"{dashboard}/dashboard/studies/1/note", tmp_path)
    link = re.search(r'href="([^"]*/artifacts/[^"]*)"', note.html)
    assert link is not None, "the study note has no link to the report"
    page = look(chromium, f"{dashboard}{urlsplit(link[1]).path}", tmp_path)
    assert "python -m energy_sweep batch=" in page.words and page.points > 0
    assert abroad(page) == []


def test_note_of_a_trial_tells_its_joules_and_the_command(
    chromium: str, dashboard: str, tmp_path: Path
) -> None:
    seen = look(chromium, f"{dashboard}/dashboard/studies/1/trials?numbers=3", tmp_path)
    assert "J estimated" in seen.words
    assert "python -m energy_sweep batch=" in seen.words


def test_dashboard_listens_on_this_machine_only(dashboard: str) -> None:
    port = urlsplit(dashboard).port
    listening = Path("/proc/net/tcp").read_text().splitlines()[1:]
    local = [line.split()[1] for line in listening if line.split()[3] == "0A"]
    assert [place for place in local if place.endswith(f":{port:04X}")] == [f"0100007F:{port:04X}"]
