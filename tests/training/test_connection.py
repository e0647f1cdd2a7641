"""Messages arrive as they were sent, and only who knows the token gets in."""

from __future__ import annotations

import socket
import threading

import pytest
import torch

from energy_sweep.training.connection import (
    LOOPBACK,
    PORT,
    TOKEN,
    Connection,
    Listener,
    Message,
    connect,
)


@pytest.fixture
def door():
    opened = Listener()
    yield opened
    opened.close()


def test_messages_hold_values_and_tensors(door: Listener, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in door.environment.items():
        monkeypatch.setenv(name, value)
    theirs: list[Connection] = []
    coming = threading.Thread(target=lambda: theirs.append(connect(3)))
    coming.start()
    admitted = door.accept(10.0)
    coming.join()
    assert admitted is not None and admitted[0] == 3
    ours = admitted[2]
    sent = Message({"loss": 0.1, "lr": [1e-300]}, {"x": torch.tensor([[1.5], [-0.0]]).double()})
    theirs[0].send(sent)
    got = ours.receive()
    assert got.plain == sent.plain and torch.equal(got.tensors["x"], sent.tensors["x"])
    ours.send(Message({}))
    assert theirs[0].receive() == Message({})
    theirs[0].close()
    with pytest.raises(OSError):
        ours.receive()
    ours.close()


@pytest.mark.parametrize("greeting", [{"token": "0" * 64, "rank": 0, "pid": 1}, {"rank": 0}, {}])
def test_strangers_are_sent_away(door: Listener, greeting: dict[str, object]) -> None:
    stranger = Connection(socket.create_connection((LOOPBACK, int(door.environment[PORT]))))
    stranger.send(Message(greeting))
    assert door.accept(10.0) is None
    with pytest.raises(OSError):
        stranger.receive()
    stranger.close()


def test_a_stranger_cannot_make_us_hold_much(door: Listener) -> None:
    stranger = Connection(socket.create_connection((LOOPBACK, int(door.environment[PORT]))))
    stranger.send(Message({"token": door.environment[TOKEN] + " " * 4096, "rank": 0, "pid": 1}))
    assert door.accept(10.0) is None
    stranger.close()


def test_nobody_comes(door: Listener) -> None:
    assert door.accept(0.01) is None
    assert door.socket.getsockname()[0] == LOOPBACK
