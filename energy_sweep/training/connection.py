"""Messages between the processes of one trial: JSON and tensors, over loopback only, no pickle."""

from __future__ import annotations

import hmac
import json
import os
import secrets
import socket
import struct
from collections.abc import Mapping
from typing import NamedTuple

import safetensors.torch
from torch import Tensor

from energy_sweep.record import JsonDict

LOOPBACK = "127.0.0.1"
# How a started process finds this one: in its environment, which other users cannot read.
PORT, TOKEN = "ENERGY_SWEEP_PORT", "ENERGY_SWEEP_TOKEN"
_LENGTHS = struct.Struct(">QQ")
# A stranger who connects may send no more than a greeting, and may not keep us waiting.
_GREETING_BYTES, _GREETING_SECONDS = 1024, 5.0


class Message(NamedTuple):
    """Plain JSON values, and tensors by name."""

    plain: JsonDict
    tensors: Mapping[str, Tensor] = {}


class Connection:
    """One end of a line to another process; ConnectionError where the other end is gone."""

    def __init__(self, line: socket.socket) -> None:
        self.line = line
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, message: Message) -> None:
        text = json.dumps(message.plain, allow_nan=False).encode()
        body = safetensors.torch.save(dict(message.tensors)) if message.tensors else b""
        self.line.sendall(_LENGTHS.pack(len(text), len(body)) + text)
        self.line.sendall(body)

    def receive(self, most_bytes: int | None = None) -> Message:
        """The next message, however long it takes to come; waiting costs no processor time."""
        text, body = _LENGTHS.unpack(self._bytes(_LENGTHS.size))
        if most_bytes is not None and text + body > most_bytes:
            raise ConnectionError("a message is longer than it may be")
        plain = json.loads(self._bytes(text))
        return Message(plain, safetensors.torch.load(self._bytes(body)) if body else {})

    def close(self) -> None:
        """Hang up, so that the other end notices at once."""
        self.line.close()

    def _bytes(self, count: int) -> bytes:
        piece, view = bytearray(count), 0
        room = memoryview(piece)
        while view < count:
            got = self.line.recv_into(room[view:])
            if not got:
                raise ConnectionError("the other end hung up")
            view += got
        return bytes(piece)


class Listener:
    """Where started processes connect: a port of the system's choice, open on loopback only."""

    def __init__(self) -> None:
        self.token = secrets.token_hex(32)
        self.socket = socket.create_server((LOOPBACK, 0))

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs to know to get in."""
        return {PORT: str(self.socket.getsockname()[1]), TOKEN: self.token}

    def accept(self, seconds: float) -> tuple[int, int, Connection] | None:
        """Rank, process id and line of the next one that knows the token; None if none comes."""
        self.socket.settimeout(seconds)
        try:
            line, _ = self.socket.accept()
        except TimeoutError:
            return None
        line.settimeout(_GREETING_SECONDS)
        connection = Connection(line)
        try:
            greeting = connection.receive(_GREETING_BYTES).plain
            if not hmac.compare_digest(str(greeting["token"]), self.token):
                raise ConnectionError("a stranger")
            rank, pid = int(greeting["rank"]), int(greeting["pid"])
        except (OSError, ValueError, TypeError, KeyError):
            connection.close()
            return None
        line.settimeout(None)
        return rank, pid, connection

    def close(self) -> None:
        self.socket.close()


def connect(rank: int) -> Connection:
    """Connect to the process that started this one, and take its token out of the environment."""
    port, token = int(os.environ.pop(PORT)), os.environ.pop(TOKEN)
    connection = Connection(socket.create_connection((LOOPBACK, port)))
    connection.send(Message({"token": token, "rank": rank, "pid": os.getpid()}))
    return connection
