"""Full disks beside that of `outputs`: what is asked for is refused in a line, the rest goes on."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from energy_sweep.app.main import main

pytestmark = [pytest.mark.slow, pytest.mark.no_cover]
ROOT = Path(__file__).parents[2]
SWEEP = ["-m", "meter=replay", "name=study", "search/space=none", "device=cpu", "batch=128"]
SWEEP += ["model.width=4", "model.depth=2", "epochs=2", "compression.level=0"]
ROOM = 64 * 2**20


class Disk:
    """A disk with no room at all, until it is enlarged."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        words = ["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", str(folder)]
        if subprocess.run(words, capture_output=True, check=False).returncode:
            pytest.skip("nobody but root may mount a disk")
        (folder / "others").write_bytes(bytes(16 * 2**10))

    def enlarge(self) -> None:
        """Give it room."""
        words = ["mount", "-o", f"remount,size={ROOM}", str(self.folder)]
        subprocess.run(words, check=True)


@pytest.fixture(autouse=True)
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Disk]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HYDRA_FULL_ERROR", raising=False)
    full = Disk(tmp_path / "full")
    yield full
    subprocess.run(["umount", "--lazy", str(full.folder)], check=True)


@pytest.mark.parametrize("place", ["XDG_CACHE_HOME", "TMPDIR"])
def test_a_sweep_goes_on_without_its_caches_and_temporary_files(place: str, disk: Disk) -> None:
    words = [sys.executable, "-m", "energy_sweep", *SWEEP]
    variables = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "HOME": str(disk.folder)}
    variables[place] = str(disk.folder)
    ran = subprocess.run(words, env=variables, capture_output=True, text=True, timeout=240)
    assert ran.returncode == 0, ran.stderr
    assert "1 of 1 configurations on the front" in ran.stdout
    assert "Traceback" not in ran.stderr


def test_what_cannot_be_written_is_named_and_comes_with_more_room(
    disk: Disk, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(SWEEP) == 0
    wanted = {
        "deployed": ["deploy", "study", "--knee", "--to", "full/deployed"],
        "page.html": ["report", "study", "--to", "full/page.html"],
        "exported": ["export", "study", "--to", "json", "--into", "full/exported"],
    }
    for name, words in wanted.items():
        capsys.readouterr()
        assert main(words) == 1
        [line] = capsys.readouterr().err.splitlines()
        assert line.startswith(f"full/{name}")
        assert line.endswith(
            ": No space left on device: make room, and type the same command again"
        )
        left = [path for path in disk.folder.rglob("*") if path.is_file()]
        assert left == [disk.folder / "others"]
    disk.enlarge()
    for words in wanted.values():
        assert main(words) == 0, capsys.readouterr().err
