"""Every command that is printed, typed again; and the folders and paths that they rely on."""

from __future__ import annotations

import json
import re
import shlex
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from benchmarks.formula import run_formula
from energy_sweep import deploy, study
from energy_sweep.app import stored_study as verb_study
from energy_sweep.app.config.quoting import quote_if_needed
from energy_sweep.app.main import main
from energy_sweep.app.sweep import announce
from energy_sweep.app.verbs import notes as verb_notes
from energy_sweep.study import load_study
from energy_sweep.text.commands import PROGRAM, command

SMALL = ["-m", "meter=replay", "search/space=none", "device.plan=channels_last", "epochs=2"]
PRINTED = re.compile(r"python -m energy_sweep .*?(?=  |$|`|\n)", re.MULTILINE)
GROUP = "# @package _global_\nepochs: 3\n"
OWN_NET = """\
defaults: [small_cnn, _self_]
width: 4
"""


@pytest.fixture(autouse=True)
def in_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HYDRA_FULL_ERROR", raising=False)
    monkeypatch.setattr(study, "serve", lambda *_, **__: None)


def typed(line: str) -> list[str]:
    """The words that a shell would hand over, without the program."""
    words = shlex.split(line)
    assert tuple(words[:3]) == PROGRAM
    return words[3:]


def sweep(*arguments: str) -> int:
    return main([*SMALL, *arguments], run=run_formula)


def stages(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*.json")}


def own_files() -> None:
    for name, text in {
        "mine/model/slim.yaml": OWN_NET,
        "more/experiment/short.yaml": GROUP,
    }.items():
        Path(name).parent.mkdir(parents=True)
        Path(name).write_text(text)


SWEEPS: dict[str, tuple[list[str], str]] = {
    "by name": (["batch=32,64"], "outputs/digits-small_cnn"),
    "elsewhere": (["batch=32,64", "hydra.sweep.dir=out2"], "out2"),
    "odd names": (
        ["batch=32,64", "name='a b'", "outputs='o; p'", "hydra.sweep.subdir=${hydra.job.num}"],
        "o; p/a b",
    ),
    "files of one's own": (
        [
            *("--config-dir", "mine", "hydra.searchpath=[file://more]", "model=slim,small_cnn"),
            *("experiment=short", "compression=[prune,quantize]", "compression.level=0.9"),
        ],
        "outputs/digits-small_cnn",
    ),
}


@pytest.mark.parametrize("case", SWEEPS)
def test_every_printed_command_runs(
    case: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments, folder = SWEEPS[case]
    own_files()
    asked: list[Any] = []
    monkeypatch.setattr(deploy, "deploy", lambda *given, **_: asked.append(given) or METRICS)
    assert sweep(*arguments) == 0
    before = stages(Path(folder, "stages"))
    printed = PRINTED.findall(capsys.readouterr().out)
    assert [typed(line)[0] for line in printed] == [
        *("front", "choose", "report", "dashboard", "deploy")
    ]
    for line in printed:
        assert main(typed(line)) == 0, line
    told = capsys.readouterr().out
    run_it, take_it = (
        line.split(maxsplit=2)[2]
        for line in told.splitlines()
        if line.startswith(("  run it", "  take it"))
    )
    record = load_study(Path(folder), {})
    alone = {run_it, *(command(trial) for trial in record.trials)}
    assert run_it in {command(trial) for trial in record.trials}
    assert main(typed(take_it)) == 0
    assert len(asked) == 2
    for line in alone:
        assert main(typed(line), run=run_formula) == 0, line
    assert stages(Path(folder, "stages")) == before  # nothing was run twice


METRICS: dict[str, Any] = {
    "trial": 0,
    "study": "s",
    "inference": {},
    "test_split_seen_by": 1,
    "test": {"accuracy": 0.5, "accuracy_low": 0.4, "accuracy_high": 0.6, "correct": 1, "n": 2},
    "validation": {"accuracy": 0.5},
}


def test_a_sweep_without_a_front_names_no_command_that_needs_one() -> None:
    found = PRINTED.findall(announce.next_commands(["x y"], best=None))
    assert [typed(line) for line in found] == [
        *(["front", "x y"], ["report", "x y"], ["dashboard", "x y"])
    ]
    assert "--min-accuracy 0.98 " in announce.next_commands(["x"], best=0.98999)


@pytest.mark.no_cover
def test_notes_and_refusals_print_the_same_commands(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert sweep("batch=32") == 0
    capsys.readouterr()
    assert main(["front", "--outputs", "el se"]) == 2
    [first] = PRINTED.findall(capsys.readouterr().err)
    assert typed(first.removesuffix(" to make one"))[-1] == "outputs='el se'"
    stored = verb_study.load(Namespace(name=None, outputs=verb_study.OUTPUTS))
    record = stored.record
    [note] = verb_notes.trial_notes(stored.priced).values()
    assert PRINTED.findall(note) == [command(trial) for trial in record.trials]


@pytest.mark.parametrize("text", ["first", "/a/b.c", "a b", "null", "1", "it's", "", "a,b", "-x"])
@pytest.mark.no_cover
def test_a_value_is_quoted_where_it_needs_to_be(
    text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([f"outputs={quote_if_needed(text)}", "--cfg", "job"]) == 0
    assert yaml.safe_load(capsys.readouterr().out)["outputs"] == text


def test_a_study_is_found_by_the_words_that_are_printed_for_it() -> None:
    for folder in ("outputs/a", "outputs/b/c", "d", "-e", "outputs/d"):
        Path(folder).mkdir(parents=True)
        Path(folder, "study.db").touch()
        name, *more = verb_study.study_words(Path(folder), Path("outputs"))
        assert not name.startswith("-") and not more
        assert verb_study.find_study(name, Path("outputs")).samefile(folder)


SUBDIRS: dict[str, Callable[[int, int], str]] = {
    "${hydra.job.num}": lambda number, batch: str(number),
    "${hydra.job.override_dirname}": lambda number, batch: (
        f"batch={batch},device.plan=channels_last,epochs=2,meter=replay"
    ),
    "by/${batch}": lambda number, batch: f"by/{batch}",
}


@pytest.mark.parametrize("subdir", SUBDIRS)
@pytest.mark.no_cover
def test_trials_are_found_whatever_their_folders_are_called(subdir: str) -> None:
    assert sweep("batch=32,64", f"hydra.sweep.subdir={subdir}") == 0
    folder = Path("outputs/digits-small_cnn")
    found = yaml.safe_load((folder / "optimization_results.yaml").read_text())["solutions"]
    assert found
    for solution in found:
        name = SUBDIRS[subdir](solution["trial"], solution["params"]["batch"])
        assert solution["dir"] == name
        result = json.loads((folder / name / "result.json").read_text())
        assert result["config"]["batch"] == solution["params"]["batch"]
        assert (folder / "trials" / str(solution["trial"])).samefile(folder / name)


def test_one_folder_for_two_trials_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert sweep("batch=32,64", "hydra.sweep.subdir=all") == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("hydra.sweep.subdir gives trial 1 the folder of trial 0, ")
    assert last.endswith("such as 'hydra.sweep.subdir=trials/${hydra.job.num}'")


@pytest.mark.no_cover
def test_paths_are_relative_to_where_the_command_was_typed() -> None:
    moved = ["meter=replay", "device.plan=channels_last", "hydra.job.chdir=true"]
    assert main([*moved, "epochs=2"], run=run_formula) == 0
    assert {path.name for path in Path("outputs/digits-small_cnn").iterdir()} == {"runs", "stages"}
    before = stages(Path("outputs/digits-small_cnn/stages"))
    assert sweep("batch=64", "hydra.job.chdir=true") == 0
    assert stages(Path("outputs/digits-small_cnn/stages")) == before
    assert {path.name for path in Path().iterdir()} == {"outputs"}
