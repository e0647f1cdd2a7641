"""A web server for one person on one machine, which no slow or strange client holds up."""

from __future__ import annotations

import contextlib
import io
import json
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterable
from socketserver import ThreadingMixIn
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
LOOKS_SECONDS = 0.2  # from one look whether Ctrl-C was typed to the next
GRACE_SECONDS = 2.0  # until work that does not look is left to the end of the process
ANSWER_SECONDS = 120.0  # for each write, which may go through a slow tunnel


def until_interrupted(work: Callable[[threading.Event], None]) -> None:
    """Do `work` in a thread of its own until it ends, or until Ctrl-C sets the event it is given.

    No KeyboardInterrupt is raised: it would fall anywhere, also where a library logs it or a
    callback of the garbage collector forgets it. Needs the main thread; raises what `work` raises.
    """
    stop, failures = threading.Event(), list[BaseException]()

    def run() -> None:
        try:
            work(stop)
        except BaseException as error:
            failures.append(error)

    before = signal.signal(signal.SIGINT, lambda *_: stop.set())
    try:
        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        while thread.is_alive() and not stop.is_set():
            thread.join(LOOKS_SECONDS)
        thread.join(GRACE_SECONDS)
    finally:
        signal.signal(signal.SIGINT, before)
    if failures:
        raise failures[0]


class Stopped(Exception):
    """A server is to end."""


class Server(ThreadingMixIn, WSGIServer):
    """Answers each connection in a thread of its own, and only to this machine's own names.

    Nothing can be changed through it unless it is `writable`.
    """

    daemon_threads = True
    request_queue_size = 128

    def serve_until(self, stop: threading.Event) -> None:
        """Answer until the event is set."""
        self._stop = stop
        with contextlib.suppress(Stopped):
            self.serve_forever(poll_interval=LOOKS_SECONDS)

    def service_actions(self) -> None:
        """End where that is asked for; called between requests, and after each interval."""
        super().service_actions()
        if self._stop.is_set():
            raise Stopped

    def __init__(self, app: WSGIApplication, port: int, *, writable: bool = False) -> None:
        self._stop = threading.Event()
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
