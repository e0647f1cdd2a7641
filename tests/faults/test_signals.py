"""SIGTERM from a scheduler: the epoch under way is kept, and the same command goes on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX"),
    pytest.mark.no_cover,
    pytest.mark.slow,
]
ROOT = Path(__file__).parents[2]
SWEEP = ["-m", "meter=replay", "name=study", "search/space=none", "device=cpu", "batch=128"]
SWEEP += ["device.plan=channels_last", "compression.level=0"]
SMALL = ["model.width=4", "model.depth=2"]
# An epoch that takes a while, and a state too large to be saved with each (progress.py).
SLOW = """
import time
from dataclasses import dataclass
from torch import nn

class Sleeping(nn.Module):
    def __init__(self, classes, seconds):
        super().__init__()
        self.seconds, self.flat, self.linear = seconds, nn.Flatten(), nn.Linear(64, classes)
        self.ballast = nn.Parameter(nn.init.zeros_(nn.Linear(2048, 1024).weight))

    def forward(self, images):
        if self.training:
            time.sleep(self.seconds)
        return self.linear(self.flat(images)) + 0 * self.ballast.sum()

@dataclass(frozen=True)
class Slow:
    name: str = "slow"
    seconds: float = 0.0
    def build(self, shape, classes):
        return Sleeping(classes, self.seconds)
"""


def start(folder: Path, *words: str, **environment: str) -> subprocess.Popen[str]:
    (folder / "ownnets").mkdir(exist_ok=True)
    (folder / "ownnets" / "slow.py").write_text(SLOW)
    return subprocess.Popen(
        [sys.executable, "-m", "energy_sweep", *SWEEP, *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{folder}", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def wait_for(found: Callable[[], Any], worker: subprocess.Popen[str]) -> Any:
    end = time.monotonic() + 120
    while not (seen := found()):
        assert worker.poll() is None, worker.communicate()
        assert time.monotonic() < end
        time.sleep(0.01)
    return seen


def states(folder: Path) -> list[Path]:
    return sorted((folder / "outputs").glob("study/stages/*/*/*.safetensors"))


def marks(folder: Path) -> Path | None:
    """The journal of a stage whose epochs are under way."""
    return next((folder / "outputs").glob("study/stages/*/*/epochs.jsonl"), None)


def record_of(folder: Path, stage: str) -> dict[str, Any]:
    for path in (folder / "outputs").glob("study/stages/*/*/record-*.json"):
        if (record := json.loads(path.read_text()))["stage"] == stage:
            return record
    raise AssertionError(stage)


def own(seconds: float) -> list[str]:
    parts = ["model=own", "model._target_=ownnets.slow.Slow", "allow=[ownnets]"]
    return [*parts, f"+model.seconds={seconds}", "compression=none", "epochs=40"]


def test_the_epoch_under_way_is_stored_and_the_same_command_goes_on(tmp_path: Path) -> None:
    words = [*own(0.02)[:-1], "epochs=5"]  # 12 steps of each epoch
    worker = start(tmp_path, *words)
    wait_for(lambda: marks(tmp_path), worker)
    assert not states(tmp_path), "they are large, and only saved now and then"
    worker.terminate()
    out, err = worker.communicate(timeout=60)
    assert worker.returncode == 143, err
    assert err.splitlines()[-1] == "ended by SIGTERM: the same command goes on from here"
    assert "Traceback" not in err
    [kept] = states(tmp_path)
    assert kept.name == "state.safetensors" and marks(tmp_path) is None
    again = start(tmp_path, *words)
    out, err = again.communicate(timeout=120)
    assert again.returncode == 0, err
    assert "1 of 1 configurations on the front" in out
    trunk = record_of(tmp_path, "trunk")
    assert not trunk["lost"], "no epoch ran twice"


def test_a_second_one_ends_it_at_once_and_what_that_cost_is_lost_work(tmp_path: Path) -> None:
    words = own(3)  # an epoch takes 36 s
    worker = start(tmp_path, *words)
    wait_for(lambda: list((tmp_path / "outputs").glob("study/stages/*/*/record-*")), worker)
    time.sleep(1)
    begun = time.monotonic()
    worker.terminate()
    time.sleep(1)
    assert worker.poll() is None
    worker.terminate()
    _, err = worker.communicate(timeout=60)
    assert time.monotonic() - begun < 25
    assert worker.returncode == 143
    assert err.splitlines()[-1] == "ended by SIGTERM: the same command goes on from here"
    assert marks(tmp_path), "the joules of the epoch that was cut short"


def test_ctrl_c_ends_it_at_once_and_what_that_cost_is_lost_work(tmp_path: Path) -> None:
    worker = start(tmp_path, *own(3))
    wait_for(lambda: list((tmp_path / "outputs").glob("study/stages/*/*/record-*")), worker)
    time.sleep(1)
    worker.send_signal(signal.SIGINT)
    _, err = worker.communicate(timeout=25)
    assert worker.returncode == 130
    assert err.splitlines()[-1] == "stopped: the same command goes on from here"
    assert marks(tmp_path), "the joules of the epoch that was cut short"


def test_without_time_it_ends_by_itself(tmp_path: Path) -> None:
    worker = start(tmp_path, *own(3), ENERGY_SWEEP_NOTICE_SECONDS="0.2")
    wait_for(lambda: list((tmp_path / "outputs").glob("study/stages/*/*/record-*")), worker)
    worker.send_signal(signal.SIGHUP)
    _, err = worker.communicate(timeout=25)
    assert worker.returncode == 128 + signal.SIGHUP
    assert err.splitlines()[-1] == "ended by SIGHUP: the same command goes on from here"


def test_processes_that_train_together_end_with_the_one_that_started_them(tmp_path: Path) -> None:
    words = [*SMALL, "device.processes=2", "device.threads=1", "epochs=400"]
    worker = start(tmp_path, *words)
    wait_for(lambda: states(tmp_path), worker)
    children = psutil.Process(worker.pid).children(recursive=True)
    assert len(children) >= 2
    os.killpg(worker.pid, signal.SIGTERM)  # as systemd and Slurm do: to all of them
    _, err = worker.communicate(timeout=60)
    assert worker.returncode == 143, err
    assert err.splitlines()[-1] == "ended by SIGTERM: the same command goes on from here"
    assert "failed" not in err
    _, alive = psutil.wait_procs(children, timeout=10)
    assert not alive


@pytest.mark.contracts
def test_a_process_that_is_killed_fails_its_trial_and_the_others_go_on(tmp_path: Path) -> None:
    words = [*SMALL, "device.processes=2", "device.threads=1", "epochs=20", "lr=.05,.1"]
    worker = start(tmp_path, *words)
    wait_for(lambda: states(tmp_path), worker)
    ranks = [one for one in psutil.Process(worker.pid).children(recursive=True) if is_rank(one)]
    assert len(ranks) == 2
    ranks[0].kill()  # as the kernel does for want of memory
    out, err = worker.communicate(timeout=120)
    assert worker.returncode == 1, err
    assert (
        "failed: rank 0 of device.processes=2 was ended by SIGKILL, as by another program or for"
        " want of memory: the same command goes on from the last epoch that was saved"
    ) in err or "failed: rank 1 of device.processes=2 was ended by SIGKILL" in err
    assert "1 new, 1 failed" in err and "1 of 1 configurations on the front" in out
    again = start(tmp_path, *words)
    out, err = again.communicate(timeout=120)
    assert again.returncode == 0 and "1 new" in err, err


@pytest.mark.contracts
@pytest.mark.parametrize("to_all", [False, True])
def test_jobs_of_a_launcher_end_with_the_one_that_started_them(
    tmp_path: Path, to_all: bool
) -> None:
    if os.environ.get("CI") != "true":
        pytest.importorskip("hydra_plugins.hydra_joblib_launcher")
    words = [*own(0.03)[:-1], "epochs=6", "lr=.01,.02,.03,.04", "hydra/launcher=joblib"]
    words += ["hydra.launcher.n_jobs=2"]
    worker = start(tmp_path, *words)
    wait_for(lambda: marks(tmp_path), worker)
    children = psutil.Process(worker.pid).children(recursive=True)
    if to_all:
        os.killpg(worker.pid, signal.SIGTERM)
    else:
        worker.terminate()
    _, err = worker.communicate(timeout=60)
    assert worker.returncode == 143, err
    assert err.splitlines()[-1] == "ended by SIGTERM: the same command goes on from here"
    assert "failed" not in err and "Traceback" not in err, err
    _, alive = psutil.wait_procs(children, timeout=20)
    assert not alive
    assert len(list((tmp_path / "outputs").glob("study/trials/*/result.json"))) < 4
    if not to_all:
        again = start(tmp_path, *words)
        out, err = again.communicate(timeout=240)
        assert again.returncode == 0, err
        assert "of 4 configurations on the front" in out


def test_another_worker_takes_the_trial_over_at_once(tmp_path: Path) -> None:
    words = [*own(0.03)[:-1], "epochs=5", "lr=.01,.02,.03"]
    worker = start(tmp_path, *words)
    wait_for(lambda: marks(tmp_path), worker)
    other = start(tmp_path, *words)
    worker.terminate()
    _, err = worker.communicate(timeout=60)
    assert worker.returncode == 143, err
    out, err = other.communicate(timeout=240)
    assert other.returncode == 0 and "3 new" in err, err
    assert "of 3 configurations on the front" in out


def is_rank(process: psutil.Process) -> bool:
    """Whether a process trains."""
    return "energy_sweep.training.worker" in process.cmdline()
