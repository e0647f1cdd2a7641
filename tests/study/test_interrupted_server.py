"""Ctrl-C ends a server, also one that fell where Python forgets it."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import os, signal, weakref
from energy_sweep.study.server import Server, interruptible

class Thing:
    pass

with interruptible():
    thing = Thing()
    lost = weakref.ref(thing, lambda _: os.kill(os.getpid(), signal.SIGINT))
    del thing
    print("still here", flush=True)
    try:
        with Server(lambda environ, start: [], 0) as server:
            server.serve_forever()
    except KeyboardInterrupt:
        print("ended")
print(Server.interrupted, signal.getsignal(signal.SIGINT) is signal.default_int_handler)
"""


def test_an_interrupt_that_a_callback_swallowed_ends_the_server_all_the_same() -> None:
    command = [sys.executable, "-c", SCRIPT]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert "Exception ignored in" in ran.stderr
    assert ran.stdout.split("\n")[:3] == ["still here", "ended", "False True"]
