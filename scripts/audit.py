"""Looks for known vulnerabilities of all that is installed; says so where that cannot be known.

Exit code 0 where none is known, or nothing can be asked; 1 where one is found.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

PROBED = "numpy"  # one package, asked for first: without a network, that is all the time it takes
PROBE_SECONDS, SECONDS = 10.0, 300.0
NOT_AUDITED = "not audited: no vulnerability data reachable"


def main() -> int:
    """Audit what is installed beside this interpreter, and print what was found."""
    with tempfile.TemporaryDirectory() as folder:
        one = Path(folder, "requirements.txt")
        one.write_text(f"{PROBED}=={version(PROBED)}\n", encoding="utf-8")
        probed = _ask(["--no-deps", "--disable-pip", "-r", str(one)], PROBE_SECONDS)
    found = _ask(["--local"], SECONDS) if _audited(probed) else []
    audited = _audited(found)
    if not audited:
        print(NOT_AUDITED)
        return 0
    wrong = [package for package in audited if package["vulns"]]
    for package in wrong:
        names = ", ".join(one["id"] for one in package["vulns"])
        print(f"{package['name']} {package['version']}: {names}")
    skipped = len(found) - len(audited)
    print(
        f"{len(wrong)} of {len(audited)} packages have known vulnerabilities; {skipped} not known"
    )
    return 1 if wrong else 0


def _ask(words: list[str], seconds: float) -> list[dict[str, Any]]:
    """What pip-audit says of each package; nothing where it says nothing in time."""
    command = [sys.executable, "-m", "pip_audit", "--format=json", "--progress-spinner=off"]
    try:
        done = subprocess.run(
            [*command, "--timeout=5", *words], capture_output=True, text=True, timeout=seconds
        )
        return json.loads(done.stdout)["dependencies"]
    except (subprocess.TimeoutExpired, ValueError, LookupError, TypeError):
        return []


def _audited(packages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those that the data know; pip-audit counts the others as sound."""
    return [package for package in packages if "skip_reason" not in package]


if __name__ == "__main__":
    sys.exit(main())
