"""Workers of one study in PostgreSQL, killed at random while the server is restarted once: a slice
of `python -m benchmarks.workers --kill`, which has eight of them run 200 trials."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from postgres_server import PostgresServer

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.no_cover
def test_killed_workers_lose_no_trial_and_run_none_twice(postgres_server: PostgresServer) -> None:
    typed = ["-m", "benchmarks.workers", "--kill", "--workers", "4", "--trials", "30"]
    done = subprocess.run([sys.executable, *typed], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    [run] = json.loads(done.stdout.splitlines()[-1])["each"]
    assert run["wrong"] == [] and run["killed"] > 0 and run["restarts"] == 1
    assert run["states"]["measured"] == run["database"]["COMPLETE"] == 30
