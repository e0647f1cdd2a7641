"""Types the commands of `docs/evening.md` in turn, and writes what they print below them.

    python scripts/evening.py [--sweep WORDS] [--to FILE]

In the document, a block of ```console holds commands (`$ ...`) with their output below. All run in
one fresh folder. `--sweep` types other words in place of those of the sweep, for a shorter evening.
What is long is shown by its first and last lines. `compare A B` is typed of the configuration that
was chosen before it, and of the most accurate one. The first command that fails ends it, with its
exit code.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

DOCUMENT = Path(__file__).parents[1] / "docs/evening.md"
BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SWEEP = "python -m energy_sweep -m "
CHOOSE = "python -m energy_sweep choose "
FRONT = "python -m energy_sweep front"
COMPARE = re.compile(r"^python -m energy_sweep compare \d+ \d+$")
HEAD, TAIL = 12, 22  # lines of an output that are shown
WIDTH = 120


def commands(block: str) -> list[str]:
    """The commands of a block, in order."""
    return [line.removeprefix("$ ") for line in block.splitlines() if line.startswith("$ ")]


def shown(output: str) -> str:
    """An output as the document has it: where it is long, its middle is left out."""
    lines = [line.rstrip() for line in output.rstrip().splitlines()]
    if len(lines) > HEAD + TAIL + 1:
        left_out = len(lines) - HEAD - TAIL
        lines = [*lines[:HEAD], f"[... {left_out} lines more ...]", *lines[-TAIL:]]
    return "".join(f"{line}\n" for line in lines)


def typed(command: str, folder: Path) -> str:
    """What a command prints, on both streams; CalledProcessError where it fails."""
    words = shlex.split(command)
    if words[0] == "python":
        words[0] = sys.executable
    environment = {**os.environ, "COLUMNS": str(WIDTH), "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(
        words,
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise subprocess.CalledProcessError(done.returncode, command, done.stdout)
    return done.stdout


def of_tonight(command: str, choice: str, folder: Path) -> str:
    """A comparison of two trials as one of tonight's: of what `choice` gives, and the most accurate
    of the others on the front."""
    if not COMPARE.match(command):
        return command
    chosen = json.loads(typed(f"{choice} --json", folder))["trial"]
    front = json.loads(typed(f"{FRONT} --json", folder))["front"]
    others = [row["trial"] for row in front if row["trial"] != chosen]
    return f"python -m energy_sweep compare {chosen} {others[-1] if others else chosen}"


def evening(document: str, folder: Path, *, sweep: str | None = None) -> str:
    """The document with the outputs of today, its commands typed in `folder`."""

    choice = f"{CHOOSE}--knee"

    def answered(block: re.Match[str]) -> str:
        nonlocal choice
        parts: list[str] = []
        for command in commands(block[1]):
            is_sweep = sweep is not None and command.startswith(SWEEP)
            line = f"{SWEEP}{sweep}" if is_sweep else of_tonight(command, choice, folder)
            choice = line if line.startswith(CHOOSE) else choice
            print(f"$ {line}", file=sys.stderr, flush=True)
            parts.append(f"$ {line}\n{shown(typed(line, folder))}")
        return "```console\n" + "\n".join(parts) + "```"

    return BLOCK.sub(answered, document)


def main() -> int:
    """Type everything, and write the document."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sweep", help="the words of the sweep")
    parser.add_argument("--to", type=Path, default=DOCUMENT, help="the file to write")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        try:
            found = evening(DOCUMENT.read_text(encoding="utf-8"), Path(folder), sweep=asked.sweep)
        except subprocess.CalledProcessError as error:
            print(f"{error.output}\n{error.cmd}: exit code {error.returncode}", file=sys.stderr)
            return int(error.returncode)
    asked.to.write_text(found, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
