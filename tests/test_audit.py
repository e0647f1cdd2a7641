"""`make audit` tells found vulnerabilities from those that nobody could be asked about."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

AUDIT = Path(__file__).parent.parent / "scripts" / "audit.py"
SOUND = {"name": "numpy", "version": "2.0", "vulns": []}
VULNERABLE = {"name": "pillow", "version": "1.0", "vulns": [{"id": "CVE-1"}]}
UNKNOWN = {"name": "torch", "skip_reason": "Dependency not found on PyPI"}


@pytest.mark.parametrize(
    ("said", "code", "printed"),
    [
        ([SOUND, UNKNOWN], 0, "0 of 1 packages have known vulnerabilities; 1 not known"),
        ([SOUND, VULNERABLE], 1, "pillow 1.0: CVE-1\n1 of 2 packages"),
        ([UNKNOWN], 0, "not audited: no vulnerability data reachable"),
        (None, 0, "not audited: no vulnerability data reachable"),
    ],
)
def test_what_is_said_of_packages(
    said: list[object] | None, code: int, printed: str, tmp_path: Path
) -> None:
    answer = "" if said is None else json.dumps({"dependencies": said})
    (tmp_path / "pip_audit.py").write_text(f"print({answer!r})\n")
    paths = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    words = [sys.executable, str(AUDIT)]
    done = subprocess.run(
        words, env=os.environ | {"PYTHONPATH": paths}, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (code, "")
    assert done.stdout.startswith(printed)
