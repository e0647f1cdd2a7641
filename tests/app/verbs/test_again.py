"""A price of contended windows alone is measured again, by the command that the front prints."""

from __future__ import annotations

import dataclasses
import json
import shlex
from pathlib import Path

import pytest

from energy_sweep.app.main import main
from energy_sweep.record import StageRecord, from_json
from energy_sweep.record.serialize import to_json
from energy_sweep.study import load_study

STUDY = Path("outputs/digits-small_cnn")
TYPED = ["meter=replay", "device.plan=channels_last", "search/space=none", "compression=none"]


@pytest.mark.slow
def test_the_printed_command_measures_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    small = ["epochs=1", "batch=128", "model.width=4", "model.depth=2"]
    assert main(["-m", *TYPED, *small]) == 0
    for path in STUDY.glob("stages/*/*/record-*.json"):
        _disturb(path)
    capsys.readouterr()
    assert main(["front"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert " J contended " in said
    command = said.partition("measured again: type python -m energy_sweep ")[2].split(" --again")[0]
    assert main([*shlex.split(command), "--again"]) == 0
    assert "measured again: 0" in capsys.readouterr().out
    assert main(["front", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    [row] = document["front"]
    assert row["contended"] == []
    assert document["bill"]["cooldown"]["runs"] == 2
    assert len(load_study(STUDY, {}).trials) == 1
    assert main(["stages", "--again"]) == 0
    assert "measured again: none" in capsys.readouterr().out


def _disturb(path: Path) -> None:
    record = from_json(StageRecord, json.loads(path.read_text()))
    marks = tuple(
        dataclasses.replace(mark, reading=dataclasses.replace(mark.reading, contended=True))
        for mark in record.marks
    )
    path.write_text(json.dumps(to_json(dataclasses.replace(record, marks=marks))))
