"""A real browser for tests: Debian's chromium, driven by Playwright, with no way to any network."""

from __future__ import annotations

import os
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # Nothing beyond this machine is even looked up.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)


def find() -> str:
    """Where chromium is; without it tests are skipped, but for CI, where they fail."""
    path = shutil.which("chromium")
    if path is None and os.environ.get("CI") == "true":
        pytest.fail("no chromium: run scripts/install-system-packages")
    if path is None:
        pytest.skip("no chromium: run scripts/install-system-packages")
    return path


@contextmanager
def browser() -> Generator[Browser]:
    """A new browser with a profile of its own."""
    path = find()
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        try:
            yield opened
        finally:
            opened.close()


@dataclass(kw_only=True)
class Tab:
    """A tab, what it asked for beyond its own file, and what it complained of."""

    page: Page
    context: BrowserContext
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    @property
    def abroad(self) -> list[str]:
        """Requests that would leave this machine."""
        return [one for one in self.requests if urlsplit(one).hostname not in (None, "127.0.0.1")]

    def keep_picture(self, folder: Path, name: str) -> None:
        """Keep the whole page as a picture among the outputs of the tests."""
        self.page.screenshot(path=folder / f"{name}.png", full_page=True)


@contextmanager
def tab(opened: Browser, **settings: Any) -> Generator[Tab]:
    """A fresh tab with settings such as `color_scheme` and `viewport`."""
    context = opened.new_context(**{"viewport": {"width": 1400, "height": 1000}, **settings})
    found = Tab(page=context.new_page(), context=context)
    found.page.on("request", lambda request: found.requests.append(request.url))
    found.page.on("pageerror", lambda error: found.complaints.append(str(error)))
    found.page.on(
        "console",
        lambda said: found.complaints.append(said.text) if said.type == "error" else None,
    )
    found.page.set_default_timeout(30_000)
    try:
        yield found
    finally:
        context.close()
