"""Command lines of all kinds, seeded, in process: one line and an exit code, whatever is typed.

No traceback, no hang over 10 s, and nothing but one line on stderr where the exit code is 2
(after the listing that `hydra.verbose` asks for).
"""

from __future__ import annotations

import contextlib
import io
import os
import random
import signal
import tempfile
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from benchmarks.formula import run_formula
from energy_sweep.app.config import schema
from energy_sweep.app.config.conf_folder import conf_folder
from energy_sweep.app.help import groups_of
from energy_sweep.app.main import main
from tests.chaos.base import Tally

LIMIT_SECONDS = 10.0
LOADING_SECONDS = 120.0  # for the first line, which loads what all need
STUDY = "known"
FIRST = ["-m", f"name={STUDY}", "batch=32,64", "search/space=none"]
CHEAP = ["meter=replay", "device=cpu", "device.plan=channels_last", "dataset=digits"]
ATOMS = (
    *("0", "1", "-1", "0.5", "64", "1e3", "1e400", "-1e-400", "nan", "inf", "-inf", "1_000", "07"),
    *("9" * 40, "-" + "9" * 20, "0x1f", "true", "False", "null", "None", "''", '""', "' '", "a b"),
    *("é", "日本", "\u202eabc", "\x00", "\x1b[31m", "\n", "\t", "🙂", "\udcff", "a" * 300, "a:b"),
    *(
        "a=b",
        "a,b",
        "..",
        ".",
        "/",
        "~",
        "%s",
        "{0}",
        "<b>",
        "$(id)",
        "`id`",
        "\\",
        "\\'",
        "@",
        "!",
    ),
    *("${lr}", "${nope}", "${oc.env:HOME}", "${now:%Y}", "${", "${}", "${batch}${lr}", "${lr:1}"),
    *("${.}", "${..}", "${hydra:job.num}", "${oc.env:NOPE}", "${name}", "???", "*", "?", "[", "{"),
)
FUNCTIONS = ("choice", "range", "interval", "glob", "shuffle", "sort", "tag", "int", "str", "float")
HYDRA = (
    "hydra.run.dir",
    "hydra.sweep.dir",
    "hydra.sweep.subdir",
    "hydra.verbose",
    "hydra.job.name",
)
FLAGS = ("--cfg", "--cfg=job", "--cfg=hydra", "--resolve", "--package", "-p", "--info", "-r", "-m")
MORE_FLAGS = (
    "--wait",
    "--version",
    "--run",
    "--multirun",
    "-cn",
    "-cp=/nope",
    "-cd=nope",
    "--",
    "-",
)
VERBS = ("front", "choose", "compare", "report", "stages", "deploy", "export")
FORMS = ("json", "hf-card", "codecarbon-csv", "nope")
OPTIONS = (
    *("--json", "--csv", "--accuracy", "--min-accuracy", "--max-joules", "--trial", "--images"),
    *("--objective", "--knee", "--force", "--outputs", "--frob", "--help", "--allow", "--rule"),
    *("--efficiency", "--floor", "--weights", "--weights=joules=1", "--across-machines", "--kwh"),
    *("--price", "--currency", "--carbon", "--grid", "--grid=DE", "--grid=XX"),
    *("--into", "--into=outputs", "--place"),
    *("--cpu-watts-per-core", "--pareto", "--to=/proc/x.html", f"--to={'a' * 300}", "--to=outputs"),
)


@dataclass(frozen=True, slots=True)
class Said:
    """What a command line answered, and what is wrong with that (empty where nothing is)."""

    argv: tuple[str, ...]
    code: int | None
    fault: str


class TooLong(BaseException):
    """The time of a line is over."""


class Lines:
    """Draws command lines: valid ones, nearly valid ones, and others."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.groups = {name: list(names) for name, names in groups_of([conf_folder()]).items()}
        self.keys = [
            *schema.dials(),
            *self.groups,
            *HYDRA,
            "name",
            "search.trials",
            "nope",
            "a.b.c",
        ]

    def draw(self) -> list[str]:
        if self.random.random() < 0.15:
            return self._verb()
        words = [self._override() for _ in range(self.random.choice((1, 1, 1, 2, 3, 5)))]
        if self.random.random() < 0.1:
            words.append(self.random.choice(words))
        if self.random.random() < 0.1:
            words.insert(0, self.random.choice(FLAGS + MORE_FLAGS))
        if self.random.random() < 0.3:
            words = ["-m", "search/space=none", "search.trials=2", *words]
        return [*words, *CHEAP]

    def _verb(self) -> list[str]:
        name = self.random.choice((STUDY, STUDY, STUDY, self._atom()))
        options: list[str] = []
        for _ in range(self.random.choice((0, 1, 1, 2, 3))):
            options.append(self.random.choice(OPTIONS))
            if self.random.random() < 0.5:
                options.append(self._atom())
        verb = self.random.choice(VERBS)
        if verb == "export" and self.random.random() < 0.8:
            options.append(f"--to={self.random.choice(FORMS)}")
        return [verb, name, *options]

    def _override(self) -> str:
        key = self.random.choice(self.keys)
        if key in self.groups and self.random.random() < 0.7:
            return f"{key}={self.random.choice(self.groups[key])}"
        before = self.random.choice(("", "", "", "", "+", "++", "~"))
        if self.random.random() < 0.1:
            key = self._damaged(key)
        if self.random.random() < 0.03:
            return self._atom()
        text = f"{before}{key}={self._value(0)}"
        return self._damaged(text) if self.random.random() < 0.1 else text

    def _value(self, depth: int) -> str:
        kind = self.random.random()
        if depth > 3 or kind < 0.55:
            return self._atom()
        inner = [self._value(depth + 1) for _ in range(self.random.randint(0, 3))]
        if kind < 0.65:
            return ",".join(inner)
        if kind < 0.75:
            return f"[{','.join(inner)}]"
        if kind < 0.83:
            return "{" + ",".join(f"k{n}:{one}" for n, one in enumerate(inner)) + "}"
        if kind < 0.93:
            return f"{self.random.choice(FUNCTIONS)}({','.join(inner)})"
        if kind < 0.96:
            return "[" * 60 + "1" + "]" * self.random.choice((59, 60))
        quote = self.random.choice("'\"")
        return f"{quote}{','.join(inner)}{quote}"

    def _atom(self) -> str:
        return self.random.choice(ATOMS)

    def _damaged(self, text: str) -> str:
        at = self.random.randrange(len(text) + 1)
        odd = self.random.choice(
            ("", "'", "{", "}", "=", "@", ":", ".", "..", "/", " ", "$", "ß", "-")
        )
        return text[:at] + odd + text[at + self.random.randint(0, 1) :]


def answer(argv: list[str], *, seconds: float = LIMIT_SECONDS) -> Said:
    """Type one command line in the folder where we are, with trials made of formulas."""
    out, err = io.StringIO(), io.StringIO()
    here = Path.cwd()
    signal.signal(signal.SIGALRM, _too_long)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    code: int | None = None
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = main(argv, run=run_formula)
        fault = _fault(code, err.getvalue(), verbose=any("hydra.verbose" in word for word in argv))
    except TooLong:
        fault = f"no answer in {seconds:.0f} s"
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 1
        fault = "" if code == 0 and "--help" in argv else f"SystemExit {ended.code}"
    except BaseException:
        fault = "".join(traceback.format_exc())
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        os.chdir(here)
    return Said(tuple(argv), code, fault)


def _fault(code: int, said: str, *, verbose: bool) -> str:
    """What is wrong with an answer; who asks Hydra to be verbose gets its listing first."""
    if code not in (0, 1, 2, 3):
        return f"exit code {code}: {said}"
    if "Traceback" in said:
        return said
    lines = [line for line in said.splitlines() if not line.startswith("... ")]
    if verbose:
        lines = lines[-1:]
    if code == 2 and (len(lines) != 1 or not lines[0].strip()):
        return f"exit code 2 with {len(lines)} lines: {said}"
    return "" if code == 0 or lines else f"exit code {code} without a word"


def _too_long(*_: Any) -> NoReturn:
    raise TooLong


def typed(seed: int, count: int) -> Iterator[Said]:
    """Type so many lines in a folder of their own that holds a study; what was answered."""
    before, handler = Path.cwd(), signal.getsignal(signal.SIGALRM)
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            yield answer([*FIRST, *CHEAP], seconds=LOADING_SECONDS)
            drawn = Lines(seed)
            for _ in range(count - 1):
                yield answer(drawn.draw())
        finally:
            os.chdir(before)
            signal.signal(signal.SIGALRM, handler)


def run(seed: int, count: int) -> Tally:
    """How so many lines ended: done is `same`, what is answered by a line is `named`."""
    tally = Tally(name="lines")
    for said in typed(seed, count):
        if not said.fault:
            outcome = "same" if said.code == 0 else "named"
        elif said.code is None:
            outcome = "hangs" if said.fault.startswith("no answer") else "tracebacks"
        else:
            outcome = "tracebacks" if "Traceback" in said.fault else "silent_wrong"
        tally = tally.plus(outcome, f"{list(said.argv)!a}: {ascii(said.fault)[-900:]}")
    return tally
