"""Training that raises, diverges or finds no memory: a line, and the same command goes on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from energy_sweep.app.main import main

SWEEP = ["-m", "meter=replay", "name=study", "search/space=none", "device=cpu", "epochs=4"]
SWEEP += ["device.plan=channels_last", "compression=none", "batch=128"]
OWN = ["model=own", "model._target_=faultynets.net.Faulty", "allow=[faultynets]"]
NET = """
import pathlib, torch
from dataclasses import dataclass
from torch import nn

class Net(nn.Module):
    def __init__(self, kind, classes):
        super().__init__()
        self.kind, self.calls = kind, 0
        self.flat, self.linear = nn.Flatten(), nn.Linear(64, classes)

    def forward(self, images):
        self.calls += self.training
        logits = self.linear(self.flat(images))
        if self.calls > 15 and not pathlib.Path("mended").exists():  # in the second epoch
            if self.kind == "raise":
                raise ValueError("what the user forgot")
            if self.kind == "diverge":
                logits = logits * float("nan")
            if self.kind == "eat":
                logits = logits + torch.ones(2**48)  # a petabyte
        return logits

@dataclass(frozen=True)
class Faulty:
    name: str = "faulty"
    kind: str = "calm"
    def build(self, shape, classes):
        return Net(self.kind, classes)
"""


@pytest.fixture(autouse=True)
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HYDRA_FULL_ERROR", raising=False)
    (tmp_path / "faultynets").mkdir()
    (tmp_path / "faultynets" / "net.py").write_text(NET)
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("faultynets", "faultynets.net"):
        monkeypatch.delitem(sys.modules, name, raising=False)


def sweep(kind: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    capsys.readouterr()
    code = main([*SWEEP, *OWN, f"+model.kind={kind},calm"])
    said = capsys.readouterr()
    assert "Traceback" not in said.err
    return code, said.out, said.err


def trunks() -> list[dict[str, Any]]:
    found = [json.loads(path.read_text()) for path in Path("outputs").glob("*/stages/*/*/record-*")]
    return [record for record in found if record["stage"] == "trunk"]


def test_an_exception_fails_its_trial_and_what_it_took_is_lost_work(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, out, err = sweep("raise", capsys)
    assert code == 1
    failed = "trial 0  0/2  model.kind=raise  failed: ValueError: what the user forgot"
    assert failed in err and "1 new, 1 failed" in err
    assert "1 of 1 configurations on the front" in out
    Path("mended").touch()
    code, out, err = sweep("raise", capsys)
    assert code == 0, err
    assert "of 2 configurations on the front" in out
    [mended] = [record for record in trunks() if record["lost"]]
    assert len(mended["lost"]) == 1, "the epoch that was cut short"


@pytest.mark.parametrize(
    ("kind", "says"),
    [("diverge", "the loss diverged"), ("eat", "ran out of memory: a smaller batch= may help")],
)
def test_what_cannot_be_trained_is_infeasible_and_no_failure(
    kind: str, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = sweep(kind, capsys)
    assert code == 0, err
    [line] = [line for line in err.splitlines() if line.startswith("trial 0")]
    assert says in line
    assert "1 of 1 configurations on the front" in out
    code, _, err = sweep(kind, capsys)
    assert code == 0 and "nothing new to run" in err


@pytest.mark.skipif(sys.platform != "linux", reason="RLIMIT_AS")
@pytest.mark.no_cover
def test_too_little_memory_for_the_program_itself_is_a_line() -> None:
    import resource

    limit = 700 * 2**20  # of addresses: torch's libraries alone take more
    ran = subprocess.run(
        [sys.executable, "-m", "energy_sweep", *SWEEP],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)),
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert ran.returncode == 1
    said = (
        "the program: Cannot allocate memory: end other programs, and type the same command again"
    )
    assert ran.stderr.splitlines()[-1] == said
    assert "Traceback" not in ran.stderr and not Path("outputs").exists()
