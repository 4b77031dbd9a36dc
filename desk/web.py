"""The web server: the site, run in this process until it is told to stop.

    python -m desk.web

Granian serves it in this process, without children: Rust threads do the network, one Python thread
the answers. Measured on one core with a ready feed of 52 KB, it answered 13,900
requests a second and 19,500 with 304, where uvicorn answered 1,800 and 2,300 with h11, 6,100 and
8,000 with httptools.
"""

import asyncio
import contextlib
import logging
import os
import resource
import signal
import threading
from collections.abc import Callable
from typing import Any

import redis
import structlog
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server.embed import Server
from prometheus_client import generate_latest, start_http_server

from desk import show
from desk.exposition import figures
from desk.listen import listen_on
from desk.status import board, gather
from publish.web.app import App, Application, create
from stories import clock, logs
from stories.config import Config, load
from stories.db import SQLAlchemyError, connect, why
from stories.errors import WirecopyError
from workers.address import Broker, broker_address, client, key_prefix, writes_refused
from workers.notices import DUE, WORK, follow_feeds, tell
from workers.start import start

BACKLOG = 1024
"""Connections the kernel holds while we are busy."""

CONNECTIONS = 16_384
"""Most connections at once, idle ones included, if the process may have as many files."""

OWN_FILES = 128
"""Files that database, broker, logs and Python itself need."""

IDLE = 30_000
"""Milliseconds a connection may take to send a request's head, or be idle between two requests."""

GRACE = 10
"""Seconds that answers under way have to end after SIGTERM."""

PATIENCE = 5.0
"""Seconds the database has for one statement: few are asked that take more than milliseconds."""

BROKER_PATIENCE = 2.0
"""Seconds the broker has to answer ``/readyz`` and ``/metrics``."""

logger = structlog.get_logger(__name__)


def serve(config: Config, *, started: bool) -> None:
    """Serve the site on its address until SIGTERM or SIGINT; answers under way are finished.

    *started* says that the store was started with this very *config*.

    :raises WirecopyError: when the address cannot be listened on, the store cannot be opened, or
        the server ends of itself.
    """
    host, port = listen_on(*config.site.address)
    store = (connect(config.database) if started else start(config)).hurry(PATIENCE)
    broker = client(broker_address(config), BROKER_PATIENCE, key_prefix(store))
    app: Application
    registry = figures(config, store, broker, lambda: app.feeds.stale())  # noqa: PLW0108 - made below
    ended = threading.Event()
    try:
        apart = config.site.metrics_address
        if apart is not None:
            at, number = listen_on(*apart, "[site] metrics_listen")
            start_http_server(number, at, registry)
        app = create(
            config,
            store,
            ready=lambda: {"broker": broker_state(broker)},
            metrics=None if apart else lambda: generate_latest(registry),
            # A machine that only serves has no folder of keys, and need not.
            status=lambda: board(
                gather(config, store, clock.now(), with_keys=config.keys_folder.is_dir())
            ),
            came=lambda: tell(broker, DUE, WORK),  # else it waits for the next sweep
        )
        # With a client of its own, which is not closed below while the thread waits for news.
        listening = client(broker_address(config), BROKER_PATIENCE, broker.prefix)
        follow = (listening, app.feeds.changed, ended)
        threading.Thread(target=follow_feeds, args=follow, name="feeds", daemon=True).start()
        asyncio.run(run(app, host, port, "web"))
    finally:
        ended.set()
        broker.close()
        store.close()


async def run(
    app: App, host: str, port: int, name: str, ending: Callable[[], None] = lambda: None
) -> None:
    """Serve *app* as the member *name* until SIGTERM or SIGINT, at which *ending* is called.

    :raises WirecopyError: when the server ends of itself.
    """
    connections = _connections()
    server: Any = Server(
        app,
        address=host,
        port=port,
        # No lifespan: the site has none, and at the end its task would be cut off with a traceback.
        interface=Interfaces.ASGINL,
        # Proxies speak HTTP/1.1 to their servers; nobody speaks HTTP/2 without TLS.
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(header_read_timeout=IDLE),
        websockets=False,
        backlog=BACKLOG,
        # Idle connections count. With the default of 128, that many silent clients kept everybody
        # else waiting.
        backpressure=connections,
        log_dictconfig={"loggers": {"_granian": {"propagate": True}}},
        log_level=LogLevels.error,  # its warning at every start is that embedding is young
        log_access=False,
    )
    server.workers_kill_timeout = GRACE
    stopped = asyncio.Event()

    def stop() -> None:
        stopped.set()
        ending()
        server.stop()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        if signal.getsignal(number) is not signal.SIG_IGN:  # it is for nohup(1) and "&"
            loop.add_signal_handler(number, stop)
    logger.info(f"{name} serves", address=f"{host}:{port}", connections=connections)
    with contextlib.suppress(TimeoutError):
        await server.serve()
    if not stopped.is_set():
        raise WirecopyError(
            f"{name}: the server on {host}:{port} ended of itself; see the log above"
        )
    logger.info(f"{name} ended")


def _connections() -> int:
    """How many connections to take: as many as files are left, once the limit is raised."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = CONNECTIONS + OWN_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if soft == resource.RLIM_INFINITY:
        return CONNECTIONS
    return max(min(CONNECTIONS, soft - OWN_FILES), OWN_FILES)


def broker_state(broker: Broker) -> str:
    """``ok`` when the broker takes what is written, else why not, without naming where it is."""
    try:
        refused = writes_refused(broker)
    except (redis.RedisError, OSError) as error:
        logger.warning("not ready", part="broker", error=str(error))
        return f"cannot be reached ({type(error).__name__})"
    if refused is not None:
        logger.warning("not ready", part="broker", error=refused)
        return refused
    return "ok"


def main(started: Config | None = None) -> int:
    """Serve as configured, or as the store was *started*; 1 with one line in the log when that
    fails."""
    return member("web", serve, started)


def member(name: str, serves: Callable[..., None], started: Config | None) -> int:
    """Be the member *name*, which *serves*; its exit code, as :func:`main`'s."""
    show.settle_streams()
    logs.configure()
    logs.log_crashes()
    try:
        config = started or load()
        logs.configure(config.log)
        serves(config, started=started is not None)
    except (WirecopyError, SQLAlchemyError) as error:
        said = str(error) if isinstance(error, WirecopyError) else f"database: {why(error)}"
        logger.error(f"{name} cannot serve", error=said)
        return 1
    return 0


if __name__ == "__main__":
    code = main()
    logging.shutdown()
    # At once: a thread of Granian's that still holds a reader's connection would call into an
    # interpreter that is being taken down, and abort.
    os._exit(code)
