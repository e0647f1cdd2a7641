"""A deployed folder that is damaged: `predict.py` answers as before, or a line names the file."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

from tests.chaos.world import deployed_folder


def copied() -> Path:
    """A copy of a deployed folder."""
    folder = Path(tempfile.mkdtemp(prefix="copied-"))
    shutil.copytree(deployed_folder(), folder, dirs_exist_ok=True)
    return folder


def looked(folder: Path, damaged: str) -> tuple[str, str]:
    """Let it answer; where its own program is damaged, or it is, only sha256sum can tell."""
    checked = subprocess.run(
        ["sha256sum", "--check", "--quiet", "SHA256SUMS"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if damaged == "predict.py":
        seen = checked.returncode == 0 or damaged in checked.stdout + checked.stderr
        return ("named" if seen else "silent_wrong"), checked.stderr
    ran = _predict(folder)
    if "Traceback" in ran.stderr:
        return "tracebacks", ran.stderr[-400:]
    if ran.returncode == 0 and ran.stdout == _answer():
        return "same", ""
    named = damaged in ran.stderr or "SHA256SUMS" in ran.stderr
    return ("named" if named else "silent_wrong"), f"exit {ran.returncode}: {ran.stderr[-400:]}"


@cache
def _answer() -> str:
    ran = _predict(deployed_folder())
    assert ran.returncode == 0 and not ran.stderr, ran.stderr
    return ran.stdout


@cache
def _image() -> Path:
    from PIL import Image

    path = Path(tempfile.mkdtemp(prefix="image-")) / "one.png"
    Image.linear_gradient("L").resize((8, 8)).save(path)
    return path


def _predict(folder: Path) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-B", str(folder / "predict.py"), "--json", str(_image())]
    return subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
