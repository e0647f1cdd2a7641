"""Chains of compressions compose as typed: fixed, swept, with steps' own settings, run again."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from benchmarks.formula import run_formula
from energy_sweep.app.config.compression_lists import as_typed, expand
from energy_sweep.app.main import main

ALONE = ["meter=replay", "device.plan=channels_last", "epochs=2", "name=chains"]
SWEEP = ["-m", *ALONE, "search/space=none"]
STUDY = Path("outputs/chains")


@pytest.fixture(autouse=True)
def in_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def composed(folder: Path) -> Any:
    """What a run was composed to do: its compression as Hydra wrote it."""
    return yaml.safe_load((folder / ".hydra" / "config.yaml").read_text())["compression"]


CHAINS = {
    "plain": ["compression=[prune,quantize]", "compression.level=0.9"],
    "with a setting before it": [
        *("compression.steps.prune.iterations=2", "compression=[prune, quantize]"),
        "compression.level=0.9",
    ],
}


@pytest.mark.parametrize("chain", CHAINS)
@pytest.mark.no_cover
def test_a_fixed_chain_is_swept_as_it_runs_alone_and_as_its_command_says(
    chain: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*ALONE, *CHAINS[chain], "batch=32"], run=run_formula) == 0
    [alone] = (STUDY / "runs").iterdir()
    assert main([*SWEEP, *CHAINS[chain], "batch=32,64"], run=run_formula) == 0
    swept = [composed(STUDY / "trials" / number) for number in "01"]
    assert swept[0] == swept[1] == composed(alone)
    assert list(swept[0]["steps"]) == ["prune", "quantize"] and swept[0]["level"] == 0.9
    capsys.readouterr()
    assert main(["choose", "chains", "--json"]) == 0
    command = json.loads(capsys.readouterr().out)["command"]
    assert "'compression=[prune,quantize]'" in command and "@" not in command
    again = shlex.split(command)[3:]
    assert main([*again, "hydra.run.dir=again"], run=run_formula) == 0
    assert composed(Path("again")) == composed(alone)
    iterations = swept[0]["steps"]["prune"]["iterations"]
    result = json.loads((STUDY / "trials" / "0" / "result.json").read_text())
    stages = [use["stage"] for use in result["stages"]]
    assert stages.count("compress") == iterations + 1 and stages.count("recover") == iterations
    steps = result["config"]["compression"]["steps"]
    assert [one["level"] for one in steps] == pytest.approx([0.6, 0.75])


@pytest.mark.no_cover
def test_a_swept_chain_composes_as_a_fixed_one() -> None:
    words = ["compression=quantize,[prune,quantize],[magnitude,quantize]", "compression.level=0.9"]
    assert main([*SWEEP, *words], run=run_formula) == 0
    trials = sorted((STUDY / "trials").iterdir(), key=lambda folder: int(folder.name))
    assert [list(composed(one).get("steps", {})) for one in trials] == [
        [],
        ["prune", "quantize"],
        ["magnitude", "quantize"],
    ]


def test_a_chain_without_a_part_for_its_first_step_is_its_last_and_that_is_said(
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = ["compression=quantize,[prune,quantize]", "compression.level=0.25,0.75,0.9"]
    assert main([*SWEEP, *words], run=run_formula) == 0
    said = capsys.readouterr().err
    assert "2 configurations" in said
    assert "level: quantize at 0.25, 0.9 is 0.75, the nearest level that there is" in said
    assert "level: [prune,quantize] at 0.25, 0.75 is quantize alone" in said
    results = [json.loads(path.read_text()) for path in (STUDY / "trials").rglob("result.json")]
    names = sorted(result["config"]["compression"]["name"] for result in results)
    assert names == ["chain", "quantize"]


def test_a_lone_run_says_what_its_level_comes_to(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["compression=[prune,quantize]", "compression.level=0.5"]
    assert main([*ALONE, *words], run=run_formula) == 0
    assert "level: [prune,quantize] at 0.5 is quantize alone" in capsys.readouterr().out


def test_what_is_written_out_is_typed_again() -> None:
    typed = ["lr=1", "compression=[prune,quantize]", "compression.steps.prune.iterations=2"]
    assert as_typed(expand(typed)) == typed
    assert as_typed(["compression=prune", "lr=1"]) == ["compression=prune", "lr=1"]
