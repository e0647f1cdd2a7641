"""The report and the dashboard as a browser shows them, and what they ask of any network."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import toy_study
from chromium import Tab, tab
from playwright.sync_api import Browser, expect
from stored_study import store_study

from energy_sweep.record import Objective
from energy_sweep.report.html_page import write_report

pytestmark = pytest.mark.slow


@pytest.fixture
def opened(chromium: Browser) -> Iterator[Tab]:
    with tab(chromium) as found:
        yield found


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


def test_a_request_that_leaves_the_machine_would_be_seen(opened: Tab, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text("<p>hello<img src='http://pictures.example/a.png'>")
    opened.page.goto(page.as_uri())
    assert opened.abroad == ["http://pictures.example/a.png"]


def test_report_opens_from_a_file_and_asks_nothing_of_the_network(
    opened: Tab, tmp_path: Path
) -> None:
    page = tmp_path / "report.html"
    record = toy_study.grid()
    write_report(record, Objective(), page)
    opened.context.route(re.compile(r"^(?!file:|data:)"), lambda route: route.abort())
    opened.page.goto(page.as_uri())
    expect(opened.page.locator("#front path.point")).to_have_count(len(record.trials))
    assert [one for one in opened.requests if not one.startswith("data:")] == [page.as_uri()]
    assert opened.complaints == []
    expect(opened.page.locator("#headline code").first).to_contain_text(
        "python -m energy_sweep batch="
    )
    buttons = opened.page.locator("[data-title]").evaluate_all(
        "found => found.map((one) => one.dataset.title)"
    )
    assert buttons and not [name for name in buttons if "share" in name.lower()]


def test_dashboard_names_the_axes_and_shows_our_study_note(opened: Tab, dashboard: str) -> None:
    opened.page.goto(f"{dashboard}/dashboard/studies/1")
    expect(opened.page.get_by_text("Objective X").first).to_be_visible()
    words = " ".join(opened.page.locator("body").inner_text().split())
    assert "accuracy" in words and "joules" in words
    opened.page.goto(f"{dashboard}/dashboard/studies/1/note")
    expect(opened.page.get_by_text("On the front, cheapest first")).to_be_visible()
    expect(opened.page.get_by_text("Open the report")).to_be_visible()
    assert opened.abroad == []


def test_our_page_opens_inside_the_dashboard(opened: Tab, dashboard: str) -> None:
    opened.page.goto(f"{dashboard}/dashboard/studies/1/note")
    link = opened.page.locator('a[href*="/artifacts/"]').first.get_attribute("href")
    assert link is not None, "the study note has no link to the report"
    opened.page.goto(f"{dashboard}{urlsplit(link).path}")
    expect(opened.page.locator("#front path.point").first).to_be_visible()
    expect(opened.page.locator("#headline code").first).to_contain_text(
        "python -m energy_sweep batch="
    )
    assert opened.abroad == []


def test_note_of_a_trial_tells_its_joules_and_the_command(opened: Tab, dashboard: str) -> None:
    opened.page.goto(f"{dashboard}/dashboard/studies/1/trials?numbers=3")
    expect(opened.page.get_by_text("J estimated").first).to_be_visible()
    expect(opened.page.get_by_text("python -m energy_sweep batch=").first).to_be_visible()


def test_dashboard_listens_on_this_machine_only(dashboard: str) -> None:
    port = urlsplit(dashboard).port
    listening = Path("/proc/net/tcp").read_text().splitlines()[1:]
    local = [line.split()[1] for line in listening if line.split()[3] == "0A"]
    assert [place for place in local if place.endswith(f":{port:04X}")] == [f"0100007F:{port:04X}"]
