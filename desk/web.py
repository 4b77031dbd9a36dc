"""The web server: the site, run in this process until it is told to stop.

    python -m desk.web

Granian carries it, in this process and without children: Rust threads do the network and one
Python thread the answers. Measured on one core with a ready feed of 52 KB, it answered 13,900
requests a second and 19,500 with 304, where uvicorn answered 1,800 and 2,300 with h11, 6,100 and
8,000 with httptools.
"""

import asyncio
import contextlib
import errno
import resource
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import redis
import structlog
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server.embed import Server
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy.exc import SQLAlchemyError

from desk.status import LATE, board, gather
from publish.web.app import App, create
from stories import clock, logs
from stories.config import Config, load
from stories.db import Store, alerts, captures, feeds, outbox, statistics
from stories.db import stories as records
from stories.errors import StoreError, WirecopyError
from workers import pulse, queues
from workers.address import broker_url, client
from workers.alerts import WORDS as KINDS
from workers.metrics import Collected, outcome
from workers.start import start

BACKLOG = 1024
"""Connections the kernel holds while we are busy."""

CONNECTIONS = 16_384
"""Most connections at once, idle ones included, if the system grants us as many files."""

OWN_FILES = 128
"""Of those files, what database, broker, logs and Python itself need."""

IDLE = 30_000
"""Milliseconds a connection may take to send a request's head, and rest between two requests."""

GRACE = 10
"""Seconds that running answers have to end after SIGTERM."""

BROKER_PATIENCE = 2.0
"""Seconds the broker has to answer ``/readyz`` and ``/metrics``."""

WIRES_TOLD = 500
"""Wires that have series of their own in ``/metrics``: the first ones configured, so that they stay
the same. Of all there are sums."""

WELL_WITHIN = (60, 300, 900, 3600, 21_600, 86_400)
"""Seconds within which it is counted how many wires were polled well."""

logger = structlog.get_logger(__name__)


def serve(config: Config) -> None:
    """Serve *newsroom* on its site's address until SIGTERM or SIGINT; running answers are ended.

    :raises WirecopyError: when the address cannot be listened on, the store cannot be opened, or
        the server ends of itself.
    """
    logs.configure(config.log)
    host, port = listen_on(config)
    store = start(config)
    broker = client(broker_url(config), timeout=BROKER_PATIENCE)
    try:
        app = create(
            config,
            store,
            ready=lambda: {"broker": broker_state(broker)},
            metrics=exposition(config, store, broker),
            status=lambda: board(gather(config, store, clock.now())),
        )
        asyncio.run(_run(app, host, port))
    finally:
        broker.close()
        store.close()


def listen_on(config: Config) -> tuple[str, int]:
    """The numeric address and the port to listen on, tried out.

    Granian shares a port with whoever listens there already (SO_REUSEPORT), and would split the
    readers between two servers; so this makes sure that nobody does.

    :raises WirecopyError: naming the address, what is wrong with it, and the remedy.
    """
    host, port = config.site.address
    where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = found[0]
        with socket.socket(family, kind, protocol) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind(address)
            trial.listen(1)
    except OSError as error:
        raise WirecopyError(f"web: cannot listen on {where}: {_why(error)}") from error
    return str(address[0]), port


def _why(error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            "another program does already (a second `wirecopy up`?);"
            " stop it, or set another address: [site] listen"
        )
    if error.errno in (errno.EACCES, errno.EPERM):
        return "this user may not; take a port from 1024 up: [site] listen"
    if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
        return (
            "that is not an address of this machine; set one that is,"
            ' like "0.0.0.0:8080": [site] listen'
        )
    return f"{error.strerror or error}; set another address: [site] listen"


async def _run(app: App, host: str, port: int) -> None:
    connections = _connections()
    server: Any = Server(
        app,
        address=host,
        port=port,
        interface=Interfaces.ASGI,
        # Two ends speak through a proxy's HTTP/1.1; HTTP/2 in the clear has no client here.
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(header_read_timeout=IDLE),
        websockets=False,
        backlog=BACKLOG,
        # Granian counts connections, idle ones too. At its default of 128 as many silent clients
        # kept everybody else waiting.
        backpressure=connections,
        log_dictconfig={"loggers": {"_granian": {"propagate": True}}},
        log_level=LogLevels.error,  # its warning at every start is that embedding is young
        log_access=False,
    )
    server.workers_kill_timeout = GRACE
    stopped = asyncio.Event()

    def stop() -> None:
        stopped.set()
        server.stop()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    logger.info("web serves", address=f"{host}:{port}", connections=connections)
    with contextlib.suppress(TimeoutError):
        await server.serve()
    if not stopped.is_set():
        raise WirecopyError(f"web: the server on {host}:{port} ended of itself; see the log above")
    logger.info("web ended")


def _connections() -> int:
    """How many connections to take: as many as we may have files, after asking for all we can."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = CONNECTIONS + OWN_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if soft == resource.RLIM_INFINITY:
        return CONNECTIONS
    return max(min(CONNECTIONS, soft - OWN_FILES), OWN_FILES)


def broker_state(broker: redis.Redis) -> str:
    """``ok`` when the broker answers, else why not, without naming where it is."""
    try:
        broker.ping()
    except (redis.RedisError, OSError) as error:
        logger.warning("not ready", part="broker", error=str(error))
        return f"cannot be reached ({type(error).__name__})"
    return "ok"


def exposition(config: Config, store: Store, broker: redis.Redis) -> Callable[[], bytes]:
    """What ``/metrics`` answers: the workers' figures and the store's, as they are when asked."""
    registry = CollectorRegistry()
    registry.register(Collected(broker))
    registry.register(Figures(config, store))
    registry.register(Members(broker))
    registry.register(Queues(broker))
    return lambda: generate_latest(registry)


class Queues(Collector):
    """How many messages wait in the broker's queues."""

    def __init__(self, broker: redis.Redis) -> None:
        self._broker = broker

    def collect(self) -> Iterator[Metric]:
        """One metric; none without a broker. For how long work waits, the outbox says."""
        try:
            depths = queues.depths(self._broker)
        except (redis.RedisError, OSError):
            return
        yield _gauge("wirecopy_queue", "Messages that wait in a queue.", "queue", depths)


class Members(Collector):
    """How many workers, pollers and beats left a sign of life lately."""

    def __init__(self, broker: redis.Redis) -> None:
        self._broker = broker

    def collect(self) -> Iterator[Metric]:
        """One metric; it says 0 for a kind of which none is alive, and nothing without a broker."""
        try:
            marks = [mark.partition("@")[0] for mark in pulse.alive(self._broker)]
        except (redis.RedisError, OSError):
            return
        yield _gauge(
            "wirecopy_alive",
            "Processes that left a sign of life lately, by kind.",
            "member",
            {kind: marks.count(kind) for kind in pulse.MEMBERS},
        )


class Figures(Collector):
    """Figures of the store, read when they are asked for.

    Labels are kinds of states and of work, configured feeds, and the first :data:`WIRES_TOLD`
    configured wires: bounded, and none that a wire can make.
    """

    def __init__(self, config: Config, store: Store) -> None:
        self._newsroom = config
        self._store = store

    def collect(self) -> Iterator[Metric]:
        """The figures; while the database is away only that it is."""
        now = clock.now()
        try:
            found = list(self._read(now))
        except (SQLAlchemyError, StoreError):
            found = []
        up = GaugeMetricFamily("wirecopy_database_up", "1 when the database answers, else 0.")
        up.add_metric([], 1 if found else 0)
        yield up
        yield from found

    def _read(self, now: datetime) -> Iterator[Metric]:
        named = [w.name for w in self._newsroom.wires[:WIRES_TOLD]]
        with self._store.read() as conn:
            states = statistics.states(conn)
            fresh = statistics.freshness(conn, named)
            well = statistics.well_since(conn, [now - timedelta(seconds=s) for s in WELL_WITHIN])
            unwell = {
                "paused": statistics.paused(conn, 0).count,
                "faulty": statistics.faulty(conn, 0).count,
                "late": statistics.late(conn, now - LATE, now, 0).count,
                "failing": statistics.failing(conn, 0).count,
            }
            alarmed = alerts.counts(conn)
            due = statistics.oldest_due(conn, now)
            oldest = statistics.oldest_unrendered(conn)
            expired = statistics.expired_leases(conn, now)
            looks = len(records.second_looks(conn))
            headless = len(statistics.headless(conn))
            stories, versions = records.counts(conn)
            unrendered = feeds.unrendered(conn)
            waiting = outbox.waiting(conn, now)
            quarantined = captures.problems_count(conn)
            served = feeds.summary(conn)
        yield _gauge(
            "wirecopy_wires",
            "Configured wires, by how their last poll went.",
            "state",
            _by_outcome(states),
        )
        yield _gauge(
            "wirecopy_wires_unwell",
            "Configured wires with which something is wrong; one may be counted under several.",
            "what",
            unwell,
        )
        yield _gauge(
            "wirecopy_wires_polled_within",
            "Configured wires that were polled well within so many seconds.",
            "seconds",
            {f"{s}": count for s, count in zip(WELL_WITHIN, well, strict=True)},
        )
        yield _gauge(
            "wirecopy_wire_polled_age_seconds",
            "Since when a wire was last known to be polled well; of the first wires configured.",
            "wire",
            {f.name: (now - f.good_at).total_seconds() for f in fresh if f.good_at},
        )
        yield _gauge(
            "wirecopy_wire_news_age_seconds",
            "Since when a wire has brought no news; of the first wires configured.",
            "wire",
            {f.name: (now - f.news_at).total_seconds() for f in fresh if f.news_at},
        )
        yield _gauge(
            "wirecopy_alerts",
            "Alerts that stand, by kind.",
            "kind",
            {kind: alarmed.get(kind, 0) for kind in KINDS},
        )
        yield GaugeMetricFamily(
            "wirecopy_due_lag_seconds",
            "For how long the wire that waits longest has been due for its poll.",
            (now - due).total_seconds() if due else 0,
        )
        yield GaugeMetricFamily(
            "wirecopy_unrendered_oldest_seconds",
            "Since when the oldest change waits to be in its feed.",
            (now - oldest.since).total_seconds() if oldest else 0,
        )
        yield _gauge(
            "wirecopy_leases_expired",
            "Leases that ran out and were not taken over yet, by what was leased.",
            "kind",
            expired,
        )
        yield GaugeMetricFamily(
            "wirecopy_second_looks", "Stories that wait for the desk's second look.", looks
        )
        yield GaugeMetricFamily(
            "wirecopy_stories_without_headline", "Stories that wait for a headline.", headless
        )
        yield GaugeMetricFamily("wirecopy_stories", "Stories on record.", stories)
        yield GaugeMetricFamily("wirecopy_versions", "Versions on record.", versions)
        yield GaugeMetricFamily(
            "wirecopy_stories_unrendered", "Stories on record without an entry.", unrendered
        )
        yield GaugeMetricFamily(
            "wirecopy_quarantined", "Captures and items that could not be taken in.", quarantined
        )
        kinds = {w.kind: w for w in waiting}
        names = ("ingest", "story", "feed", "alert")
        yield _gauge(
            "wirecopy_outbox",
            "Work wanted and not yet done, by kind.",
            "kind",
            {n: kinds[n].count if n in kinds else 0 for n in names},
        )
        yield _gauge(
            "wirecopy_outbox_failed",
            "Work that failed and waits for another try, by kind.",
            "kind",
            {n: kinds[n].failed if n in kinds else 0 for n in names},
        )
        yield _gauge(
            "wirecopy_outbox_oldest_seconds",
            "For how long the oldest work has been wanted, by kind.",
            "kind",
            {n: (now - kinds[n].oldest).total_seconds() if n in kinds else 0 for n in names},
        )
        rendered = {f.name: served[f.name] for f in self._newsroom.outgoing if f.name in served}
        yield _gauge(
            "wirecopy_feed_entries",
            "Entries in a feed.",
            "feed",
            {name: count for name, (count, _) in rendered.items()},
        )
        yield _gauge(
            "wirecopy_feed_age_seconds",
            "Since when a feed's bytes have been the same.",
            "feed",
            {name: (now - at).total_seconds() for name, (_, at) in rendered.items()},
        )


def _by_outcome(states: dict[str, int]) -> dict[str, int]:
    found: dict[str, int] = {}
    for state, count in states.items():
        found[outcome(state)] = found.get(outcome(state), 0) + count
    return dict(sorted(found.items()))


def _gauge(name: str, help_text: str, label: str, values: dict[str, Any]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, help_text, labels=[label])
    for key, value in values.items():
        family.add_metric([key], float(value))
    return family


def main() -> int:
    """Serve the configured newsroom; 1 with one line on stderr when that cannot be."""
    from desk.show import complain

    try:
        serve(load())
    except WirecopyError as error:
        complain(str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
