"""The private broker: found independently, ours alone, on no port, keeping what waits."""

import os
import shutil
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import kombu
import pytest

from desk import broker
from desk.broker import Private, private
from stories.broker import Address
from stories.errors import WirecopyError
from stories.pdeathsig import bound_to_parent
from tests import servers
from tests.conftest import ConfigOf
from tests.processes import until
from workers.address import (
    SOCKET_PATH_LIMIT,
    broker_address,
    celery_settings,
    client,
    private_socket,
)


def start(one: Private) -> subprocess.Popen[bytes]:
    """The broker, once it answers."""
    assert not one.ready()
    process = subprocess.Popen(bound_to_parent(one.command), stdin=subprocess.DEVNULL)
    until(one.ready)
    return process


def test_it_answers_on_its_socket_alone_and_only_to_us() -> None:
    with servers.throwaway() as data:
        one = private(data)
        process = start(one)
        try:
            with client(Address(socket=one.socket)) as asked:
                wanted = ("port", "appendonly", "appendfsync", "maxmemory-policy", "save")
                assert asked.config_get(*wanted) == {
                    "port": "0",
                    "appendonly": "yes",
                    "appendfsync": "everysec",
                    "maxmemory-policy": "noeviction",
                    "save": "",
                }
            for path in (one.socket, one.socket.parent, data / "broker"):
                assert stat.S_IMODE(path.stat().st_mode) == 0o700
        finally:
            process.kill()
            process.wait()


def test_what_waits_survives_a_kill() -> None:
    with servers.throwaway() as data:
        one = private(data)
        process = start(one)
        with client(Address(socket=one.socket)) as asked:
            asked.lpush("queue", "waiting")
        process.kill()
        process.wait()
        process = start(private(data))  # over the socket that the killed one left
        with client(Address(socket=one.socket)) as asked:
            assert asked.lrange("queue", 0, -1) == [b"waiting"]
        process.kill()
        process.wait()


@pytest.mark.parametrize(
    "odd", ["plain", "with a space", "50%25", "हिन्दी", "a?b#c", os.fsdecode(b"no-\xff")]
)
def test_celery_reaches_the_private_broker_of_any_folder(odd: str, config: ConfigOf) -> None:
    with servers.throwaway() as folder:
        data = folder / odd
        process = start(private(data))
        try:
            with kombu.Connection(
                celery_settings(broker_address(config(data=data)))["broker_url"]
            ) as connection:
                connection.ensure_connection(max_retries=1)
            with client(broker_address(config(data=data))) as asked:
                assert asked.ping()
        finally:
            process.kill()
            process.wait()


def test_a_deep_data_folder_has_its_socket_elsewhere_short_and_always_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with servers.throwaway() as folder:
        deep = folder / ("d" * 100)
        socket = private_socket(deep)
        monkeypatch.setenv("TMPDIR", str(folder))
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
        monkeypatch.chdir(folder)
        assert private_socket(Path("d" * 100)) == socket
        assert private_socket(folder / ("e" * 100)) != socket
        assert len(os.fsencode(socket)) <= SOCKET_PATH_LIMIT
        one = private(deep)
        assert one.socket == socket
        try:
            process = start(one)
            process.kill()
            process.wait()
            assert list((deep / "broker").iterdir())  # its files stay with the data
        finally:
            shutil.rmtree(socket.parent)


def test_the_longest_near_path_still_works() -> None:
    with servers.throwaway() as folder:
        newsroom = SOCKET_PATH_LIMIT - len(os.fsencode(folder / "x" / "broker" / "broker.sock")) + 1
        data = folder / ("d" * newsroom)
        one = private(data)
        assert len(os.fsencode(one.socket)) == SOCKET_PATH_LIMIT
        assert one.socket.is_relative_to(data)
        process = start(one)
        process.kill()
        process.wait()
        assert not private_socket(folder / ("d" * (newsroom + 1))).is_relative_to(folder)


def test_a_folder_that_others_put_there_first_is_not_used() -> None:
    with servers.throwaway() as folder:
        data = folder / ("d" * 100)
        place = private_socket(data).parent
        place.symlink_to(folder)
        try:
            with pytest.raises(WirecopyError, match="not a folder of this user's"):
                private(data)
        finally:
            place.unlink()


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_somebody_else_is_not_used() -> None:
    with servers.throwaway() as data:
        (data / "broker").mkdir()
        os.chown(data / "broker", 65534, 65534)
        with pytest.raises(WirecopyError, match="not a folder of this user's"):
            private(data)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(WirecopyError, match=r"file/data/broker: cannot be made.*Not a directory"):
        private(tmp_path / "file" / "data")


def test_a_folder_open_to_others_is_closed() -> None:
    with servers.throwaway() as data:
        (data / "broker").mkdir()
        (data / "broker").chmod(0o777)
        private(data)
        assert stat.S_IMODE((data / "broker").stat().st_mode) == 0o700


def test_without_a_server_it_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(broker, "runs", lambda _: False)
    broker.binary.cache_clear()
    with pytest.raises(WirecopyError, match=r"install Valkey or Redis.*WIRECOPY_REDIS_URL"):
        private(tmp_path)


@pytest.mark.parametrize("name", ["redis-server", "valkey-server"])
def test_the_server_on_path_comes_first_of_either_name(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / name).symlink_to(broker.binary())
    monkeypatch.setenv("PATH", str(tmp_path))
    broker.binary.cache_clear()
    assert broker.binary() == tmp_path / name
    broker.binary.cache_clear()


def test_without_one_the_private_broker_is_meant(config: ConfigOf) -> None:
    newsroom = config()
    socket = private_socket(newsroom.data)
    assert broker_address(newsroom) == Address(socket=socket)
    assert socket.name == "broker.sock"
    with client(broker_address(newsroom)) as asked:
        assert asked.connection_pool.connection_kwargs["path"] == str(socket)


# Files that cannot be loaded.


def garbled(folder: Path) -> None:
    with next((folder / "appendonlydir").glob("*.incr.aof")).open("ab") as file:
        file.write(b"\0" * 4096)


def of_a_newer_server(folder: Path) -> None:
    next((folder / "appendonlydir").glob("*.rdb")).write_bytes(b"REDIS9999" + b"\xff" * 40)


def without_its_list(folder: Path) -> None:
    next((folder / "appendonlydir").glob("*.manifest")).write_bytes(b"file nonsense\n")


@pytest.mark.parametrize("harm", [garbled, of_a_newer_server, without_its_list])
def test_files_that_it_cannot_load_are_set_aside_and_that_is_said(
    harm: Callable[[Path], None],
) -> None:
    with servers.throwaway() as data:
        one = private(data)
        process = start(one)
        with client(Address(socket=one.socket)) as asked:
            asked.lpush("queue", "waiting")
            asked.shutdown(save=True)
        process.wait()
        assert one.set_aside is not None
        harm(data / "broker")
        with one.log.open("ab") as output:
            process = subprocess.Popen(bound_to_parent(one.command), stdout=output, stderr=output)
        assert process.wait() != 0
        said = one.set_aside() or ""
        assert str(data / "broker/unreadable") in said
        assert "losing nothing: " in said
        assert "\n" not in said
        assert one.set_aside() is None
        assert list((data / "broker/unreadable/appendonlydir").iterdir())
        process = start(private(data))
        process.kill()
        process.wait()
