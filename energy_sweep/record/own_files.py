"""Which finished files are still what was written: a digest beside each, keyed by a secret of the
user where reading the file back could run code.

torch reads an exported program (`.pt2`) by pickle, `eval` and compiled libraries inside it, so a
program in a stranger's study is as good as a program of theirs. Only one that this user has written
is read back; any other counts as damaged, and is exported anew.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import hmac
import os
import secrets
import shutil
from pathlib import Path

from energy_sweep.record.files import check_kind, read_file, replace_file, write_whole
from energy_sweep.record.user_folders import state_folder

RUNS_CODE = frozenset({".pt2"})
SECRET_BYTES = 32


def seal_file(path: Path) -> None:
    """Keep the digest of a finished file beside it, as sha256sum writes it."""
    write_whole(_seal_of(path), f"{_digest(path)}  {path.name}\n")


def keep_copy(source: Path, path: Path) -> None:
    """Copy a file to `path`, whole, with its digest beside it."""
    with replace_file(path) as part:
        shutil.copyfile(source, part)
    seal_file(path)


def is_sound(path: Path) -> bool:
    """Whether a file is there and still what `seal_file` saw, by this user if it could run code."""
    try:
        words = read_file(_seal_of(path)).decode().split()
        return len(words) == 2 and hmac.compare_digest(
            " ".join(words), f"{_digest(path)} {path.name}"
        )
    except (OSError, ValueError, TypeError):
        return False


@functools.cache
def user_secret() -> bytes:
    """Random bytes that only this user can read, made on first use.

    Where the user has no folder for them they last as long as this process.
    """
    found = secrets.token_bytes(SECRET_BYTES)
    with contextlib.suppress(OSError, RuntimeError):
        path = state_folder() / "secret"
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with contextlib.suppress(FileExistsError):
            _write_secret(path, found)
        kept = path.stat()
        if kept.st_uid == os.geteuid() and not kept.st_mode & 0o077:
            known = read_file(path)
            found = known if len(known) == SECRET_BYTES else found
    return found


def _write_secret(path: Path, secret: bytes) -> None:
    """Write it whole, unless another process was first: then FileExistsError."""
    part = path.with_name(f".part-{secrets.token_hex(6)}")
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(secret)
        os.link(part, path)
    finally:
        part.unlink(missing_ok=True)


def _seal_of(path: Path) -> Path:
    kind = "hmac-sha256" if path.suffix in RUNS_CODE else "sha256"
    return path.with_name(f"{path.name}.{kind}")


def _digest(path: Path) -> str:
    check_kind(path)
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256")
    if path.suffix in RUNS_CODE:
        return hmac.new(user_secret(), found.digest(), hashlib.sha256).hexdigest()
    return found.hexdigest()
