"""Freed memory is kept while a trial runs, and given back after it."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

from energy_sweep.device.allocator import keep_freed_memory

BYTES = 100 * 2**20
# In a process of its own: in an old one the heap may end where it cannot grow.
SCRIPT = f"""
import resource
import numpy as np
from energy_sweep.device.allocator import keep_freed_memory

def faults_of_a_step():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    np.ones({BYTES}, np.uint8)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

def resident_bytes():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()

assert faults_of_a_step() > 10, "there was nothing to save"
with keep_freed_memory() as kept:
    assert kept
    faults_of_a_step()
    with keep_freed_memory():
        pass  # an inner user's end is not the end
    assert faults_of_a_step() <= 10
    held = resident_bytes()
assert held - resident_bytes() > 0.9 * {BYTES}
assert faults_of_a_step() > 10
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="malloc is not glibc's")
def test_a_step_takes_no_new_pages_and_the_end_gives_them_back():
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_another_malloc_is_left_alone(monkeypatch):
    monkeypatch.setattr("platform.libc_ver", lambda: ("", ""))
    with keep_freed_memory() as kept:
        assert not kept
