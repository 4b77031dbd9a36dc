"""The web server: the site, run in this process until it is told to stop.

    python -m desk.web

Granian serves it in this process, without children: Rust threads do the network, one Python thread
the answers. Measured on one core with a ready feed of 52 KB, it answered 13,900
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
from typing import Any

import redis
import structlog
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server.embed import Server

from desk.exposition import exposition
from desk.show import complain
from desk.status import board, gather
from publish.web.app import App, create
from stories import clock, logs
from stories.config import Config, load
from stories.errors import WirecopyError
from workers.address import broker_url, client
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

BROKER_PATIENCE = 2.0
"""Seconds the broker has to answer ``/readyz`` and ``/metrics``."""

logger = structlog.get_logger(__name__)


def serve(config: Config) -> None:
    """Serve the site on its address until SIGTERM or SIGINT; answers under way are finished.

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
    """The numeric address and the port to listen on.

    Granian shares a port with whoever listens there already (SO_REUSEPORT), so that two servers
    would split the readers; this makes sure that nobody does.

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
    """How many connections to take: as many as files are left, once the limit is raised."""
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


def main() -> int:
    """Serve as configured; 1 with one line on standard error when that fails."""
    try:
        serve(load())
    except WirecopyError as error:
        complain(str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
