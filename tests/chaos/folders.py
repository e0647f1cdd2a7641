"""Folders and files that may not be used, everywhere: each is named in a line, or no matter."""

from __future__ import annotations

import itertools
import json
import random
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.chaos.base import SECONDS, SWEEP, TRAINING, Ran, Tally, run_fork
from tests.chaos.obstacles import (
    OF_FILES,
    OF_FOLDERS,
    can_own_otherwise,
    obey_modes,
    obstruct,
    surrounded,
)
from tests.chaos.world import (
    World,
    deployed_files,
    front,
    page_of,
    plain_text,
    true_deployed,
    true_page,
    true_stages,
    without_spent,
    world,
)

FACES = ("front", "choose", "stages", "report", "sweep", "dashboard", "deploy", "fresh")
SLOW = ("deploy", "fresh")
LIMITS = {"deploy": TRAINING, "fresh": TRAINING, "sweep": TRAINING}
# Below `outputs`; RECORD, WEIGHTS and GRAPH stand for one of the many.
FOLDERS = (
    *("", "study", "study/stages", "study/stages/RECORD", "study/trials", "study/trials/0"),
    *("study/trials/0/.hydra", "study/artifacts"),
)
FILES = (
    *("study/study.db", "study/study.jsonl", "study/.sweep.lock", "study/multirun.yaml"),
    *("study/test_split.json", "study/.test_split.json.lock", "study/report.html"),
    *("study/trials/0/result.json", "study/trials/0/.hydra/config.yaml"),
    *("study/stages/RECORD/FILE", "study/stages/WEIGHTS", "study/stages/GRAPH"),
)
AROUND = (
    *("HOME is closed", "HOME is not set", "HOME is no folder", "XDG_CACHE_HOME is closed"),
    *("TMPDIR is closed", "TMPDIR is not there", "here is gone", "here is closed"),
)
AWAY = ("/proc", "/sys/kernel", "/proc/self/fd", "/dev/null", "/dev/full", "é" * 120, "a" * 300)


@dataclass(frozen=True)
class Case:
    """A face of the program, and what is in its way."""

    face: str
    place: str
    obstacle: str

    def __str__(self) -> str:
        return f"{self.face}, {self.place or 'outputs'}: {self.obstacle}"


def run(seed: int, count: int) -> Tally:
    """Try so many of all cases, each face in turn, the two slow ones less often."""
    tally = Tally(name="folders")
    for case in itertools.islice(drawn(seed), count):
        outcome, why = tried(case)
        tally = tally.plus(outcome, f"{case}: {why}")
    return tally


def drawn(seed: int) -> Iterator[Case]:
    """All cases in an order of the seed, over and over."""
    dice = random.Random(seed)
    by_face = {face: [case for case in cases() if case.face == face] for face in FACES}
    for cases_of in by_face.values():
        dice.shuffle(cases_of)
    turns = {face: itertools.cycle(found) for face, found in by_face.items()}
    for turn in itertools.count():
        slow = SLOW[turn % len(SLOW)]
        yield from (next(turns[face]) for face in FACES if face not in SLOW or face == slow)


def cases() -> list[Case]:
    """Each place with each obstacle that can be there, for every face that may meet it."""
    both = [
        *itertools.product(FOLDERS, OF_FOLDERS),
        *itertools.product(FILES, OF_FILES),
        *itertools.product(("around",), AROUND),
    ]
    found = [
        Case(face, place, obstacle)
        for face in FACES
        for place, obstacle in both
        if face != "fresh" or place in ("", "study", "around")
    ]
    for face in ("report", "deploy"):
        kinds = OF_FILES if face == "report" else OF_FOLDERS
        found += [Case(face, "TARGET", obstacle) for obstacle in (*kinds, *AWAY)]
        found += [Case(face, "TARGET'S FOLDER", obstacle) for obstacle in OF_FOLDERS]
    found += [Case(face, "OUTPUTS", way) for face in ("front", "fresh") for way in AWAY]
    return [case for case in found if can_own_otherwise() or case.obstacle != "another's"]


def tried(case: Case) -> tuple[str, str]:
    """How one case ends, and that all is as it was once the obstacle is gone."""
    truth = world()
    folder = Path(tempfile.mkdtemp(prefix="forbidden-"))
    if case.face == "fresh":
        (folder / "out").mkdir()
    else:
        shutil.copytree(truth.folder / "out", folder / "out", symlinks=True)
    undo, before, names = _arranged(case, folder)
    log = Path(tempfile.mkdtemp(prefix="said-"))
    ran = run_fork(
        _words(case, folder),
        log,
        seconds=LIMITS.get(case.face, SECONDS),
        before=before,
        until="http://" if case.face == "dashboard" else None,
    )
    outcome, why = _ended(case, folder, ran, names, truth)
    undo()
    if outcome in ("same", "named") and case.face != "fresh":
        left = front(folder)
        if not (_holds_all(left, truth) or "damaged:" in left.err):
            outcome, why = "silent_wrong", f"afterwards: {left.err[-300:]}"
    for path in (folder, log):
        shutil.rmtree(path, ignore_errors=True)
    return outcome, why


def _arranged(case: Case, folder: Path) -> tuple[Callable[[], None], Callable[[], None], list[str]]:
    """Put the obstacle there: how it goes, what the child does first, and how it may be named."""
    (folder / "to").mkdir()
    if case.place == "around":
        return (
            (lambda: None),
            surrounded(case.obstacle, folder),
            ["around", "no folder", "current folder", case.obstacle.split()[0]],
        )
    if case.place == "OUTPUTS" or case.obstacle in AWAY:
        return (lambda: None), obey_modes, [case.obstacle[:20]]
    path = _place(case, folder)
    path.parent.mkdir(parents=True, exist_ok=True)
    return obstruct(path, case.obstacle, folder / "spare"), obey_modes, [path.name, str(path)]


def _place(case: Case, folder: Path) -> Path:
    if case.place == "TARGET":
        return folder / "to" / "target"
    if case.place == "TARGET'S FOLDER":
        return folder / "to"
    stages = folder / "out" / "study" / "stages"
    names = {
        "RECORD/FILE": "*/*/record-*.json",
        "RECORD": "*/*",
        "WEIGHTS": "*/*/final.safetensors",
        "GRAPH": "*/*/model.onnx",
    }
    for word, pattern in names.items():
        if case.place.endswith(word):
            return sorted(stages.glob(pattern))[0]
    return folder / "out" / case.place


def _words(case: Case, folder: Path) -> list[str]:
    outputs = Path(case.obstacle) if case.place == "OUTPUTS" else folder / "out"
    if case.face in ("sweep", "fresh"):
        return [*SWEEP, f"outputs={outputs}"]
    target = _target(case, folder)
    more = {
        "front": ["--json"],
        "report": [] if case.place.endswith("report.html") else ["--to", str(target)],
        "deploy": ["--to", str(target)],
        "dashboard": ["--port", "0", "--no-browser"],
    }
    return [case.face, "study", "--outputs", str(outputs), *more.get(case.face, [])]


def _target(case: Case, folder: Path) -> Path:
    """What is typed after --to, a name or a path from the root."""
    return folder / "to" / (case.obstacle if case.obstacle in AWAY else "target")


def _ended(case: Case, folder: Path, ran: Ran, names: list[str], truth: World) -> tuple[str, str]:
    """Whether the answer is the true one, or a line names what is in the way."""
    if ran.broke:
        return ran.broke, ran.err[-700:]
    lines = [line for line in ran.err.splitlines() if line not in truth.said.splitlines()]
    named = any(name in line for line in lines for name in ("damaged:", *names))
    if ran.code:
        right = named and ran.code in (1, 2)
        return ("named" if right else "silent_wrong"), f"exit {ran.code}: {ran.err[-500:]}"
    if case.face in ("sweep", "fresh"):
        left = front(folder)
        if left.broke or _holds_all(left, truth):
            return left.broke or "same", left.err[-500:]
        named |= "damaged:" in left.err
    elif _is_true(case, folder, ran, truth):
        return "same", ""
    return ("named" if named else "silent_wrong"), f"another answer: {ran.err[-500:]}"


def _holds_all(left: Ran, truth: World) -> bool:
    """Whether a front is the undisturbed one."""
    return left.code == 0 and without_spent(json.loads(left.out)) == without_spent(truth.truth)


def _is_true(case: Case, folder: Path, ran: Ran, truth: World) -> bool:
    if case.face == "front":
        return json.loads(ran.out) == truth.truth
    if case.face == "deploy":
        return deployed_files(_target(case, folder)) == true_deployed()
    if case.face == "dashboard" or (case.face == "stages" and "stages/" in case.place):
        return True  # it was started; and the bytes listed are those that lie there
    if case.face == "report":
        default = case.place.endswith("report.html")
        page = folder / "out/study/report.html" if default else _target(case, folder)
        return page_of(page) == true_page()
    return plain_text(ran.out) == (truth.choice if case.face == "choose" else true_stages())
