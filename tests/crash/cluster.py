"""The programs of a run: the agency, PostgreSQL, Redis, two beats, several workers and as many
pollers, two webs, the reader."""

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from stories.config import Config, load
from tests import servers
from tests.crash.disk import Disk
from tests.crash.hub import Hub
from tests.crash.programs import Program
from tests.file_servers import USER, Sftp
from tests.serving import free_port

HOME = Path(__file__).parents[2]
WIRECOPY = Path(sys.executable).with_name("wirecopy")

BEATS, WEBS = 2, 2
ENDINGS = ("rss", "atom", "rdf")
"""The wires' formats, in turn."""

DROPPED, SENT, FETCHED, PUSHED = "dropped", "sent", "fetched", "pushed"
"""The wires of the courier: a folder, one that is sent to us, a folder of an SFTP server, and one
whose hub pushes."""

REDIS_URL = "WIRECOPY_REDIS_URL"

SECRET = "what-senders-of-this-run-have"

TIMEOUT = 5
"""Seconds one poll may take; what a lease on a wire lasts follows from it."""

POSTGRES_SETTINGS = {
    **servers.POSTGRES_SETTINGS,
    # What is promised about a database is asked of one that keeps its promises.
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "min_wal_size": "32MB",
    "max_wal_size": "64MB",
    "max_connections": "100",
    # A crash makes PostgreSQL forget which rows are dead, so at the usual minute between two looks
    # it would hardly ever clear any away here, and the feeds rendered anew would fill the disk.
    "autovacuum_naptime": "1s",
    "autovacuum_vacuum_threshold": "10",
}


@dataclass(frozen=True, slots=True)
class Size:
    """How large a run is. ``novelty`` is new stories a minute and wire, ``errors`` the share of
    the agency's answers that fail."""

    seed: int
    wires: int
    workers: int
    database: str
    items: int = 20
    novelty: float = 6.0
    updates: float = 0.4
    touches: float = 0.2
    errors: float = 0.08


@dataclass(frozen=True, slots=True)
class Places:
    """Where the courier delivers: a folder, an SFTP server that shows another, a hub."""

    drop: Path
    fetch: Path
    server: Sftp
    hub: Hub


@dataclass(frozen=True, slots=True)
class Cluster:
    """All programs of a run and where to find them. ``workers`` are workers and pollers; the reader
    is told in ``hidden`` what the desk hid."""

    agency: Program
    agency_url: str
    redis: Program
    postgres: Program | None
    beats: Sequence[Program]
    workers: Sequence[Program]
    webs: Sequence[Program]
    web_urls: Sequence[str]
    reader: Program
    reader_told: Path
    hidden: Path
    config: Config
    places: Places
    disk: Disk | None

    @property
    def members(self) -> list[Program]:
        """Wirecopy's own processes."""
        return [*self.workers, *self.beats, *self.webs]

    @property
    def services(self) -> list[Program]:
        """What they need: the database, if it is a process, and the broker."""
        return [a for a in (self.postgres, self.redis) if a is not None]

    @property
    def redis_url(self) -> str:
        """Where the broker is, with the password that it has now."""
        return self.beats[0].environment[REDIS_URL]

    def change_password(self, new: str) -> None:
        """Have members, and the broker, know the broker's password *new* when they start."""
        url = self.redis_url.partition("&password=")[0] + f"&password={new}"
        for member in self.members:
            member.environment = {**member.environment, REDIS_URL: url}
        command = [*self.redis.command]
        if "--requirepass" in command:
            command = command[: command.index("--requirepass")]
        self.redis.command = [*command, "--requirepass", new]

    def programs(self) -> Iterator[Program]:
        """All, in the order in which they start."""
        yield self.agency
        yield from self.services
        yield from self.members
        yield self.reader


def build(folder: Path, data: Path, disk: Disk | None, size: Size, places: Places) -> Cluster:
    """The cluster for a run of that *size*, with no program started yet.

    Logs and what the reader finds go into *folder*; *data*, on *disk* where there is one, is for
    the files of Wirecopy, the database and the broker.
    """
    port = free_port()
    agency_url = f"http://127.0.0.1:{port}"
    logs = folder / "logs"
    logs.mkdir()

    def program(name: str, *command: str | Path, **more: object) -> Program:
        return Program(name, [str(c) for c in command], HOME, logs / f"{name}.log", **more)  # type: ignore[arg-type]

    agency = program("agency", sys.executable, "-m", "tests.load", *_agency(size, port))
    (data / "redis").mkdir()
    redis = servers.redis_server(data / "redis")
    environment = {
        REDIS_URL: redis.url,
        "WIRECOPY_LOG": "json",
        "PYTHONPATH": str(HOME),  # this code, wherever another copy is installed
    }
    postgres = None
    if size.database == "postgresql":
        (data / "postgres").mkdir()
        found = servers.postgres_server(data / "postgres", POSTGRES_SETTINGS)
        postgres = Program("postgres", found.command, found.cwd or data, logs / "postgres.log")
        postgres.user = found.user
        environment["WIRECOPY_DATABASE_URL"] = found.url
    ports = [free_port() for _ in range(WEBS)]
    file = folder / "wirecopy.toml"
    file.write_text(
        _config(size, agency_url, data / "wirecopy", places, ports[0]), encoding="utf-8"
    )
    environment["WIRECOPY_CONFIG"] = str(file)

    def member(kind: str, number: int, **more: str) -> Program:
        return program(
            f"{kind}-{number}", WIRECOPY, "up", kind, environment={**environment, **more}
        )

    webs = [
        member("web", n, WIRECOPY_SITE__LISTEN=f"127.0.0.1:{port}") for n, port in enumerate(ports)
    ]
    urls = [f"http://127.0.0.1:{port}" for port in ports]
    config = load(file).model_copy(
        update={"database_url": None, "redis_url": None}
        if postgres is None
        else {"database_url": _secret(environment["WIRECOPY_DATABASE_URL"])}
    )
    told, hidden = folder / "reader.jsonl", folder / "hidden.jsonl"
    hidden.touch()
    order = {
        "seed": size.seed,
        "webs": urls,
        "feeds": [f.name for f in config.outgoing],
        "told": str(told),
        "hidden": str(hidden),
    }
    return Cluster(
        agency=agency,
        agency_url=agency_url,
        redis=program("redis", *redis.command),
        postgres=postgres,
        beats=[member("beat", n) for n in range(BEATS)],
        workers=[member(kind, n) for n in range(size.workers) for kind in ("worker", "poller")],
        webs=webs,
        web_urls=urls,
        reader=program("reader", sys.executable, "-m", "tests.crash.reader", json.dumps(order)),
        reader_told=told,
        hidden=hidden,
        config=config,
        places=places,
        disk=disk,
    )


def _secret(text: str) -> object:
    from pydantic import SecretStr

    return SecretStr(text)


def _agency(size: Size, port: int) -> list[str]:
    return [
        *(str(size.wires), "--port", str(port), "--seed", str(size.seed)),
        *("--items", str(size.items), "--novelty", str(size.novelty)),
        *("--updates", str(size.updates), "--touches", str(size.touches)),
        *("--errors", str(size.errors)),
        *("--not-modified", "0.8", "--slow-seconds", "2"),
    ]


def _config(size: Size, agency: str, data: Path, places: Places, port: int) -> str:
    """The configuration: all wires live on one host, so politeness is set out of the way."""
    parts = [
        f'data = "{data}"\nworker_processes = 2\n',
        '[publisher]\nname = "The Morning Chronicle"\nurl = "https://www.chronicle.example"\n',
        f'[site]\nurl = "http://127.0.0.1:{port}"\n',
        "[hub]\nallow_private = true\n",
        '[politeness]\nper_host = 1000\nper_agency = 1000\ngap = "0s"\n',
    ]
    for n in range(size.wires):
        parts.append(
            f'[[wires]]\nname = "w{n}"\nagency = "Simulated Press Agency"\ncode = "SIM"\n'
            f'url = "{agency}/w/{n}.{ENDINGS[n % len(ENDINGS)]}"\n'
            f'every = "1s"\nallow_private = true\ntimeout = "{TIMEOUT}s"\n'
        )
    keys = {
        DROPPED: f'url = "{places.drop.as_uri()}"\ndelete_taken = true\n',
        SENT: f'url = "push:"\nsecret = "{SECRET}"\n',
        FETCHED: (
            f'url = "sftp://127.0.0.1:{places.server.port}/"\nuser = "{USER}"\n'
            f'client_key = "{places.server.client_key}"\nallow_private = true\n'
            f'host_keys = ["{places.server.host_key}"]\ndelete_taken = true\n'
        ),
        PUSHED: f'url = "{places.hub.feed}"\nallow_private = true\npush = true\n',
    }
    parts += [
        f'[[wires]]\nname = "{name}"\nagency = "Simulated Press Agency"\ncode = "SIM"\n'
        f'every = "1s"\ntimeout = "{TIMEOUT}s"\n{came}'
        for name, came in keys.items()
    ]
    some = json.dumps([f"w{n}" for n in range(0, size.wires, 2)])
    parts += [
        '[[feeds]]\nname = "all"\ntitle = "Everything"\nlimit = 300\n',
        f'[[feeds]]\nname = "some"\ntitle = "Every other wire"\nwires = {some}\nlimit = 40\n',
        '[[feeds]]\nname = "hindi"\ntitle = "हिन्दी"\nlanguages = ["hi"]\nlimit = 40\n',
    ]
    return "\n".join(parts)
