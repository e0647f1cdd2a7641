"""Bytes of a study's files changed, cut, emptied, deleted or exchanged; then every face asked."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import tempfile
from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tests.chaos import deployments, images
from tests.chaos.base import Ran, Tally
from tests.chaos.world import (
    Watch,
    choose,
    dashboard,
    deploy,
    deployed_files,
    front,
    page_of,
    plain_text,
    report,
    sweep,
    true_deployed,
    true_page,
    without_spent,
    world,
)

DAMAGES = ("flip", "truncate", "empty", "delete", "swap", "digit")
FACES = ("front", "choose", "report", "resume", "deploy", "dashboard")
SHARES = (0.68, 0.15, 0.08, 0.05, 0.02, 0.02)
# Every so many cases are of the cache of images, and of a deployed folder.
OF_IMAGES, OF_DEPLOYED = 20, 14
# Weights and graphs are read only by who trains on, or deploys.
HEAVY = (".safetensors", ".onnx", ".sha256")
OF_HEAVY = (("front", "resume", "deploy"), (0.7, 0.25, 0.05))


@dataclass(frozen=True)
class Done:
    """A damage: what was done, and the words by which a line may name it."""

    told: str
    words: tuple[str, ...]

    def named(self, said: str, usual: str) -> bool:
        """Whether a line says it that is not said of the undamaged study."""
        lines = set(said.splitlines()) - set(usual.splitlines())
        return any(
            line.startswith(("damaged:", "mended:")) or any(word in line for word in self.words)
            for line in lines
        )


@dataclass(frozen=True)
class Study:
    """A folder with an undamaged study, its front, and what `front` says beside it."""

    folder: Path
    truth: dict[str, Any]
    said: str
    whole: bool


def run(seed: int, count: int) -> Tally:
    """Damage `count` copies of a finished or a killed study, one file each."""
    tally = Tally(name="damages")
    for number in range(count):
        dice = random.Random(f"{seed} {number}")
        if number % OF_IMAGES == OF_IMAGES - 1:
            tally = _of_images(tally, dice, f"seed {seed} case {number}")
            continue
        if number % OF_DEPLOYED == OF_DEPLOYED - 1:
            tally = _of_deployed(tally, dice, f"seed {seed} case {number}")
            continue
        study = _finished() if dice.random() < 0.75 else _half()
        folder = Path(tempfile.mkdtemp(prefix="damaged-"))
        shutil.copytree(study.folder / "out", folder / "out", symlinks=True)
        done = damage(folder / "out" / "study", dice)
        heavy = done.words[0].endswith(HEAVY)
        face = dice.choices(*(OF_HEAVY if heavy else (FACES, SHARES)))[0]
        outcome, why = _look(study, folder, face, done)
        state = "finished" if study.whole else "killed"
        tally = tally.plus(
            outcome, f"seed {seed} case {number}, {state}, {done.told}, {face}: {why}"
        )
        shutil.rmtree(folder, ignore_errors=True)
    return tally


def _of_images(tally: Tally, dice: random.Random, case: str) -> Tally:
    """Damage what is cached of a data set, and load that."""
    folder = images.copied()
    done = damage(folder / "cache", dice)
    outcome, why = images.looked(folder)
    shutil.rmtree(folder, ignore_errors=True)
    return tally.plus(outcome, f"{case}, {done.told}, cached images: {why}")


def _of_deployed(tally: Tally, dice: random.Random, case: str) -> Tally:
    """Damage a deployed folder, and let it predict."""
    folder = deployments.copied()
    done = damage(folder, dice)
    outcome, why = deployments.looked(folder, done.words[0])
    shutil.rmtree(folder, ignore_errors=True)
    return tally.plus(outcome, f"{case}, {done.told}, deployed: {why}")


@cache
def _finished() -> Study:
    """The undisturbed study, with a page and what the dashboard keeps in it."""
    folder = Path(tempfile.mkdtemp(prefix="whole-"))
    shutil.copytree(world().folder / "out", folder / "out", symlinks=True)
    for made in (report(folder, folder / "out/study/report.html"), dashboard(folder)):
        assert made.code == 0, made.err
    return Study(folder, world().truth, world().said, whole=True)


@cache
def _half() -> Study:
    """A study killed in the middle, once its first trials are done."""
    folder = Path(tempfile.mkdtemp(prefix="half-"))
    sweep(folder, before=Watch(folder / "out", world().events * 3 // 5).start)
    seen = front(folder)
    assert seen.code == 0, seen.err
    return Study(folder, json.loads(seen.out), seen.err, whole=False)


def damage(study: Path, dice: random.Random) -> Done:
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
    trial = [f"trial {part}" for part in path.parts if part.isdecimal()]
    of = (
        [path.name.removesuffix(".sha256")] if path.suffix == ".sha256" else []
    )  # whose digest it is
    return Done(told, (path.name, *of, *trial))


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


def _look(study: Study, folder: Path, face: str, done: Done) -> tuple[str, str]:
    """Ask the front, and with a face of its own that too: the worse outcome counts."""
    found = _of_front(front(folder), study, done)
    if face == "front" or found[0] not in ("same", "named"):
        return found
    if face == "resume":
        return _resumed(study, folder, done)
    target = folder / "page.html"
    asked = {"choose": choose, "deploy": deploy, "dashboard": dashboard}
    ran = report(folder, target) if face == "report" else asked[face](folder)
    if ran.broke or ran.code:
        return _refused(ran, study, done)
    if not study.whole or face == "dashboard":
        return "same", ""
    if face == "choose":
        same = plain_text(ran.out) == world().choice
    elif face == "report":
        same = page_of(target) == true_page()
    else:
        same = deployed_files(folder / "deployed") == true_deployed()
    if same:
        return "same", ""
    named = done.named(ran.err, study.said)
    return ("named", "") if named else ("silent_wrong", f"another {face}: {ran.err[-300:]}")


def _resumed(study: Study, folder: Path, done: Done) -> tuple[str, str]:
    """Go on with the sweep: its front is that of an undisturbed one, or it says what is lost."""
    resumed = sweep(folder)
    if resumed.broke or resumed.code:
        return _refused(resumed, study, done)
    left = front(folder)
    if left.broke or left.code:
        return _refused(left, study, done)
    if without_spent(json.loads(left.out)) == without_spent(world().truth):
        return "same", ""
    named = done.named(resumed.out + resumed.err + left.err, study.said)
    return ("named", "") if named else ("silent_wrong", f"another front: {left.err[-300:]}")


def _of_front(ran: Ran, study: Study, done: Done) -> tuple[str, str]:
    if ran.broke or ran.code:
        return _refused(ran, study, done)
    document = json.loads(ran.out)
    if document == study.truth:
        return "same", ""
    if done.named(ran.err, study.said):
        return "named", ""
    parts = [key for key in document if document[key] != study.truth.get(key)]
    return "silent_wrong", f"another {', '.join(parts)}: {ran.err[-300:]}"


def _refused(ran: Ran, study: Study, done: Done) -> tuple[str, str]:
    if ran.broke:
        return ran.broke, ran.err[-400:]
    named = done.named(ran.err, study.said)
    return ("named" if named else "silent_wrong"), f"exit {ran.code}: {ran.err[-300:]}"
