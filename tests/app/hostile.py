"""What a stranger may do to a study that they hand out; seals are made by our own code."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import yaml

from energy_sweep.record.seal import seal
from energy_sweep.study.paths import DATABASE, JOURNAL

Plain = dict[str, Any]
Attack = Callable[[Path, Path], Any]  # on a study, beside files of the victim
SCRIPT = "<script>alert(1)</script><img src=x onerror=alert(2)>"
ESCAPE = "\x1b]0;owned\x07\x1b[2J\x9b31m\r\n\u202eevil"
NAME = SCRIPT + ESCAPE
DEEP = "[" * 100_000 + "]" * 100_000
UPDATES = {
    "study": "UPDATE study_user_attributes SET value_json=? WHERE key=?",
    "claim": "UPDATE trial_user_attributes SET value_json=? WHERE key='claim' AND trial_id=?",
    "result": "UPDATE trial_user_attributes SET value_json=? WHERE key='result' AND trial_id=?",
}


def in_both(study: Path, kind: str, number: int, change: Callable[[Plain], Any]) -> None:
    """Change the document of a trial in both copies of a study, sealed anew."""

    def made(document: Plain) -> str:
        document.pop("seal", None)
        change(document)
        return json.dumps(seal(document))

    lines = []
    for line in (study / JOURNAL).read_text().splitlines():
        [(of, document)] = json.loads(line).items()
        is_meant = of == kind and document.get("trial", number) == number
        text = made(document) if is_meant else json.dumps(document)
        lines.append(f'{{"{of}": {text}}}\n')
        if is_meant and kind != "study":
            execute(study, UPDATES[kind], text, number + 1)
        elif is_meant:
            for name, value in json.loads(text).items():
                kept = json.dumps(seal(value) if isinstance(value, dict) else value)
                execute(study, UPDATES[kind], kept, name)
    (study / JOURNAL).write_text("".join(lines))


def execute(study: Path, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(study / DATABASE)) as connection, connection:
        connection.execute(statement, values)


def config(study: Path, number: int = 1) -> Path:
    return study / "trials" / str(number) / ".hydra" / "config.yaml"


def set_to(study: Path, changes: Mapping[str, Any], number: int = 1) -> None:
    """Put settings, by their dotted names, into what a trial is said to have run with."""
    settings = yaml.safe_load(config(study, number).read_text())
    for name, value in changes.items():
        *groups, last = name.split(".")
        node = settings
        for group in groups:
            node = node.setdefault(group, {})
        node[last] = value
    config(study, number).write_text(yaml.safe_dump(settings))


def records(study: Path) -> list[Path]:
    return sorted((study / "stages").glob("*/*/record-*.json"))


def in_records(study: Path, change: Callable[[Plain], Any]) -> None:
    """Change all records of stages, sealed anew."""
    for path in records(study):
        document = json.loads(path.read_text())
        document.pop("seal")
        change(document)
        path.write_text(json.dumps(seal(document)))


def linked(path: Path, target: Path) -> None:
    """Put a link in the place of a file or folder, which keeps what it held where it leads to."""
    if path.is_dir():
        for one in path.iterdir():
            one.rename(target / one.name)
        path.rmdir()
    elif path.exists():
        target.write_bytes(path.read_bytes()) if not target.exists() else None
        path.unlink()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(target)


def tree(folder: Path) -> dict[str, bytes]:
    """All that lies in a folder, by name; links by where they lead."""
    found = {}
    for place, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = Path(place, name)
            if path.is_symlink():
                found[str(path)] = os.readlink(path).encode()
            else:
                found[str(path)] = path.read_bytes() if path.is_file() else b""
    return found


def write(path: str, content: str) -> Attack:
    return lambda study, _: (study / path).write_text(content)


def settings(changes: Plain) -> Attack:
    return lambda study, _: set_to(study, changes)


def link(path: str, target: str) -> Attack:
    return lambda study, victim: linked(study / path, victim / target)


def of_trial(kind: str, **changes: Any) -> Attack:
    return lambda study, _: in_both(study, kind, 1, lambda one: one.update(changes))


def of_stages(**changes: Any) -> Attack:
    return lambda study, _: in_records(study, lambda one: one.update(changes))


def row(statement: str, *values: object) -> Attack:
    return lambda study, _: execute(study, statement, *values)


CONFIG = "trials/1/.hydra/config.yaml"
BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 30)
)
DOUBLING = {f"d{n}": f"${{d{n + 1}}}${{d{n + 1}}}" for n in range(40)} | {"d40": "x"}
# What a trial is said to have run with: all of it is refused.
CONFIGURED: dict[str, Attack] = {
    "a part of theirs": settings({"model": {"_target_": "evil.Net"}, "allow": ["evil"]}),
    "a callable of ours": settings({"model": {"_target_": "energy_sweep.app.verbs.child._start"}}),
    "within a part": settings({"optimizer.schedule": {"_target_": "evil.S"}, "allow": ["evil"]}),
    "in a list": settings({"dataset.shift": [{"_target_": "os.system"}], "allow": ["os"]}),
    "by position": settings({"model._args_": ["touch sprung"]}),
    "half a call": settings({"model._partial_": True}),
    "a tag": write(CONFIG, "x: !!python/object/apply:os.system ['touch sprung']\n"),
    "aliases": write(CONFIG, BOMB),
    "doubling": settings(DOUBLING),
    "a circle": settings({"batch": "${batch}"}),
    "the environment": settings({"name": "${oc.env:TOKEN}"}),
    "decoded": settings({"name": "${oc.decode:'${oc.env:TOKEN}'}"}),
    "a resolver": settings({"name": "${hydra:runtime.cwd}"}),
    "defaults": settings({"defaults": ["evil"]}),
    "nested": write(CONFIG, f"x: {DEEP[:4000]}{DEEP[-4000:]}\n"),
    "nested maps": write(CONFIG, "x: " + "{a: " * 300 + "1" + "}" * 300 + "\n"),
    "no text": lambda study, _: (study / CONFIG).write_bytes(b"\xff\x00"),
    "a teacher outside": settings({"compression.teacher": "../../home/other/1"}),
    "pretrained outside": settings({"model.pretrained": "../home/../../etc/1"}),
    "a list as a dial": settings({"batch": [1], "epochs": {"a": 1}}),
}
# What a study says of itself, its trials and its stages, in both copies and under a valid seal.
DOCUMENTS: dict[str, Attack] = {
    "names of trials": of_trial("claim", params={NAME: NAME}, overrides=[NAME], dials={NAME: NAME}),
    "a reason": of_trial("result", correct=None, infeasible=NAME),
    "names of layers": of_trial(
        "result", facts={"channels": {NAME: NAME}, "dense_channels": {NAME: NAME}}
    ),
    "the study's name": of_trial("study", name=SCRIPT),
    "a name of lines": of_trial("study", name=NAME),
    "the machine": of_trial("study", machine={"device_class": NAME, NAME: NAME}),
    "a compression": of_trial("result", config={"compression": {"name": NAME}, "level": 0.5}),
    "a function": of_trial("result", config={"function": "x; rm -rf ~ #", "compression": {}}),
    "a list of words": of_trial("claim", overrides=[1, None, {}]),
    "no dials": of_trial("claim", dials="x"),
    "stages in words": of_trial("result", stages="x"),
    "no images": of_trial("result", n_validation=0),
    "large": of_trial("result", correct=10**400, n_validation=10**400),
    "not finite": of_trial("result", peak_memory_bytes=float("nan"), facts={"a": float("inf")}),
    "facts of another kind": of_trial("result", facts={"inference": 3, "calibrate": 4}),
    "keys of another kind": of_trial("result", facts={"inference": {"x": [1]}}),
    "nested facts": of_trial("result", facts={"a": json.loads("[" * 300 + "]" * 300)}),
    "half a letter": of_trial("claim", params={"\ud800": "\ud800"}),
    "a band of words": of_trial("study", identity=[1], machine=3),
    "a trial beyond count": of_trial("claim", trial=10**15),
    "a name of a stage": of_stages(stage=NAME),
    "a key that leaves": of_stages(key="../../home/secret"),
    "joules in words": of_stages(marks=[{"units": "x", "reading": NAME}]),
    "joules beyond number": of_stages(marks=[{"units": 10**400, "reading": {}}]),
    "facts of stages": of_stages(facts=[], settings=3, lost=4),
    "another's joules": of_stages(elsewhere=NAME),
    "nested lines": lambda study, _: (study / JOURNAL).open("a").write(f'{{"study": {DEEP}}}\n'),
    "nested records": lambda study, _: [path.write_text(DEEP) for path in records(study)[:3]],
    "nested in rows": row("UPDATE trial_user_attributes SET value_json=?", DEEP),
    "rows of another kind": row("UPDATE trials SET number='x', state=7"),
    "values beyond number": row("UPDATE trial_values SET value=9e999"),
    "a trigger": row(
        "CREATE TRIGGER t AFTER INSERT ON study_user_attributes BEGIN DELETE FROM trials; END"
    ),
    "stages elsewhere": lambda study, victim: (study / "multirun.yaml").write_text(
        f"stages: {victim / 'stages'}\n"
    ),
    "stages in a folder": lambda study, victim: (study / "multirun.yaml").write_text(
        f"stages: {victim / 'other'}\n"
    ),
    "aliases in the sweep": write("multirun.yaml", BOMB),
    "nested in the sweep": write("multirun.yaml", f"stages: {DEEP[:4000]}"),
}
# Of those, what is shown to Optuna too, and to a sweep that goes on.
SERVED = [
    DOCUMENTS[name]
    for name in (
        "names of trials",
        "a reason",
        "facts of another kind",
        "keys of another kind",
        "half a letter",
        "a trial beyond count",
        "rows of another kind",
        "nested in rows",
    )
]
# Links that lead to files of the victim's.
LINKED: dict[str, Attack] = {
    "the lock": link(".sweep.lock", "secret"),
    "the database": link("study.db", "database"),
    "the journal": link("study.jsonl", "journal"),
    "the stages": link("stages", "folder"),
    "a trial": link("trials/1", "folder"),
    "claims": link("stages/.claims", "folder"),
    "artifacts": link("artifacts", "folder"),
    "looks": link("test_split.json", "secret"),
    "weights": lambda study, victim: linked(
        next((study / "stages").glob("*/*/*.safetensors")), victim / "secret"
    ),
    "a folder of a stage": lambda study, victim: linked(
        records(study)[0].parent, victim / "folder"
    ),
    "lines of epochs": lambda study, victim: linked(
        records(study)[0].with_name("epochs.jsonl"), victim / "secret"
    ),
}
