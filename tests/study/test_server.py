"""The server of the dashboard, over real sockets."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from energy_sweep.study import server as room
from energy_sweep.study.server import Server

IDLE = 60


def hello(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    length = int(environ.get("CONTENT_LENGTH") or 0)
    body = environ["wsgi.input"].read(length)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"hello " + body]


@pytest.fixture
def port() -> Iterator[int]:
    with served(writable=True) as port:
        yield port


@contextmanager
def served(*, writable: bool) -> Iterator[int]:
    with Server(hello, 0, writable=writable) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield server.server_port
        server.shutdown()


def ask(port: int, method: str = "GET", **headers: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    body = b"you" if method == "POST" else None
    connection.request(method, "/", body=body, headers=headers)
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


def test_idle_and_slow_clients_hold_nobody_up(port: int) -> None:
    clients = [socket.create_connection(("127.0.0.1", port)) for _ in range(IDLE)]
    for slow in clients[::2]:
        slow.sendall(b"GET / HTTP/1.1\r\nX-Slow: ")
    begun = time.monotonic()
    for _ in range(5):
        assert ask(port) == (200, "hello ")
        clients[0].sendall(b"a")
    assert ask(port, "POST") == (200, "hello you")
    assert time.monotonic() - begun < 1
    for client in clients:
        client.close()


def test_a_byte_now_and_then_buys_no_time(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "REQUEST_SECONDS", 0.3)
    posted = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n"
    for first in (b"", b"GET / HTTP/1.1\r\n", posted):
        with socket.create_connection(("127.0.0.1", port)) as client:
            begun = time.monotonic()
            client.sendall(first)
            client.settimeout(0.05)
            while time.monotonic() - begun < 5:
                try:
                    if not client.recv(100):
                        break
                except TimeoutError:
                    client.sendall(b"a")
                except ConnectionError:
                    break
            assert 0.2 < time.monotonic() - begun < 2


def test_a_client_that_goes_away_is_no_news(port: int, capfd: pytest.CaptureFixture[str]) -> None:
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(b"GET / HT")
    assert ask(port)[0] == 200
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "LOCALHOST", "[::1]"])
def test_it_answers_to_this_machine_through_any_port(port: int, name: str) -> None:
    for host in (name, f"{name}:{port}", f"{name}:9000"):  # the last through a tunnel
        assert ask(port, Host=host)[0] == 200
        assert ask(port, "POST", Host=host, Origin=f"http://{host}")[0] == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "127.0.0.1.evil.example:8080"},
        {"Host": "evil.example:8080@127.0.0.1.evil.example"},
        {"Host": "[::1"},
        {"Host": ""},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
    ],
)
def test_it_refuses_other_names_and_other_sites(port: int, headers: dict[str, str]) -> None:
    status, text = ask(port, "POST", **headers)
    assert status == 403 and f"open http://127.0.0.1:{port}/" in text


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_nothing_is_changed_unless_that_was_asked_for(method: str) -> None:
    with served(writable=False) as port:
        assert ask(port)[0] == 200
        assert ask(port, method) == (
            403,
            '{"reason": "read-only: start the dashboard with --write"}',
        )
    with served(writable=True) as port:
        assert ask(port, method)[0] == 200
