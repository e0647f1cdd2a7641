"""A web server for one person on one machine, which no slow or strange client holds up."""

from __future__ import annotations

import io
import json
import signal
import socket
import sys
import time
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from socketserver import ThreadingMixIn
from types import FrameType
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

HOST = "127.0.0.1"
LOCAL_NAMES = ("127.0.0.1", "localhost", "::1")
READING = ("GET", "HEAD", "OPTIONS")
REQUEST_SECONDS = 10.0
ARTIFACTS = "/artifacts/"
# A page that lies with a study may run its own scripts, but reaches no page of ours, nor a network.
BOX = "sandbox allow-scripts allow-downloads; default-src 'unsafe-inline' data: blob:"
BOXED = [
    ("Content-Security-Policy", BOX),
    ("X-Content-Type-Options", "nosniff"),
]
ANSWER_SECONDS = 120.0  # for each write, which may go through a slow tunnel


@contextmanager
def interruptible() -> Generator[None]:
    """Hold on to Ctrl-C, so that a server ends by it wherever it fell.

    What a callback of the garbage collector raises is reported and forgotten, a KeyboardInterrupt
    too. Needs the main thread.
    """

    def note(number: int, frame: FrameType | None) -> None:
        Server.interrupted = True
        signal.default_int_handler(number, frame)

    before = signal.signal(signal.SIGINT, note)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        Server.interrupted = False


class Server(ThreadingMixIn, WSGIServer):
    """Answers each connection in a thread of its own, and only to this machine's own names.

    Nothing can be changed through it unless it is `writable`.
    """

    daemon_threads = True
    request_queue_size = 128
    interrupted = False

    def service_actions(self) -> None:
        """End by an interrupt that was lost; asked twice a second."""
        super().service_actions()
        if self.interrupted:
            raise KeyboardInterrupt

    def __init__(self, app: WSGIApplication, port: int, *, writable: bool = False) -> None:
        super().__init__((HOST, port), _Handler)
        self.set_app(_only_local(_boxed(app if writable else _only_reading(app))))

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away or said nothing is no news."""
        if not isinstance(sys.exception(), (TimeoutError, ConnectionError)):
            super().handle_error(request, client_address)


class _Handler(WSGIRequestHandler):
    timeout = ANSWER_SECONDS

    def setup(self) -> None:
        super().setup()
        self.rfile = io.BufferedReader(_Hurried(self.connection, REQUEST_SECONDS))

    def log_message(self, format: str, *args: Any) -> None:
        """Requests are not worth a line each."""


class _Hurried(socket.SocketIO):
    """Reads a socket until a moment: a time-out for each read alone is renewed by every byte."""

    def __init__(self, connection: socket.socket, seconds: float) -> None:
        super().__init__(connection, "r")
        self._connection = connection
        self._end = time.monotonic() + seconds

    def readinto(self, b: WriteableBuffer) -> int | None:
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._connection.settimeout(left)
        try:
            return super().readinto(b)
        finally:
            self._connection.settimeout(ANSWER_SECONDS)


def _only_local(app: WSGIApplication) -> WSGIApplication:
    """Refuse other names and other sites' pages: a site may call itself by our address.

    Any port will do, since a tunnel (ssh -L) has its own.
    """

    def checked(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        host, origin = environ.get("HTTP_HOST", ""), environ.get("HTTP_ORIGIN")
        if _name(f"//{host}") in LOCAL_NAMES and origin in (None, f"http://{host}"):
            return app(environ, start_response)
        start_response("403 Forbidden", [("Content-Type", "text/plain; charset=utf-8")])
        port = environ.get("SERVER_PORT", "")
        return [f"This is for this machine alone: open http://{HOST}:{port}/\n".encode()]

    return checked


def _boxed(app: WSGIApplication) -> WSGIApplication:
    """Keep what is attached to a study, which may be a stranger's page, away from all else."""

    def checked(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if not environ.get("PATH_INFO", "").startswith(ARTIFACTS):
            return app(environ, start_response)

        def start(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            kept = [(k, v) for k, v in headers if k.lower() != "access-control-allow-origin"]
            return start_response(status, [*kept, *BOXED], *more)

        return app(environ, start)

    return checked


def _only_reading(app: WSGIApplication) -> WSGIApplication:
    """Refuse what would change something, in the form in which the dashboard shows refusals."""

    def checked(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ.get("REQUEST_METHOD") in READING:
            return app(environ, start_response)
        start_response("403 Forbidden", [("Content-Type", "application/json")])
        return [json.dumps({"reason": "read-only: start the dashboard with --write"}).encode()]

    return checked


def _name(address: str) -> str | None:
    try:
        return urlsplit(address).hostname
    except ValueError:
        return None
