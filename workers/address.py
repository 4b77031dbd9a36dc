"""The broker: where it is, in the words of each library, and what our keys in it begin with.

Its address is the one configured, or that of the data folder's private broker, which worker,
poller, beat and web each work out from the folder alone.
"""

import hashlib
import os
import ssl
from pathlib import Path
from typing import Any
from urllib.parse import quote

import redis

from stories.broker import Address, parse
from stories.config import Config
from stories.db import Store, connect, key_value

SOCKET_PATH_LIMIT = 107
"""Bytes a unix socket's path may have (``sun_path`` of unix(7): 108 with the closing NUL)."""

KEY_PREFIX = "wirecopy:"
"""Before every key in the broker, so that one Redis may serve other programs too."""


def private_socket(data: Path) -> Path:
    """The socket of the private broker of the data folder *data*.

    In the data folder, or, when that path is too long for a socket or no Unicode, in a folder of
    ``/tmp`` named after it. Not in ``TMPDIR`` or ``XDG_RUNTIME_DIR``: all processes must find the
    same path, and those differ between a login and a service.
    """
    data = data.resolve()
    near = data / "broker" / "broker.sock"
    if len(os.fsencode(near)) <= SOCKET_PATH_LIMIT and str(near).isprintable():
        return near
    name = hashlib.sha256(os.fsencode(data)).hexdigest()[:16]
    return Path(f"/tmp/wirecopy-{os.getuid()}-{name}/broker.sock")  # noqa: S108 - desk.broker checks it


def broker_address(config: Config) -> Address:
    """Where the broker is: ``redis_url``, else the private one."""
    if config.redis_url is None:
        return Address(socket=private_socket(config.data))
    return parse(config.redis_url.get_secret_value())


def key_prefix(store: Store) -> str:
    """Before every key of the newsroom whose database *store* is: others may use the same Redis, a
    staging copy for one."""
    return f"{KEY_PREFIX}{key_value.identity(store)}:"


def key_prefix_of(config: Config) -> str:
    """:func:`key_prefix` of the database configured.

    :raises StoreError, SQLAlchemyError: if it cannot be opened.
    """
    store = connect(config.database)
    try:
        store.migrate()
        return key_prefix(store)
    finally:
        store.close()


class Broker(redis.Redis):
    """A client of the broker; ``prefix`` is what our keys begin with."""

    prefix: str = KEY_PREFIX


def client(address: Address | str, timeout: float = 5, prefix: str = KEY_PREFIX) -> Broker:
    """A client of the broker at *address*, not yet connected.

    *timeout* bounds connecting and every command, in seconds.
    """
    where = parse(address) if isinstance(address, str) else address
    kind: type[redis.Connection | redis.UnixDomainSocketConnection] = redis.Connection
    keys: dict[str, Any] = {"host": where.host, "port": where.port, **_tls(where)}
    if where.socket is not None:
        kind, keys = redis.UnixDomainSocketConnection, {"path": str(where.socket)}
    elif where.tls is not None:
        kind = redis.SSLConnection
    pool = redis.ConnectionPool(
        connection_class=kind,
        db=where.database,
        username=where.username,
        password=where.password,
        socket_timeout=timeout,
        socket_connect_timeout=timeout,
        **keys,
    )
    found = Broker.from_pool(pool)
    assert isinstance(found, Broker)
    found.prefix = prefix
    return found


def celery_settings(address: Address) -> dict[str, Any]:
    """The same address in Celery's settings. Each part is %-coded, and certificates are checked:
    kombu would take a ``rediss://`` without more for one that need not be."""
    user = ""
    if address.username or address.password:
        user = f"{quote(address.username or '', '')}:{quote(address.password or '', '')}@"
    if address.socket is not None:
        url = f"redis+socket://{user}{quote(str(address.socket))}?virtual_host={address.database}"
        return {"broker_url": url, "broker_use_ssl": False}
    host = f"[{address.host}]" if ":" in address.host else quote(address.host, "")
    scheme = "redis" if address.tls is None else "rediss"
    url = f"{scheme}://{user}{host}:{address.port}/{address.database}"
    return {"broker_url": url, "broker_use_ssl": _tls(address) or False}


def _tls(address: Address) -> dict[str, Any]:
    """What redis-py's connections, and so kombu's, are told about TLS; empty without it."""
    tls = address.tls
    if tls is None:
        return {}
    keys = {
        "ssl_cert_reqs": tls.check,
        "ssl_check_hostname": tls.check_hostname,
        "ssl_ca_certs": tls.authorities,
        "ssl_certfile": tls.certificate,
        "ssl_keyfile": tls.key,
    }
    return {name: value for name, value in keys.items() if value is not None}


def writes_refused(broker: Broker) -> str | None:
    """Why nothing can be written to *broker* just now, with the remedy; None after having written.

    :raises redis.RedisError, OSError: when it does not answer.
    """
    try:
        broker.set(f"{broker.prefix}written", "1", ex=60)
    except redis.ResponseError as error:
        if isinstance(error, redis.exceptions.ReadOnlyError):
            remedy = "it is a replica; name its primary in redis_url, or promote it"
        elif isinstance(error, redis.exceptions.OutOfMemoryError):
            remedy = "its memory is full; raise its maxmemory"
        else:
            remedy = f"it says: {error}"
        return f"takes no writes: {remedy}"
    return None


def away(config: Config, error: Exception) -> str:
    """Why the broker of *config* does not answer, by the *error* of its client, with the remedy."""
    address = broker_address(config)
    if isinstance(error, redis.AuthenticationError):
        return f"{address.shown} refuses the name or password: {error}; mend redis_url"
    if isinstance(error, redis.TimeoutError | TimeoutError):
        return f"{address.shown} gives no answer; see whether it runs, and can be reached"
    if config.redis_url is None:
        return "the private broker is not running; `wirecopy up` starts it"
    cause = error.__cause__ or error.__context__
    if isinstance(cause, ssl.SSLCertVerificationError):
        return (
            f"{address.shown}: its certificate cannot be verified: {cause.verify_message};"
            " name the authority to trust: ?ssl_ca_certs=FILE in redis_url"
        )
    reason = cause.strerror if isinstance(cause, OSError) else None
    return f"{address.shown} cannot be reached: {reason or error}; start it, or mend redis_url"
