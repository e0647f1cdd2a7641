"""Ctrl-C ends a server wherever the program was when it was typed, without a word."""

from __future__ import annotations

import subprocess
import sys

import pytest

SCRIPT = """
import os, signal, threading, time
from energy_sweep.study.server import Server, until_interrupted

def interrupt():
    os.kill(os.getpid(), signal.SIGINT)

def work(stop):
    if {when!r} == "before":
        interrupt()
    with Server(lambda environ, start: [], 0) as server:
        if {when!r} == "while it serves":
            threading.Timer(0.3, interrupt).start()
        if {when!r} == "in a library that does not look":
            interrupt()
            time.sleep(600)
        server.serve_until(stop)
        print("closed")

until_interrupted(work)
print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)
"""


@pytest.mark.parametrize(
    ("when", "said"),
    [
        ("before", "closed\nTrue\n"),
        ("while it serves", "closed\nTrue\n"),
        ("in a library that does not look", "True\n"),
    ],
)
def test_an_interrupt_ends_a_server(when: str, said: str) -> None:
    command = [sys.executable, "-c", SCRIPT.format(when=when)]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert (ran.stdout, ran.stderr) == (said, "")
