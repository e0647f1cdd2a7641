"""The package as others get it: an sdist, a wheel made of that, and environments that hold it."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
TOOLS = ("pytest", "pytest-timeout", "pytest-xdist", "hypothesis")
PACKAGE = ("energy_sweep", "hydra_plugins")  # what of the sdist would hide what is installed


class NotHere(Exception):
    """What a place needs is not on this machine; the words say what."""


def build(folder: Path) -> tuple[Path, Path]:
    """The sdist of this checkout, and the wheel of that sdist."""
    subprocess.run(
        [sys.executable, "-m", "build", "--outdir", str(folder), str(ROOT)],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    [sdist], [wheel] = folder.glob("*.tar.gz"), folder.glob("*.whl")
    return sdist, wheel


def unpack_tests(sdist: Path, folder: Path) -> Path:
    """The tests of an sdist without its package, so that they test the one that is installed."""
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    [unpacked] = folder.iterdir()
    for name in PACKAGE:
        shutil.rmtree(unpacked / name)
    return unpacked


def make_environment(python: Path, folder: Path, *, beside: Path | None = None) -> Path:
    """A virtual environment, and the Python in it; what is installed `beside` is found too."""
    subprocess.run([str(python), "-m", "venv", str(folder)], check=True)
    if beside is not None:
        [packages] = folder.glob("lib/python*/site-packages")
        [others] = beside.glob("lib/python*/site-packages")
        (packages / "beside.pth").write_text(f"{others}\n", encoding="utf-8")
    return folder / "bin/python"


def install(python: Path, *words: str | Path) -> None:
    """`pip install`; NotHere where the index has no torch of this Python."""
    command = [str(python), "-m", "pip", "install", "--quiet", "--no-compile", *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True)
    if "No matching distribution found for torch" in done.stderr:
        raise NotHere("no torch of this Python here")
    if done.returncode:
        raise subprocess.CalledProcessError(done.returncode, command, done.stdout, done.stderr)


def refusal(python: Path, wheel: Path) -> str:
    """The line by which pip refuses the wheel; empty where it does not."""
    command = [str(python), "-m", "pip", "install", "--no-deps", "--dry-run", str(wheel)]
    done = subprocess.run(command, capture_output=True, text=True)
    lines = [line for line in done.stderr.splitlines() if "requires a different Python" in line]
    return lines[0] if done.returncode and lines else ""
