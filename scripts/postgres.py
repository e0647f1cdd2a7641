"""A PostgreSQL server of one's own in a folder, to try a study in it and for tests.

    eval "$(python scripts/postgres.py start FOLDER)"     # sets STORAGE and PGPASSWORD
    python -m energy_sweep -m batch=32,64 storage="$STORAGE"
    python scripts/postgres.py stop FOLDER

It answers this machine only, on a free port of 127.0.0.1, and only who knows its password, which
lies in FOLDER for its owner. PostgreSQL refuses root, who therefore starts it as `postgres`.
"""

from __future__ import annotations

import argparse
import getpass
import glob
import os
import pwd
import secrets
import shutil
import socket
import subprocess
import sys
from pathlib import Path

USER, ACCOUNTS = "energy_sweep", ("postgres", "nobody")
# Where Debian keeps them, which puts none of them on the PATH.
HOMES = "/usr/lib/postgresql/*/bin"
# A server that is thrown away waits for no disk.
SETTINGS = ("fsync=off", "full_page_writes=off", "synchronous_commit=off", "max_connections=100")
HOW = {"stop": ("stop", "-m", "fast"), "kill": ("stop", "-m", "immediate")}


def programs() -> Path | None:
    """The folder of initdb and pg_ctl, None where PostgreSQL is not installed."""
    on_path = shutil.which("initdb")
    homes = sorted(glob.glob(HOMES), key=lambda home: [*map(len, home.split("/")), home])
    found = [Path(on_path).parent] if on_path else [Path(home) for home in reversed(homes)]
    return next((one for one in found if (one / "initdb").is_file()), None)


def start(folder: Path) -> str:
    """Start the server in a folder, made if need be; gives its address, without the password."""
    folder = folder.absolute()
    if not (folder / "data").is_dir():
        _make(folder)
    port = folder / "port"
    if not port.is_file():
        port.write_text(str(_free_port()))
    options = [f"port={port.read_text()}", "listen_addresses=127.0.0.1", *SETTINGS]
    options.append(f"unix_socket_directories={folder}")
    typed = " ".join(f"-c {option}" for option in options)
    _run(folder, "pg_ctl", "start", "-w", "-l", str(folder / "log"), "-o", typed)
    return f"postgresql://{USER}@127.0.0.1:{port.read_text()}/postgres"


def password(folder: Path) -> str:
    """The password of the one user of a server."""
    return (folder / "password").read_text()


def stop(folder: Path, how: str = "stop") -> None:
    """Stop the server in a folder: `kill` is as a power loss would."""
    _run(folder.absolute(), "pg_ctl", *HOW[how], "-w")


def _make(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    secret = folder / "password"
    with os.fdopen(os.open(secret, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(secrets.token_hex(16))
    if account := _account():
        user = pwd.getpwnam(account)
        for path in (folder, secret):
            os.chown(path, user.pw_uid, user.pw_gid)
    how = ("--auth=scram-sha-256", f"--pwfile={secret}", f"--username={USER}", "--no-sync")
    _run(folder, "initdb", *how, "--encoding=UTF8", "--locale=C")


def _account() -> str | None:
    """Whose server root starts, None for who is not root."""
    if os.geteuid() != 0:
        return None
    known = {one.pw_name for one in pwd.getpwall()}
    found = [name for name in ACCOUNTS if name in known]
    if not found:
        raise SystemExit("PostgreSQL does not run as root: type it as another user")
    return found[0]


def _run(folder: Path, program: str, *arguments: str) -> None:
    home = programs()
    if home is None:
        raise SystemExit("no PostgreSQL: run scripts/install-system-packages")
    account = _account()
    as_other = ["runuser", "-u", account, "--"] if account else []
    command = [*as_other, str(home / program), "-D", str(folder / "data"), *arguments]
    # The server keeps what its starter has open: a pipe of ours would never end.
    with open(folder.parent / f"{folder.name}.said", "w+b") as said:
        done = subprocess.run(command, stdout=said, stderr=said, stdin=subprocess.DEVNULL, cwd="/")
        said.seek(0)
        text = said.read().decode(errors="replace")
    os.unlink(said.name)
    if done.returncode:
        raise SystemExit(f"{program} failed: {text.strip()}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def main() -> None:
    """Start or stop a server, as it is typed."""
    parser = argparse.ArgumentParser(description="A PostgreSQL server in a folder")
    parser.add_argument("what", choices=("start", *HOW))
    parser.add_argument("folder", type=Path)
    typed = parser.parse_args()
    if typed.what != "start":
        stop(typed.folder, typed.what)
        return
    storage = start(typed.folder)
    print(f"export STORAGE={storage} PGPASSWORD={password(typed.folder)}")
    print(
        f"# a server of {_account() or getpass.getuser()}; log: {typed.folder}/log", file=sys.stderr
    )


if __name__ == "__main__":
    main()
