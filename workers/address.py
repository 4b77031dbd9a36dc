"""The broker's address: the one configured, or that of the data folder's private broker.

Worker, poller, beat and web each work out the private one from the data folder alone.
"""

import hashlib
import os
import re
from pathlib import Path
from urllib.parse import quote

import redis

from stories.config import Config

SOCKET_PATH_LIMIT = 107
"""Bytes a unix socket's path may have (``sun_path`` of unix(7): 108 with the closing NUL)."""


def private_socket(data: Path) -> Path:
    """The socket of the private broker of the data folder *data*.

    In the data folder, or, when that path is too long for a socket, in a folder of ``/tmp`` named
    after it. Not in ``TMPDIR`` or ``XDG_RUNTIME_DIR``: all processes must find the same path, and
    those differ between a login and a service.
    """
    data = data.resolve()
    near = data / "broker" / "broker.sock"
    if len(os.fsencode(near)) <= SOCKET_PATH_LIMIT:
        return near
    name = hashlib.sha256(os.fsencode(data)).hexdigest()[:16]
    return Path(f"/tmp/wirecopy-{os.getuid()}-{name}/broker.sock")  # noqa: S108 - desk.broker checks it


def socket_url(socket: Path, database: int = 0) -> str:
    """The URL of the logical *database* of the broker that listens on *socket*."""
    return f"redis+socket://{quote(str(socket))}?virtual_host={database}"


def broker_url(config: Config) -> str:
    """The broker as Celery addresses it: ``redis://``, ``rediss://`` or ``redis+socket://``."""
    if config.redis_url is None:
        return socket_url(private_socket(config.data))
    url = config.redis_url.get_secret_value()
    socket = re.fullmatch(r"unix://(/[^?]*)(?:\?db=(\d+))?", url)
    return f"redis+socket://{socket[1]}?virtual_host={socket[2] or 0}" if socket else url


def client(url: str, timeout: float = 5) -> redis.Redis:
    """A client of the broker at *url* (as :func:`broker_url` gives it), not yet connected.

    *timeout* bounds connecting and every command, in seconds.
    """
    socket = re.fullmatch(r"redis\+socket://(/[^?]*)(?:\?virtual_host=(\d+))?", url)
    known = f"unix://{socket[1]}?db={socket[2] or 0}" if socket else url
    return redis.Redis.from_url(known, socket_timeout=timeout, socket_connect_timeout=timeout)
