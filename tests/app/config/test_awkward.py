"""Whatever is typed, the answer is one line and exit code 2: no traceback, no hang, no joule."""

from __future__ import annotations

import itertools
import random
import shlex
import time
from pathlib import Path
from typing import Any

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from benchmarks.formula import run_formula
from energy_sweep.app.config.quoting import quote_override
from energy_sweep.app.config.schema import GROUPS
from energy_sweep.app.main import main

SWEEP = ["-m", "meter=replay", "search/space=none", "device.plan=channels_last"]


@pytest.fixture(autouse=True)
def in_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HYDRA_FULL_ERROR", raising=False)


def run_nothing(*_: Any, **__: Any) -> Any:
    raise AssertionError("a trial was run")


REFUSED: dict[tuple[str, ...], str] = {
    (f"name={300 * 'x'}",): f"name={300 * 'x'}: type a plain folder name",
    ("-m", "batch=32,64", "--cfg", "job"): "--cfg shows one configuration: leave -m out",
    ("--run", "--multirun"): "--run and --multirun exclude each other",
    ("--package", "model"): "--package is for what --cfg shows",
    ("--resolve",): "--resolve is for what --cfg shows",
    ("--config-path", "/nope"): "--config-path=/nope would replace all that can be typed",
    ("outputs=postgresql://me:S3CRET@host/db",): "outputs: an address with a password would be",
    ("hydra.sweeper.storage=mysql://me:S3CRET@host/db",): "hydra.sweeper.storage: an address with",
    ("-m", "lr=0.1,0.2", "hydra.sweep.dir='x://me:S3CRET@h/a'"): "hydra.sweep.dir: an address",
    ("outputs=sqlite:///study.db",): "outputs=sqlite:///study.db: a study and its stages lie in",
    ("-m", "hydra.sweeper.params=3"): "hydra.sweeper.params=3: type each axis by itself",
    ("--experimental-rerun", "nope.pickle"): "--experimental-rerun nope.pickle: there is no such",
    ("--shell-completion",): "--shell-completion: type --shell-completion install=bash",
    ("device=0",): "device=0: device is chosen by name: type device=auto|cpu|cuda",
    ("dataset=1.5",): "dataset=1.5: dataset is chosen by name: type dataset=array_tasks|arrays|",
    ("model=true",): "model=true: model is chosen by name: type model=efficientnet_b0|",
    ("compression=null",): "compression=null: compression is chosen by name: type compression=",
    (
        "experiment=null",
    ): "experiment=null: experiment is chosen by name: type experiment=smoke, or",
    ("device=[1,2]",): "device=[1,2]: device is chosen by name",
    ("dataset=[]",): "dataset=[]: dataset is chosen by name",
    ("optimizer/schedule=0",): "optimizer/schedule=0: optimizer/schedule is chosen by name",
    ("hydra/launcher=3",): "hydra/launcher=3: hydra/launcher is chosen by name",
    ("hydra=3",): "hydra=3: type KEY=VALUE, such as batch=64 or hydra.verbose=true",
    ("=3",): "=3: type KEY=VALUE",
    ("-m", "search.space=${batch}${lr}"): "search.space=640.05: type the axes themselves, such as",
    ("-m", "search/space=none", "seed=${oc.env:HOME}"): "seed=/",
    ("~dataset=1",): "~dataset=1: every trial has a dataset: type dataset=",
    ("~dataset",): "~dataset: every trial has a dataset",
    ("compression=[prune,3]",): "compression=[prune,3]: type names with commas",
    ("-m", "model=1,2"): "model=1,2: model is chosen by name",
    (
        "-m",
        "compression=[prune,quantize],null",
    ): "compression=[prune,quantize],null: compression is",
    ("frnt",): "frnt is neither a verb nor a setting: did you mean front?",
    ("bacth",): "bacth is neither a verb nor a setting: did you mean batch=64?",
    ("batch",): "batch is a setting: type batch=64",
    ("front", "A", "B"): "front takes one NAME, a study: type front A, and leave B out",
    ("report", "A", "B"): (
        "report takes one NAME, a study: type report A, and leave B out;"
        " both on one page: compare A B --to FILE.html"
    ),
    ("meters", "A"): "meters takes no NAME: leave A out",
    ("front", "--frob"): "unrecognized arguments: --frob: type python -m energy_sweep front --help",
    ("dataset.root=/a=b",): "dataset.root=/a=b cannot be read as it is: type quotes within quotes,",
    ("lr=choice(1",): "lr=choice(1 cannot be read: type KEY=VALUE, or a list such as",
}
COMPOSED = {
    "name='-x'": "name=-x: type a plain folder name",
    "name='a\nb'": "name='a\\nb': type a plain folder name",
    "name='a\x1b[31m'": "name='a\\x1b[31m': type a plain folder name",
    "model.name=resnet18": "model.name=resnet18 is the name of another part: leave it out",
    "compression.name=quantize": "compression.name=quantize is the name of another part",
    "runtime.name='a b'": "runtime.name='a b': type a word of letters",
    "optimizer.momentum=nan": "optimizer.momentum=nan: type a finite number",
    "device.memory_gib=inf": "device.memory_gib=inf: type a finite number",
    "batch=9999999999": "batch=9999999999: type a number up to 1000000000",
    "seed=99999999999999999999": "seed=99999999999999999999: type a smaller whole number",
    "precision=[fp32]": "precision=[fp32]: type a word, such as precision=fp32",
    "allow=3": "allow=3: type a list, such as 'allow=[mypackage]'",
    "dataset.root=/a,b": "dataset.root=/a,b is several values: type -m before it to sweep them,"
    " or \"dataset.root='/a,b'\" if it is one",
    "outputs=/dev/null": "/dev/null/digits-small_cnn/runs/",
    "optimizer.schedule=null": "optimizer.schedule=null: type a part by its name, as optimizer/",
    "optimizer.schedule=3": "optimizer.schedule=3: type a part by its name, as optimizer/schedule=",
    "allow=sort(${lr})": "allow: type a list, such as 'allow=[mypackage]'",
    "search.start=${lr}": "search.start: type a list, such as",
    "study=${lr}": "study=0.05: type its parts by name, as study.hardware",
    "search.constraints=${lr}": "search.constraints=0.05: type its parts by name",
    "profile=${lr}": "profile: While dereferencing",
    "stages=/dev/null": "/dev/null: File exists: type outputs=FOLDER or stages=FOLDER",
}
TOO_LARGE = {
    "epochs=range(1,1000000000)": "or 'epochs=int(interval(1,999999999))', in which a sampler",
    "lr=shuffle(range(1,1000000000))": "has 999,999,999 values, and an axis at most 1,000",
    "lr=range(0.1,0.2,1e-9)": "or 'lr=interval(0.1,0.2)', in which a sampler chooses",
    "epochs=range(1,5,0)": "has no end",
    "lr=range(0,inf)": "has no end",
    "outputs=/dev/null": "/dev/null/digits-small_cnn/stages: Not a directory: type outputs=",
}


def refusal(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    assert main(arguments, run=run_nothing) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    [line] = printed.err.splitlines()
    return line


@pytest.mark.parametrize("arguments", REFUSED, ids=" ".join)
def test_refused_before_anything_is_composed(
    arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    line = refusal(list(arguments), capsys)
    assert line.startswith(REFUSED[arguments]) and "S3CRET" not in line
    assert not list(Path.cwd().iterdir())


@pytest.mark.parametrize("argument", COMPOSED)
def test_refused_by_value(argument: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert refusal(["meter=replay", argument], capsys).startswith(COMPOSED[argument])


@pytest.mark.parametrize("argument", TOO_LARGE)
def test_an_axis_without_an_end_is_refused_at_once(
    argument: str, capsys: pytest.CaptureFixture[str]
) -> None:
    begun = time.process_time()
    assert TOO_LARGE[argument] in refusal([*SWEEP, argument], capsys)
    assert time.process_time() - begun < 10


@pytest.mark.parametrize("path", ["/a=b", "/a (1)", "/a&b#c", "/o'neil", "/[x]", "~/x~y", "/a,b"])
@pytest.mark.parametrize("odd", ["", '$HOME "x"! \\'])
def test_the_cure_gives_the_path_back_through_the_shell_and_hydra(path: str, odd: str) -> None:
    [word] = shlex.split(quote_override("dataset.root", path + odd))
    override = OverridesParser.create().parse_override(word)
    assert (override.key_or_group, override.value()) == ("dataset.root", path + odd)


def test_a_wrong_word_in_a_trial_file_of_sweeps_is_refused_too(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Path("mine/search/space").mkdir(parents=True)
    Path("mine/search/space/odd.yaml").write_text("# @package search.space\nmodel: 3,4\n")
    arguments = ["-m", "--config-dir", "mine", "search/space=odd", "meter=replay"]
    assert refusal(arguments, capsys).startswith("model=3,4: model is chosen by name")


MINE = """
from dataclasses import dataclass

@dataclass(frozen=True)
class Steps:
    name: str = "steps"
    def trunk_lr(self, lr, step):
        return lr
"""


def test_a_part_of_the_users_is_told_what_it_lacks(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("myschedules.py").write_text(MINE)
    monkeypatch.syspath_prepend(".")
    Path("mine/model").mkdir(parents=True)
    Path("mine/optimizer/schedule").mkdir(parents=True)
    Path("mine/optimizer/schedule/steps.yaml").write_text("_target_: myschedules.Steps\n")
    net = "_target_: energy_sweep.model.small_cnn.SmallCNN\nwidth: 4\n"
    Path("mine/model/net.yaml").write_text(net)
    words = ["--config-dir", "mine", "meter=replay", "allow=[myschedules]"]
    line = refusal([*words, "optimizer/schedule=steps"], capsys)
    lacks = (
        "optimizer.schedule._target_=myschedules.Steps has no cooldown_epochs, cooldown_lr: give"
    )
    assert line.startswith(lacks)
    line = refusal([*words, "model=net"], capsys)
    assert line.startswith("model.name is missing: write name: NAME into the file of this model")


def test_what_is_for_sweeps_is_said_in_one_trial(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["meter=replay", "device.plan=channels_last", "search.trials=5", "batch=32"]
    assert main(words, run=run_formula) == 0
    said = "search.trials=5 is for sweeps, and this is one trial: type -m to sweep"
    assert capsys.readouterr().err.splitlines() == [said]


@pytest.mark.no_cover
def test_a_sampler_counts_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    typed = ["batch=32,64", "seed=0,1", "search.sampler=tpe", "search.max_failures=2"]
    assert main([*SWEEP, *typed], run=run_formula) == 0
    said = capsys.readouterr().err
    assert "2 configurations, 0 measured; tpe chooses" in said
    assert "4 new; nothing is left in the space" in said
    trial = Path("outputs/digits-small_cnn/trials/0/.hydra")
    assert "  max_failures: 2\n" in (trial / "config.yaml").read_text()
    assert "search" not in (trial / "overrides.yaml").read_text()


KEYS = [*GROUPS, "optimizer/schedule", "lr", "batch", "epochs", "seed", "name", "outputs", "stages"]
KEYS += ["allow", "profile", "precision", "inference.batch", "objective.images", "search.trials"]
KEYS += ["compression.level", "model.width", "dataset.fraction", "device.threads", "hydra.run.dir"]
VALUES = [
    "null",
    "true",
    "nan",
    "-inf",
    "-1",
    "1e400",
    "[]",
    "[a,[1]]",
    "{a:{b:1}}",
    "''",
    "(",
    "]",
]
VALUES += ["${x}", "1,null", "range(3)", "interval(0,1)", "glob(*)", "99999999999999999999999", "ä"]


@pytest.mark.no_cover
def test_no_value_of_any_key_ends_in_a_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    """A slice of all keys by all values, another for nobody: the seed is fixed."""
    typed = [f"{key}={value}" for key, value in itertools.product(KEYS, VALUES)]
    for argument in random.Random(12).sample(typed, 24):
        code = main(["meter=replay", "device.plan=channels_last", argument], run=run_formula)
        said = capsys.readouterr()
        assert code in (0, 2), (argument, said.err)
        assert len(said.err.splitlines()) in ((1,) if code else (0, 1)), (argument, said.err)
