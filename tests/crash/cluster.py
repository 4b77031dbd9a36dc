"""The programs of a run: the agency, PostgreSQL, Redis, beats, several workers and as many pollers,
two webs, the reader; on several hosts a standby of PostgreSQL, too."""

import json
import shlex
import shutil
import signal
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from stories.config import Config, load
from tests import servers
from tests.crash import hosts as net
from tests.crash.browser import NAMED_IN
from tests.crash.clocks import FAKETIME, SEAM, Clock, FakeTime
from tests.crash.hosts import Host
from tests.crash.hub import Hub
from tests.crash.programs import Program
from tests.crash.relay import THROUGH
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

RENAMED = "-anew"
"""What the name of a wire ends with while it is called otherwise."""

PASSING = ("spare", "fresh")
"""Feeds that are not always configured: the first is removed while the other is there."""

SECRET = "what-senders-of-this-run-have"

STALE = 20
"""Seconds for which a web may serve what the database does not confirm."""

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

REPLICATED = {
    "listen_addresses": "*",
    "wal_keep_size": "64MB",
    "wal_sender_timeout": "5s",
    "wal_receiver_timeout": "5s",
    # As docs/operations.md has it where there is a pool: its host may vanish, too.
    "idle_in_transaction_session_timeout": "60s",
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "3",
}


POOLED = "postgresql://wirecopy@127.0.0.1:6432/postgres"
"""PostgreSQL by way of PgBouncer on the same host."""

RELAYED = "postgresql://wirecopy@127.0.0.1:6431,127.0.0.1:6430/postgres"
"""PostgreSQL and its standby by way of the relay on the same host."""


@dataclass(frozen=True, slots=True)
class Size:
    """How large a run is. ``novelty`` is new stories a minute and wire, ``errors`` the share of
    the agency's answers that fail, ``speed`` that of all clocks, ``every`` when wires are polled.
    ``keeps`` is how long captures are kept and, of one wire, stories are shown."""

    seed: int
    wires: int
    workers: int
    database: str
    items: int = 20
    novelty: float = 6.0
    updates: float = 0.4
    touches: float = 0.2
    errors: float = 0.08
    speed: float = 1.0
    every: str = "1s"
    keeps: str = ""


@dataclass(frozen=True, slots=True)
class Places:
    """Where the courier delivers: a folder, an SFTP server that shows another, a hub."""

    drop: Path
    fetch: Path
    server: Sftp
    hub: Hub


@dataclass(frozen=True, slots=True)
class Cluster:
    """All programs of a run and where to find them. Of ``databases`` the first takes writes, none
    is SQLite; ``workers`` are workers and pollers; the reader is told in ``hidden`` what the desk
    hid. ``texts`` are two configurations: that of most of the time, and another. ``clocks`` are
    those of members by their names, ``clock`` is one that is right.
    Nobody but who holds ``quiet`` runs a command; ``lost`` is what a restore, or a fail-over, left
    out; ``lagging`` is set while nothing comes to the standby, ``sending`` while a form is sent to
    the desk.
    """

    hosts: Mapping[str, Host]
    agency: Program
    agency_url: str
    redis: Program
    databases: list[Program]
    pool: Program | None
    relay: Program | None
    beats: Sequence[Program]
    workers: Sequence[Program]
    webs: Sequence[Program]
    web_urls: Sequence[str]
    desk: Program
    reader: Program
    reader_told: Path
    hidden: Path
    config: Config
    texts: tuple[str, ...]
    clock: Clock
    clocks: Mapping[str, Clock]
    postgres_clock: FakeTime | None
    folder: Path
    quiet: threading.Lock
    lost: list[Any]
    lagging: threading.Event
    sending: threading.Event
    places: Places

    @property
    def apart(self) -> bool:
        """Whether there are several hosts."""
        return self.hosts[net.OBSERVER].apart

    @property
    def postgres(self) -> Program | None:
        """The PostgreSQL that takes writes."""
        return next(iter(self.databases), None)

    @property
    def members(self) -> list[Program]:
        """Wirecopy's own processes."""
        return [*self.workers, *self.beats, *self.webs, self.desk]

    @property
    def services(self) -> list[Program]:
        """What they need: the database, if it is a process, and the broker."""
        between = [one for one in (self.pool, self.relay) if one is not None]
        return [*self.databases, self.redis, *between]

    @property
    def redis_url(self) -> str:
        """Where the broker is, with the password that it has now."""
        return self.beats[0].environment[REDIS_URL]

    def change_password(self, new: str) -> None:
        """Have members, and the broker, know the broker's password *new* when they start."""
        scheme, _, place = self.redis_url.partition("://")
        if scheme == "unix":
            url = f"{scheme}://{place.partition('&password=')[0]}&password={new}"
        else:
            url = f"{scheme}://:{new}@{place.rpartition('@')[2]}"
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


def build(folder: Path, hosts: Mapping[str, Host], size: Size, places: Places) -> Cluster:
    """The cluster for a run of that *size* on *hosts*, with no program started yet.

    Logs and what the reader finds go into *folder*; the files of Wirecopy, the database and the
    broker into the folders of their hosts.
    """
    logs = folder / "logs"
    logs.mkdir()

    def program(name: str, host: Host, *command: str | Path, **more: object) -> Program:
        told = [str(c) for c in command]
        return Program(name, host, told, HOME, logs / f"{name}.log", **more)  # type: ignore[arg-type]

    apart = hosts[net.OBSERVER].apart
    agency, outside = hosts[net.AGENCY], hosts[net.OUTSIDE]
    port = free_port()
    simulated = "-m", "tests.load", *_agency(size, agency.address, port)
    redis, redis_url = _redis(hosts[net.BROKER])
    databases: list[Program] = []
    environment = {
        REDIS_URL: redis_url,
        "WIRECOPY_LOG": "json",
        "PYTHONPATH": f"{SEAM}:{HOME}",  # this code, wherever another copy is installed
    }
    faked = None
    if size.database == "postgresql":
        databases, url = _databases(hosts, logs)
        if FAKETIME and not apart:
            faked = FakeTime(databases[0].folder / "clock")
            faked.set(0)
            databases[0].command = faked.command(*databases[0].command)
        environment["WIRECOPY_DATABASE_URL"] = url
    webs_on = [hosts[name] for name in net.WEBS]
    ports = [free_port() for _ in webs_on]
    urls = [f"http://{host.address}:{port}" for host, port in zip(webs_on, ports, strict=True)]
    file = folder / "wirecopy.toml"
    home = hosts[net.OBSERVER].data / "wirecopy"
    from_agency = f"http://{_named(agency)}:{port}"
    desk = (
        f'[desk]\nlisten = "{webs_on[0].address}:{free_port()}"\n'
        f'login = "header:{NAMED_IN}"\ntrusted = ["{outside.address}"]\n'
    )
    texts = tuple(text + desk for text in _config(size, from_agency, home, places, urls[0]))
    file.write_text(texts[0], encoding="utf-8")
    right = Clock(folder / "clock")
    right.set(0)
    clocks: dict[str, Clock] = {}

    pool = _pool(hosts[net.WORKS[1]], databases[0], logs) if apart else None
    relay = _relay(hosts[net.WEBS[1]], logs) if apart else None
    ways = {POOLED: pool, RELAYED: relay}

    def member(kind: str, number: int, host: Host, **more: str) -> Program:
        name = f"{kind}-{number}"
        own = folder / "members" / name
        own.mkdir(parents=True)
        more = {**environment, **more, "WIRECOPY_DATA": str(host.data / "wirecopy")}
        for url in [url for url, one in ways.items() if one is not None and one.host is host]:
            more["WIRECOPY_DATABASE_URL"] = url
        clocks[name] = Clock(own / "clock")
        clocks[name].set(0)
        more |= {"WIRECOPY_CONFIG": str(own / "wirecopy.toml"), **clocks[name].environment}
        member = program(name, host, WIRECOPY, "up", kind, environment=more)
        configure(member, texts[0])
        return member

    webs = [
        member("web", n, host, WIRECOPY_SITE__LISTEN=url.removeprefix("http://"))
        for n, (host, url) in enumerate(zip(webs_on, urls, strict=True))
    ]
    config = load(file).model_copy(
        update={"database_url": None, "redis_url": None}
        if not databases
        else {"database_url": SecretStr(environment["WIRECOPY_DATABASE_URL"])}
    )
    told, hidden = folder / "logs" / "reader.jsonl", folder / "hidden.jsonl"
    hidden.touch()
    order = {
        "seed": size.seed,
        "webs": urls,
        "feeds": [*(f.name for f in config.outgoing), PASSING[1]],
        "passing": PASSING,
        "told": str(told),
        "hidden": str(hidden),
    }
    reading = "-m", "tests.crash.reader", json.dumps(order)
    return Cluster(
        hosts=hosts,
        agency=program(
            "agency",
            agency,
            *(sys.executable, *simulated),
            environment={"PYTHONPATH": f"{SEAM}:{HOME}", **right.environment},
        ),
        agency_url=f"http://{agency.address}:{port}",
        redis=program("redis", hosts[net.BROKER], *redis),
        databases=databases,
        pool=pool,
        relay=relay,
        beats=[member("beat", n, hosts[net.BEAT]) for n in range(1 if apart else BEATS)],
        workers=[
            member(kind, n, hosts[net.WORKS[n % len(net.WORKS)]])
            for n in range(size.workers)
            for kind in ("worker", "poller")
        ],
        webs=webs,
        web_urls=urls,
        desk=member("desk", 0, webs_on[0]),
        reader=program("reader", outside, sys.executable, *reading),
        reader_told=told,
        hidden=hidden,
        config=config,
        texts=texts,
        clock=right,
        clocks=clocks,
        postgres_clock=faked,
        folder=folder,
        quiet=threading.Lock(),
        lost=[],
        lagging=threading.Event(),
        sending=threading.Event(),
        places=places,
    )


def configure(member: Program, text: str) -> None:
    """Let *member* have the configuration *text* at its next start."""
    Path(member.environment["WIRECOPY_CONFIG"]).write_text(text, encoding="utf-8")


def _named(host: Host) -> str:
    """How other hosts call it."""
    return host.name if host.apart else host.address


def _redis(host: Host) -> tuple[list[str], str]:
    """The command of the broker on *host*, and its URL."""
    folder = host.data / "redis"
    folder.mkdir()
    server = servers.redis_server(folder)
    if not host.apart:
        return [*server.command], server.url
    listening = ["--bind", host.address, "--port", "6379", "--protected-mode", "no"]
    return [*server.command, *listening], f"redis://{host.name}:6379/?db=0"


def _databases(hosts: Mapping[str, Host], logs: Path) -> tuple[list[Program], str]:
    """PostgreSQL, with a standby where there are several hosts, and the URL."""
    first, second = (hosts[name] for name in net.DATABASES)
    settings = {**POSTGRES_SETTINGS, **(REPLICATED if first.apart else {})}
    folders = [host.data / "postgres" for host in ((first, second) if first.apart else (first,))]
    for folder in folders:
        folder.mkdir()
    found = servers.postgres_server(folders[0], settings)
    home = found.cwd or folders[0]
    main = Program("postgres", first, found.command, home, logs / "postgres.log", user=found.user)
    if not first.apart:
        return [main], found.url
    with (home / "data" / "pg_hba.conf").open("a") as lets_in:
        lets_in.write("host all all samenet trust\nhost replication all samenet trust\n")
    with (home / "data" / "postgresql.conf").open("a") as settings_file:
        # What is committed is on both: whichever dies, nothing that was acknowledged is lost.
        settings_file.write("synchronous_standby_names = '*'\n")
    # The second has the same folders on its own disk.
    other = servers.postgres_home(folders[1], found.user)
    command = [part.replace(str(home), str(other)) for part in found.command]
    log = logs / "standby.log"
    standby = Program("standby", second, command, other, log, user=found.user)
    follow(standby, main)
    user = "postgresql://wirecopy@"
    return [main, standby], f"{user}{first.name}:5432,{second.name}:5432/postgres"


def _pool(host: Host, primary: Program, logs: Path) -> Program | None:
    """PgBouncer on *host*, where it is installed."""
    binary = shutil.which("pgbouncer")
    if binary is None:
        return None
    folder = host.data / "pool"
    folder.mkdir()
    folder.chmod(0o755)
    command, log = [binary, "pool.ini"], logs / "pool.log"
    pool = Program("pool", host, command, folder, log, user=primary.user)
    lead(pool, primary)
    return pool


def lead(pool: Program, primary: Program) -> None:
    """Have PgBouncer lead to *primary*."""
    file = pool.folder / "pool.ini"
    file.write_text(
        f"[databases]\n* = host={primary.host.name} user=wirecopy\n[pgbouncer]\n"
        "listen_addr=127.0.0.1\nunix_socket_dir=\nauth_type=any\npool_mode=transaction\n"
        "ignore_startup_parameters=extra_float_digits\nserver_login_retry=1\n"
        # Its own patience is two minutes; and it does not see that somebody is gone without a word.
        "query_wait_timeout=10\nserver_connect_timeout=5\ntcp_user_timeout=10000\n"
    )
    file.chmod(0o644)
    if pool.process is not None:
        net.send([pool.process.pid], signal.SIGHUP)


def _relay(host: Host, logs: Path) -> Program:
    """The relay on *host* before the databases."""
    routes = [f"{6431 - n}={name}:5432" for n, name in enumerate(net.DATABASES)]
    folder = logs.parent / "relay"  # no disk of a host, which may be full, or read-only
    folder.mkdir()
    (folder / "how").write_text(THROUGH)
    command = [sys.executable, "-m", "tests.crash.relay", str(folder / "how"), *routes]
    return Program("relay", host, command, HOME, logs / "relay.log")


def follow(standby: Program, primary: Program) -> None:
    """Have *standby*, which does not run, be a copy of *primary* from its next start on."""
    data, command = standby.folder / "data", postgres_command(standby)
    whole = standby.folder / "whole"
    whole.unlink(missing_ok=True)
    copy = f"{Path(command[0]).parent}/pg_basebackup -h {primary.host.name} -U wirecopy -R -c fast"
    standby.command = [
        *("sh", "-c"),
        f"until [ -e {whole} ]; do rm -rf {data}; {copy} -D {data} && touch {whole} || sleep 0.3;"
        f" done; exec {shlex.join(command)}",
    ]


def postgres_command(server: Program) -> list[str]:
    """The command of PostgreSQL itself, without that which copies another first."""
    if server.command[0] != "sh":
        return [*server.command]
    return shlex.split(server.command[2].rpartition("exec ")[2])


def _agency(size: Size, address: str, port: int) -> list[str]:
    return [
        *(str(size.wires), "--host", address, "--port", str(port), "--seed", str(size.seed)),
        *("--items", str(size.items), "--novelty", str(size.novelty)),
        *("--updates", str(size.updates), "--touches", str(size.touches)),
        *("--errors", str(size.errors)),
        *("--not-modified", "0.8", "--slow-seconds", "2", "--speed", str(size.speed)),
        *(["--by-hour"] if size.speed != 1 else []),
    ]


def _config(size: Size, agency: str, data: Path, places: Places, site: str) -> tuple[str, str]:
    """The configuration: all wires live on one host, so politeness is set out of the way. And
    another, by which a wire has another name, and a feed is there in place of another; the first
    knows nothing of that name."""
    whole = _common(size, agency, data, places, site)
    some = [f"w{n}" for n in range(0, size.wires, 2)]
    texts = []
    anew = f'name = "w0{RENAMED}"\naliases = ["w0"]\n'
    for passing, new, named in (
        (PASSING[0], "w0", whole),
        (PASSING[1], f"w0{RENAMED}", whole.replace('name = "w0"\n', anew)),
    ):
        names = json.dumps([new, *some[1:]])
        feeds = [
            '[[feeds]]\nname = "all"\ntitle = "Everything"\nlimit = 300\n',
            f'[[feeds]]\nname = "some"\ntitle = "Every other wire"\nwires = {names}\nlimit = 40\n',
            '[[feeds]]\nname = "hindi"\ntitle = "हिन्दी"\nlanguages = ["hi"]\nlimit = 40\n',
            f'[[feeds]]\nname = "{passing}"\ntitle = "For a time"\nlimit = 20\n',
        ]
        texts.append("\n".join([named, *feeds]))
    return texts[0], texts[1]


def _common(size: Size, agency: str, data: Path, places: Places, site: str) -> str:
    # Leases follow from it, which end by the clock; work goes on at its own speed.
    timeout = int(TIMEOUT * size.speed)
    parts = [
        f'data = "{data}"\nworker_processes = 2\n',
        f'[retention]\ncaptures = "{size.keeps}"\n' if size.keeps else "",
        '[publisher]\nname = "The Morning Chronicle"\nurl = "https://www.chronicle.example"\n',
        f'[site]\nurl = "{site}"\nstale = "{STALE}s"\n',
        "[hub]\nallow_private = true\n",
        # Several hosts share the keys, and nothing else.
        f'[signing]\nkeys = "{data.parents[1] / "keys-of-ours"}"\n',
        '[politeness]\nper_host = 1000\nper_agency = 1000\ngap = "0s"\n',
    ]
    for n in range(size.wires):
        parts.append(
            f'[[wires]]\nname = "w{n}"\nagency = "Simulated Press Agency"\ncode = "SIM"\n'
            f'url = "{agency}/w/{n}.{ENDINGS[n % len(ENDINGS)]}"\n'
            f'every = "{size.every}"\nallow_private = true\ntimeout = "{timeout}s"\n'
            + (f'expires_after = "{size.keeps}"\n' if size.keeps and n == 1 else "")
        )
    keys = {
        DROPPED: f'url = "{places.drop.as_uri()}"\ndelete_taken = true\n',
        SENT: f'url = "push:"\nsecret = "{SECRET}"\n',
        FETCHED: (
            f'url = "sftp://{places.server.host}:{places.server.port}/"\nuser = "{USER}"\n'
            f'client_key = "{places.server.client_key}"\nallow_private = true\n'
            f'host_keys = ["{places.server.host_key}"]\ndelete_taken = true\n'
        ),
        PUSHED: f'url = "{places.hub.feed}"\nallow_private = true\npush = true\n',
    }
    parts += [
        f'[[wires]]\nname = "{name}"\nagency = "Simulated Press Agency"\ncode = "SIM"\n'
        f'every = "{size.every}"\ntimeout = "{timeout}s"\n{came}'
        for name, came in keys.items()
    ]
    return "\n".join(parts)
