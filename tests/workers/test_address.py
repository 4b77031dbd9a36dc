"""The broker's address: read once, and the same to redis-py, kombu and Celery."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import kombu
import pytest
import redis
from kombu.exceptions import OperationalError
from kombu.transport.redis import Channel

from stories.broker import Address, Tls, parse
from stories.db import connect
from tests import servers
from tests.conftest import ConfigOf, database
from tests.hostile import CERTIFICATE
from workers import app, pulse, queues
from workers.address import (
    away,
    broker_address,
    celery_settings,
    client,
    key_prefix,
    key_prefix_of,
    writes_refused,
)

ADDRESSES = [
    ("redis://h", Address("h")),
    ("redis://", Address("127.0.0.1")),
    ("redis://h:6380/3", Address("h", 6380, database=3)),
    ("redis://h/?db=4", Address("h", database=4)),
    ("redis://:p%40ss%2F%3A@h/0", Address("h", password="p@ss/:")),
    ("redis://me:p%25@[::1]:6380/15", Address("::1", 6380, None, 15, "me", "p%")),
    ("redis://h/0?username=me&password=a%26b", Address("h", username="me", password="a&b")),
    ("rediss://h", Address("h", tls=Tls())),
    (
        "rediss://u:p@h/1?ssl_cert_reqs=none",
        Address("h", 6379, None, 1, "u", "p", Tls("none", False)),
    ),
    ("rediss://h?ssl_cert_reqs=CERT_REQUIRED", Address("h", tls=Tls())),
    (
        "rediss://h?ssl_ca_certs=/etc/house.pem&ssl_check_hostname=false",
        Address("h", tls=Tls(check_hostname=False, authorities="/etc/house.pem")),
    ),
    (
        "rediss://h?ssl_certfile=/c.pem&ssl_keyfile=/k.pem",
        Address("h", tls=Tls(certificate="/c.pem", key="/k.pem")),
    ),
    ("unix:///run/r.sock", Address("", 0, Path("/run/r.sock"))),
    ("unix:///run/r.sock?db=2&password=quay", Address("", 0, Path("/run/r.sock"), 2, None, "quay")),
    ("unix://me:p%40@/run/r.sock?db=2", Address("", 0, Path("/run/r.sock"), 2, "me", "p@")),
    ("unix:///a%20b/r%3F.sock", Address("", 0, Path("/a b/r?.sock"))),
    (
        "redis+socket:///run/r.sock?virtual_host=2&password=q",
        Address("", 0, Path("/run/r.sock"), 2, None, "q"),
    ),
]


@pytest.mark.parametrize(("text", "parts"), ADDRESSES)
def test_an_address_in_parts(text: str, parts: Address) -> None:
    assert parse(text) == parts
    assert "pass" not in repr(parts)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("redis://h/0?ssl_cert_reqs=none", "no option 'ssl_cert_reqs'"),
        ("redis://h/0?socket_timeout=5", "no option 'socket_timeout'"),
        ("rediss://h?ssl_cert_reqs=maybe", "required, optional, none"),
        ("rediss://h?ssl_check_hostname=perhaps", "true or false"),
        ("unix:///r.sock?db=two", "not the address"),
        ("unix://host/r.sock", "not the address"),
        ("sentinel://h:26379/0", "not the address"),
        ("redis://h/0#x", "not the address"),
    ],
)
def test_what_is_not_understood_is_refused(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        parse(text)


@pytest.mark.parametrize(("text", "parts"), ADDRESSES)
def test_kombu_is_told_the_same_as_redis_py(text: str, parts: Address) -> None:
    told = celery_settings(parts)
    connection = kombu.Connection(told["broker_url"], ssl=told["broker_use_ssl"])
    channel = object.__new__(Channel)
    channel.connection = type("", (), {"client": connection, "default_port": 6379})()
    theirs: dict[str, Any] = channel._connparams()  # type: ignore[attr-defined]
    with client(parts) as own:
        ours = own.connection_pool.connection_kwargs
        assert issubclass(theirs["connection_class"], own.connection_pool.connection_class)
    kept = {k for k, v in ours.items() if v is not None} & {
        *("host", "port", "path", "db", "username", "password"),
        *("ssl_cert_reqs", "ssl_check_hostname", "ssl_ca_certs", "ssl_certfile", "ssl_keyfile"),
    }
    assert {k: theirs.get(k) for k in kept} == {k: ours[k] for k in kept}
    assert {k for k in theirs if k.startswith("ssl_")} <= set(ours)
    assert theirs["password"] == parts.password
    assert text


# Real servers.


@contextmanager
def guarded(folder: Path, password: str, *more: str) -> Iterator[Path]:
    """A broker on a socket with that password; the socket."""
    server = servers.redis_server(folder)
    path = folder / "redis.sock"

    def answers() -> bool:
        with client(Address(socket=path, password=password), timeout=1) as asked:
            return bool(asked.ping())

    command = (*server.command, "--requirepass", password, *more)
    with servers.running(replace(server, command=command, answers=answers)):
        yield path


@pytest.mark.parametrize("form", ["unix://{0}?db=2&password={1}", "unix://:{1}@{0}?db=2"])
def test_a_socket_with_a_password_serves_everybody(form: str, config: ConfigOf) -> None:
    with servers.throwaway() as folder, guarded(folder, "qu@y/?") as path:
        newsroom = config(redis_url=form.format(path, "qu%40y%2F%3F"))
        with client(broker_address(newsroom)) as asked:
            assert asked.ping()
        celery = app.configure(newsroom)
        celery.send_task("workers.tasks.sweep", queue=queues.TICKS)
        with celery.broker(timeout=5) as broker:
            assert queues.depth(broker, queues.TICKS) == 1
        wrong = config(redis_url=f"unix://{path}?password=no")
        with (
            pytest.raises(redis.AuthenticationError) as caught,
            client(broker_address(wrong)) as no,
        ):
            no.ping()
        assert "refuses the name or password" in away(wrong, caught.value)


@contextmanager
def speaking_tls(path: Path) -> Iterator[int]:
    """A port at which TLS is spoken for the broker at the socket *path*."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(CERTIFICATE)
    with ExitStack() as stack:
        listening = stack.enter_context(socket.create_server(("127.0.0.1", 0)))

        def pipe(source: socket.socket, target: socket.socket) -> None:
            with suppress(OSError, ValueError):
                while data := source.recv(65536):
                    target.sendall(data)
            for one in (source, target):
                with suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)

        def serve() -> None:
            while True:
                try:
                    plain, _ = listening.accept()
                except OSError:
                    return
                try:
                    spoken = context.wrap_socket(plain, server_side=True)
                except OSError:  # the client did not trust us
                    plain.close()
                    continue
                behind = stack.enter_context(socket.socket(socket.AF_UNIX))
                behind.connect(str(path))
                stack.enter_context(spoken)
                for ends in ((spoken, behind), (behind, spoken)):
                    threading.Thread(target=pipe, args=ends, daemon=True).start()

        threading.Thread(target=serve, daemon=True).start()
        try:
            yield listening.getsockname()[1]
        finally:
            listening.shutdown(socket.SHUT_RDWR)


@pytest.mark.slow
def test_a_server_that_cannot_be_verified_is_told_nothing(config: ConfigOf) -> None:
    with (
        servers.throwaway() as folder,
        guarded(folder, "s3cret") as path,
        speaking_tls(path) as port,
    ):
        url = f"rediss://:s3cret@localhost:{port}/0"
        for newsroom, heard in (
            (config(redis_url=url), False),
            (config(redis_url=f"{url}?ssl_ca_certs={CERTIFICATE}"), True),
            (config(redis_url=f"{url}?ssl_cert_reqs=none"), True),
        ):
            celery = app.configure(newsroom)
            if heard:
                celery.send_task("workers.tasks.sweep", queue=queues.TICKS, retry=False)
                with celery.broker(timeout=5) as broker:
                    assert queues.depth(broker, queues.TICKS) >= 1
                continue
            with pytest.raises(OperationalError, match="verif"):
                celery.send_task("workers.tasks.sweep", queue=queues.TICKS, retry=False)
            with pytest.raises(redis.ConnectionError) as caught, celery.broker(timeout=5) as broker:
                broker.ping()
            assert "verif" in away(newsroom, caught.value)
            assert "s3cret" not in away(newsroom, caught.value)


# One Redis, several newsrooms.


def test_two_newsrooms_on_one_number_see_nothing_of_each_other(
    config: ConfigOf, redis_url: str, tmp_path: Path
) -> None:
    rooms = [config(data=tmp_path / name, redis_url=redis_url) for name in ("live", "staging")]
    app.configure(rooms[0]).send_task("workers.tasks.sweep", queue=queues.TICKS)
    brokers = [client(redis_url, prefix=key_prefix_of(newsroom)) for newsroom in rooms]
    pulse.mark(brokers[0], "worker")
    assert [queues.depth(broker, queues.TICKS) for broker in brokers] == [1, 0]
    assert [bool(pulse.alive(broker)) for broker in brokers] == [True, False]
    assert key_prefix_of(rooms[0]) == brokers[0].prefix
    assert all(key.startswith(b"wirecopy") for key in brokers[0].scan_iter())


def test_a_copy_of_a_database_is_another_one(
    database_url: str, tmp_path: Path, postgres_url: str
) -> None:
    store = connect(database_url)
    prefix = key_prefix(store)
    assert key_prefix(store) == prefix
    store.close()
    if store.file is not None:
        copy = tmp_path / "copied"
        copy.mkdir()
        store.file.rename(copy / store.file.name)
        moved = connect(copy / store.file.name)
        assert key_prefix(moved) != prefix
        moved.close()
        return
    with database(postgres_url, store.engine.url.database) as url:
        copied = connect(url)
        assert key_prefix(copied) != prefix
        copied.close()


# A broker that takes no writes.


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (("REPLICAOF", "127.0.0.1", "1"), "replica; name its primary"),
        (("CONFIG", "SET", "maxmemory", "1"), "memory is full; raise"),
        (("CONFIG", "SET", "min-replicas-to-write", "1"), "NOREPLICAS"),
    ],
)
def test_a_broker_that_answers_and_takes_no_writes_is_known(
    command: tuple[str, ...], told: str
) -> None:
    with servers.throwaway() as folder, servers.redis(folder) as url, client(url) as broker:
        assert writes_refused(broker) is None
        broker.execute_command(*command)
        assert broker.ping()
        assert told in (writes_refused(broker) or "")


def test_who_is_away_is_told_without_an_exceptions_name(config: ConfigOf) -> None:
    alone = config()
    for newsroom, told in (
        (alone, "the private broker is not running; `wirecopy up` starts it"),
        (config(redis_url="redis://:pw@127.0.0.1:1/0"), "redis://127.0.0.1:1/0 cannot be reached"),
        (
            config(redis_url="unix:///nowhere/r.sock"),
            "unix:///nowhere/r.sock?db=0 cannot be reached",
        ),
    ):
        with (
            pytest.raises(redis.ConnectionError) as caught,
            client(broker_address(newsroom)) as broker,
        ):
            broker.ping()
        said = away(newsroom, caught.value)
        assert told in said
        assert "Error " not in said
        assert "pw" not in said
