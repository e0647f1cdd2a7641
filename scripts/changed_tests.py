"""Names the test files nearest to what changed since main, for `make quick`: nearest first.

A test file is as near to a changed file as the imports between them are few, and nearer where it
bears the name of the changed file or lies in the folder of its part.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
SOURCES = ("energy_sweep", "hydra_plugins", "tests", "benchmarks", "scripts")
MOST = 16  # files, so that all of them take about a minute
FARTHEST = 3  # imports


def changed() -> set[str]:
    """Files that differ from where this branch left main, in commits or in the folder."""
    bases = (_git("merge-base", "HEAD", main) for main in ("origin/main", "main"))
    [base] = next(filter(None, bases), ["HEAD"])
    untracked = _git("ls-files", "--others", "--exclude-standard")
    return {*_git("diff", "--name-only", base), *untracked}


def _git(*words: str) -> list[str]:
    done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True)
    return done.stdout.split("\n")[:-1] if done.returncode == 0 else []


def sources() -> dict[str, str]:
    """Every Python file by the name that it is imported by: those of tests without `tests.`."""
    found = {}
    for path in (path for top in SOURCES for path in (ROOT / top).rglob("*.py")):
        file = path.relative_to(ROOT)
        parts = file.with_suffix("").parts[file.parts[0] == "tests" :]
        found[".".join(parts).removesuffix(".__init__")] = file.as_posix()
    return found


def imported(file: str, known: dict[str, str]) -> Iterator[str]:
    """The files that `file` imports anywhere, in functions too."""
    for node in ast.walk(ast.parse((ROOT / file).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            names = [name if name in known else node.module for name in names]
        else:
            continue
        yield from (known[name] for name in names if name in known)


def importers(known: dict[str, str]) -> dict[str, set[str]]:
    """What imports each file."""
    found: dict[str, set[str]] = {file: set() for file in known.values()}
    for file in known.values():
        for other in imported(file, known):
            found[other].add(file)
    return found


def distances(files: Iterable[str], users: dict[str, set[str]]) -> dict[str, int]:
    """How many imports each file is away from the nearest of `files`; a package's own are free."""
    found = dict.fromkeys(files, 0)
    now = set(found)
    while now:
        after = set[str]()
        for file in now:
            for user in users.get(file, ()):
                far = found[file] + (not user.endswith("/__init__.py"))
                if far <= FARTHEST and far < found.get(user, FARTHEST + 1):
                    found[user] = far
                    after.add(user)
        now = after
    return found


def near(file: str, test: str) -> int:
    """How near a test file is to `file` by its name, its folder, or since it names that file."""
    path, other = Path(file), Path(test)
    if f"{other.stem}_".startswith((f"test_{path.stem}_", f"test_{path.parts[0]}_")):
        return 0
    if path.suffix != ".py":
        named = path.name in (ROOT / test).read_text(encoding="utf-8")
        return 1 if named else FARTHEST + 1
    beside = len(path.parts) > 2 and other.parent.name == path.parent.name
    return 2 if beside else FARTHEST + 1


def nearest(files: set[str]) -> list[str]:
    """All test files that `files` may break, nearest first; of equals, those that import least."""
    known = sources()
    users = importers(known)
    tests = sorted(file for file in known.values() if Path(file).name.startswith("test_"))
    found, size = distances(files, users), dict.fromkeys(tests, 0)
    for test in tests:
        far = min((near(file, test) for file in files), default=FARTHEST + 1)
        found[test] = min(far, found.get(test, FARTHEST + 1))
        size[test] = sum(test in some for some in users.values())
    reached = (test for test in tests if found[test] <= FARTHEST)
    return sorted(reached, key=lambda test: (found[test], size[test]))


def main() -> None:
    """Print the nearest test files, and say how many farther ones there are."""
    files = nearest(changed())
    print("\n".join(files[:MOST]))
    left = len(files[MOST:])
    print(f"{len(files[:MOST])} test files; {left} farther ones left out", file=sys.stderr)


if __name__ == "__main__":
    main()
