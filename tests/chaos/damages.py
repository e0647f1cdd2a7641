"""Bytes of a study's files changed, cut, emptied, deleted or exchanged; then every face asked."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import tempfile
from collections import defaultdict
from functools import cache
from pathlib import Path

from tests.chaos.base import Ran, Tally, run_fork
from tests.chaos.world import (
    Watch,
    World,
    choose,
    deploy,
    deployed_files,
    front,
    plain_text,
    sweep,
    true_deployed,
    without_spent,
    world,
)

DAMAGES = ("flip", "truncate", "empty", "delete", "swap", "digit")
FACES = ("front", "choose", "report", "resume", "deploy")
SHARES = (0.70, 0.15, 0.08, 0.05, 0.02)


def run(seed: int, count: int) -> Tally:
    """Damage `count` copies of a finished or a killed study, one file each."""
    truth, tally = world(), Tally(name="damages")
    half, seen = _half()
    for number in range(count):
        dice = random.Random(f"{seed} {number}")
        whole = dice.random() < 0.75
        folder = Path(tempfile.mkdtemp(prefix="damaged-"))
        shutil.copytree((truth.folder if whole else half) / "out", folder / "out")
        done = _damage(folder / "out" / "study", dice)
        face = dice.choices(FACES, SHARES)[0]
        outcome, why = _look(truth, truth.truth if whole else seen, folder, face, whole)
        state = "finished" if whole else "killed"
        tally = tally.plus(outcome, f"seed {seed} case {number}, {state}, {done}, {face}: {why}")
        shutil.rmtree(folder, ignore_errors=True)
    return tally


@cache
def _half() -> tuple[Path, dict | None]:
    """A study killed in the middle, and its front if it has one."""
    folder = Path(tempfile.mkdtemp(prefix="half-"))
    sweep(folder, before=Watch(folder / "out", world().events * 3 // 5).start)
    seen = front(folder)
    return folder, json.loads(seen.out) if seen.code == 0 else None


def _damage(study: Path, dice: random.Random) -> str:
    """Do one damage to one file, each kind of file being as likely; tell what was done."""
    kinds: dict[str, list[Path]] = defaultdict(list)
    for path in sorted(path for path in study.rglob("*") if path.is_file()):
        kinds[re.sub(r"[0-9a-f]{16,}|\d+", "N", path.name)].append(path)
    same = kinds[dice.choice(sorted(kinds))]
    path, kind = dice.choice(same), dice.choice(DAMAGES)
    data = bytearray(path.read_bytes())
    where = dice.randrange(len(data)) if data else 0
    if kind == "digit":
        digits = [m.start() for m in re.finditer(rb"\d", bytes(data))]
        where = dice.choice(digits) if digits else 0
    told = f"{kind} of {path.relative_to(study)} at {where}"
    if kind == "delete":
        path.unlink()
    elif kind == "swap":
        other = dice.choice(same)
        spare = path.with_name("spare")
        for one, two in ((path, spare), (other if other != path else spare, path)):
            os.replace(one, two)
        if other != path:
            os.replace(spare, other)
        told = f"swap of {path.relative_to(study)} and {other.relative_to(study)}"
    else:
        path.write_bytes(_bytes(kind, data, where, dice))
    return told


def _bytes(kind: str, data: bytearray, where: int, dice: random.Random) -> bytes:
    if kind == "empty" or not data:
        return b""
    if kind == "truncate":
        return bytes(data[:where])
    if kind == "flip":
        data[where] ^= 1 << dice.randrange(8)
    elif chr(data[where]).isdigit():
        data[where] = ord(dice.choice([d for d in "0123456789" if d != chr(data[where])]))
    return bytes(data)


def _look(
    truth: World, expected: dict | None, folder: Path, face: str, whole: bool
) -> tuple[str, str]:
    """Ask the front, and with a face of its own that too: the worse outcome counts."""
    found = _of_front(front(folder), expected, truth)
    if face == "front" or found[0] not in ("same", "named"):
        return found
    if face == "resume":
        resumed = sweep(folder)
        if resumed.broke or resumed.code:
            return _refused(resumed)
        return _of_front(front(folder), truth.truth, truth, resumed.err)
    if face == "report":
        target = folder / "page.html"
        words = ["report", "study", "--outputs", str(folder / "out"), "--to", str(target)]
        ran = run_fork(words, folder)
        return _refused(ran) if ran.broke or ran.code else ("same", "")
    ran = choose(folder) if face == "choose" else deploy(folder)
    if ran.broke or ran.code:
        return _refused(ran)
    if not whole:
        return "same", ""
    if face == "choose":
        same = plain_text(ran.out) == truth.choice
    else:
        same = deployed_files(folder / "deployed") == true_deployed()
    if same:
        return "same", ""
    return ("named", "") if ran.err.strip() else ("silent_wrong", f"another answer of {face}")


def _of_front(
    ran: Ran, expected: dict | None, truth: World, said: str | None = None
) -> tuple[str, str]:
    if ran.broke or ran.code:
        return _refused(ran)
    document = json.loads(ran.out)
    if said is None and document == expected:
        return "same", ""
    if said is not None and without_spent(document) == without_spent(truth.truth):
        return "same", ""
    if expected is None or ran.err.strip() != truth.said.strip():
        return "named", ""
    parts = [key for key in document if document[key] != expected.get(key)]
    return "silent_wrong", f"another {', '.join(parts)}"


def _refused(ran: Ran) -> tuple[str, str]:
    if ran.broke:
        return ran.broke, ran.err[-400:]
    return ("named", "") if ran.err.strip() else ("silent_wrong", f"exit {ran.code}, no line")
