"""A counter goes away amid a sweep, and comes back: trials fail with the reason, none is lost."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path

import pytest
from meter.fake_powercap import Powercap, machine

from energy_sweep.app.main import main

SWEEP = ["-m", "name=study", "meter=rapl", "search/space=none", "compression=none"]
SWEEP += ["device=cpu", "device.plan=contiguous", "model.width=4", "model.depth=2", "batch=128"]
SWEEP += ["epochs=2", "lr=.1,.2,.3,.4,.5"]
ENTRY = "intel-rapl:0"


def take_away(tree: Powercap, results: Path) -> None:
    """Take the counter away once the first trial has its result."""
    while not results.exists():
        time.sleep(0.002)
    tree.vanish(ENTRY)


@pytest.mark.slow
def test_trials_without_a_meter_fail_and_once_it_is_back_the_same_command_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    tree = machine(tmp_path / "powercap")
    words = [*SWEEP, f"meter.powercap={tree.root}"]
    first = Path("outputs/study/trials/0/result.json")
    with tree:
        threading.Thread(target=take_away, args=(tree, first), daemon=True).start()
        assert main(words) == 1
        err = capsys.readouterr().err
        assert "Traceback" not in err
        failed = [line for line in err.splitlines() if " failed: " in line]
        lost = f"{tree.root}/{ENTRY}/energy_uj cannot be read any more: No such file or directory"
        assert len(failed) == 3 and all(line.endswith(lost) for line in failed), err
        assert "1 new, 3 failed; search.max_failures in a row; the same command tries" in err
        kept = json.loads(first.read_text())
        assert main(["front", "study"]) == 0, "what was measured is read without a meter"
        assert main(words) == 2, "nor is anything begun without one"
        [refused] = capsys.readouterr().err.splitlines()[-1:]
        assert "cannot be read" in refused and "type meter=estimate" in refused
        zone = tree.zones[ENTRY]
        zone.show()
        zone.moves = True
        assert main(words) == 0, capsys.readouterr().err
    assert json.loads(first.read_text()) == kept
    assert "5 configurations on the front" in capsys.readouterr().out
