"""Drives a real browser over its DevTools pipe: sizes, clicks, scripts, pictures."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # Nothing beyond this machine is even looked up.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
PATIENCE = 30.0


def find() -> str:
    """Where chromium is; without it tests are skipped, but for CI, where they fail."""
    path = shutil.which("chromium")
    if path is None and os.environ.get("CI") == "true":
        pytest.fail("no chromium: run scripts/install-system-packages")
    if path is None:
        pytest.skip("no chromium: run scripts/install-system-packages")
    return path


class Page:
    """One tab: every call waits for the browser's answer."""

    def __init__(self, orders: int, answers: int) -> None:
        self._orders, self._answers = orders, os.fdopen(answers, "rb")
        self._count = 0
        self._session: str | None = None
        target = self._do("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._do("Target.attachToTarget", targetId=target, flatten=True)[
            "sessionId"
        ]

    def open(self, address: str, *, width: int, height: int = 900) -> None:
        """Show an address in a window of this size, and wait until its scripts ran."""
        screen = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self._do("Emulation.setDeviceMetricsOverride", **screen)
        self._do("Page.navigate", url=address)
        self.wait("document.readyState == 'complete' && location.href != 'about:blank'")

    def run(self, script: str) -> Any:
        """The value of an expression of JavaScript."""
        answer = self._do(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True
        )
        if "exceptionDetails" in answer:
            raise RuntimeError(answer["exceptionDetails"]["exception"]["description"])
        return answer["result"].get("value")

    def wait(self, script: str) -> None:
        """Wait until an expression is true."""
        end = time.monotonic() + PATIENCE
        while not self.run(script):
            if time.monotonic() > end:
                raise TimeoutError(script)
            time.sleep(0.05)

    def point(self, x: float, y: float) -> None:
        """Move the mouse there."""
        self._do("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    def click(self, x: float, y: float, times: int = 1) -> None:
        """Press and release the left button there, once or twice in a row."""
        self.point(x, y)
        for count in range(1, times + 1):
            button = {"x": x, "y": y, "button": "left", "clickCount": count}
            self._do("Input.dispatchMouseEvent", type="mousePressed", **button)
            self._do("Input.dispatchMouseEvent", type="mouseReleased", **button)

    def picture(self, path: Path) -> None:
        """The whole page as a PNG."""
        height = self.run("document.documentElement.scrollHeight")
        clip = {"x": 0, "y": 0, "width": self.run("innerWidth"), "height": height, "scale": 1}
        answer = self._do("Page.captureScreenshot", captureBeyondViewport=True, clip=clip)
        path.write_bytes(base64.b64decode(answer["data"]))

    def _do(self, method: str, **parameters: Any) -> Any:
        self._count += 1
        order = {"id": self._count, "method": method, "params": parameters}
        if self._session is not None:
            order["sessionId"] = self._session
        os.write(self._orders, json.dumps(order).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._count:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']['message']}")
                return answer["result"]

    def _next(self) -> Any:
        text = bytearray()
        while (byte := self._answers.read(1)) != b"\0":
            if not byte:
                raise RuntimeError("the browser has ended")
            text += byte
        return json.loads(text)


@contextmanager
def browser(folder: Path) -> Generator[Page]:
    """A new browser whose profile is in `folder`."""
    its_orders, orders = os.pipe()
    answers, its_answers = os.pipe()

    def place() -> None:  # DevTools speaks on 3 and 4
        high = os.dup(its_answers)
        os.dup2(os.dup(its_orders), 3)
        os.dup2(high, 4)

    command = [find(), *FLAGS, f"--user-data-dir={folder}", "--remote-debugging-pipe"]
    process = subprocess.Popen(
        command,
        preexec_fn=place,
        close_fds=False,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(its_orders)
    os.close(its_answers)
    try:
        yield Page(orders, answers)
    finally:
        process.terminate()
        process.wait(timeout=10)
        os.close(orders)
